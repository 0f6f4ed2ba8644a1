/* A member dies at every instruction of every operation.
 *
 * First it is stepped through the operation once. At each boundary at which the pool has changed
 * the judge looks; a boundary at which nothing has changed since the one before leaves the same
 * memory behind. Then members are really killed: each goes to one boundary and dies there, the
 * others allocate at once, recover and reclaim, and the pool is compared. That is done at every
 * boundary of the operations inside one word. Of the longer ones it is done at each change and at a
 * sample; if CRASH_COMPLETE is set, at every boundary too. */
#include <stdio.h>
#include <stdlib.h>

#include "crash/crash.h"
#include "crash/judge.h"
#include "crash/others.h"

enum { SAMPLE = 25 };

struct pass {
    struct role role;
    struct state *base; /* before the member came */
    struct track track;
    bool *changed; /* by boundary */
    size_t n_changes;
    size_t n_kills;
    struct faults faults;
};

static void note_faults(struct pass *pass, struct faults faults)
{
    pass->faults = faults_sum(pass->faults, faults);
}

static const char *where_text(const struct pass *pass, const char *how, size_t k)
{
    static char text[100];
    snprintf(text, sizeof text, "%s, %s at boundary %zu", pass->role.act->name, how, k);
    return text;
}

static void judge(struct pass *pass, const struct state *state, bool returned)
{
    const struct cast cast = {{&pass->role}, {returned}, {true}, 1};
    note_faults(pass, judge_state(state, &cast, where_text(pass, "left", pass->track.n)));
}

static void note_boundary(struct pass *pass, const struct stepper *stepper, bool changed)
{
    track_add(&pass->track, stepper);
    pass->changed = realloc(pass->changed, pass->track.n * sizeof *pass->changed);
    if (pass->changed == NULL)
        abort();
    pass->changed[pass->track.n - 1] = changed;
    pass->n_changes += changed;
}

static void step_through(struct pass *pass)
{
    struct state *seen = state_new();
    struct stepper stepper = role_start(&pass->role);
    bool changed = false;
    state_take(seen);
    judge(pass, seen, false);
    do {
        note_boundary(pass, &stepper, changed);
        bool goes_on = role_step(&pass->role, &stepper);
        changed = !state_stands(seen);
        if (changed)
            state_take(seen);
        if (changed || !goes_on)
            judge(pass, seen, !goes_on);
        if (!goes_on)
            break;
    } while (true);
    note_faults(pass, (struct faults){.disorder = pass->role.slate->failed != 0});
    stepper_kill(&stepper);
    state_put(pass->base);
    free(seen);
}

/* What a death left of the object itself is there for the others, but not for the next one. */
static void stage(struct pass *pass)
{
    crash_stage(&pass->role);
    state_take(pass->base);
}

static void kill_at(struct pass *pass, size_t k)
{
    const struct cast cast = {{&pass->role}, {false}, {true}, 1};
    if (pass->role.act->kind == ACT_GROW)
        stage(pass);
    struct stepper stepper = role_start(&pass->role);
    stepper_follow(&stepper, &pass->track, k);
    stepper_kill(&stepper);
    note_faults(pass, others_go_on_after(0));
    note_faults(pass, judge_pool(&cast, where_text(pass, "killed", k)));
    state_put(pass->base);
    pass->n_kills++;
}

static bool is_drawn(const struct pass *pass, size_t k)
{
    if (act_is_short(pass->role.act) || crash_is_complete() || pass->changed[k] ||
        (k + 1 < pass->track.n && pass->changed[k + 1]))
        return true;
    return random_between(&crash_dice, 1, pass->track.n) <= SAMPLE;
}

static void tell(const struct pass *pass)
{
    printf("crash/step: backend=%s op=%s boundaries=%zu changes=%zu kills=%zu lost=%llu "
           "double=%llu blocked=%llu disorder=%llu\n",
           crash_backend(), pass->role.act->name, pass->track.n, pass->n_changes, pass->n_kills,
           (unsigned long long)pass->faults.lost, (unsigned long long)pass->faults.doubled,
           (unsigned long long)pass->faults.blocked, (unsigned long long)pass->faults.disorder);
    fflush(stdout);
}

/* Whether everything was in order. */
static bool go_through(const struct act *act)
{
    struct pass pass = {.role = role_new(act), .base = state_new(), .track = {.own = act->own}};
    stage(&pass);
    step_through(&pass);
    for (size_t k = 0; k < pass.track.n; k++)
        if (is_drawn(&pass, k))
            kill_at(&pass, k);
    tell(&pass);
    role_drop(&pass.role);
    track_drop(&pass.track);
    free(pass.changed);
    free(pass.base);
    return faults_none(&pass.faults);
}

int main(int argc, char **argv)
{
    crash_begin("crash/step");
    return crash_go_through(argc, argv, go_through);
}
