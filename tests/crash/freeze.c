/* A member stands still at every instruction of every operation, for as long as it likes.
 *
 * It is stepped through the operation; at each boundary the others allocate and free a hundred
 * single pages and a hundred blocks of 40 pages beside it, and nobody is blocked. */
#include <stdio.h>
#include <stdlib.h>

#include "crash/crash.h"
#include "crash/judge.h"
#include "crash/others.h"

enum { TIMES = 100 };

struct pass {
    struct role role;
    size_t n_boundaries;
    size_t n_blocked; /* boundaries at which the others did not get on */
    struct faults faults;
};

static void work_beside(struct pass *pass)
{
    struct faults faults = others_work(TIMES);
    pass->n_blocked += faults.blocked != 0;
    pass->n_boundaries++;
    pass->faults = faults_sum(pass->faults, faults);
}

/* Whatever it was in the middle of, it comes to a good end. */
static void judge(struct pass *pass)
{
    const struct cast cast = {{&pass->role}, {true}, {false}, 1};
    struct state *state = state_new();
    state_take(state);
    pass->faults = faults_sum(pass->faults, judge_state(state, &cast, pass->role.act->name));
    pass->faults.disorder += pass->role.slate->failed != 0;
    free(state);
}

static void step_through(struct pass *pass)
{
    struct stepper stepper = role_start(&pass->role);
    do {
        work_beside(pass);
    } while (role_step(&pass->role, &stepper));
    judge(pass);
    stepper_kill(&stepper);
}

static void tell(const struct pass *pass)
{
    printf("crash/freeze: backend=%s op=%s boundaries=%zu blocked=%zu lost=%llu double=%llu "
           "disorder=%llu\n",
           crash_backend(), pass->role.act->name, pass->n_boundaries, pass->n_blocked,
           (unsigned long long)pass->faults.lost, (unsigned long long)pass->faults.doubled,
           (unsigned long long)pass->faults.disorder);
    fflush(stdout);
}

static bool go_through(const struct act *act)
{
    struct pass pass = {.role = role_new(act)};
    crash_stage(&pass.role);
    step_through(&pass);
    tell(&pass);
    role_drop(&pass.role);
    return faults_none(&pass.faults);
}

int main(int argc, char **argv)
{
    crash_begin("crash/freeze");
    return crash_go_through(argc, argv, go_through);
}
