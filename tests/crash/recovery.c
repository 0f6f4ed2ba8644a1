/* A recoverer dies at every instruction of its own, and so does the recoverer after it.
 *
 * A member is stepped through an operation; what the pool holds after each of its changes is a
 * death. For each death a recoverer is stepped through shmpool_recover, and what the pool holds
 * after each of its changes is a death of the recoverer; for each of those a second recoverer is
 * stepped. At each change the judge finishes the work on a copy, and the end must be the one that
 * an undisturbed recovery comes to. All deaths of the second recoverer are gone through if
 * CRASH_COMPLETE is set, else a sample. */
#include <stdio.h>
#include <stdlib.h>

#include "crash/crash.h"
#include "crash/judge.h"

enum { MOST_DEATHS = 100, SAMPLE = 1 };

static const struct act victims[] = {
    {.name = "alloc-7", .kind = ACT_ALLOC, .n = 7},
    {.name = "alloc-40", .kind = ACT_ALLOC, .n = 40},
    {.name = "free-7", .kind = ACT_FREE, .n = 7},
    {.name = "free-40", .kind = ACT_FREE, .n = 40},
    {.name = "free-foreign-7", .kind = ACT_FREE_FOREIGN, .n = 7},
    {.name = "free-foreign-40", .kind = ACT_FREE_FOREIGN, .n = 40},
    {.name = "publish-7", .kind = ACT_PUBLISH, .n = 7},
};

/* The states after each change of one run, which ended in death. */
struct deaths {
    struct state *state[MOST_DEATHS];
    int n;
};

struct campaign {
    struct act recovery;
    struct role victim;
    uint64_t outcome;     /* of an undisturbed recovery */
    size_t n_boundaries;  /* of recoverers */
    size_t n_kills[2];    /* of first and second recoverers, each at a change of its own */
    size_t n_differences; /* ends that are not the one */
    struct faults faults;
};

static void note_death(struct deaths *deaths)
{
    if (deaths->n == MOST_DEATHS)
        abort();
    if (deaths->state[deaths->n] == NULL)
        deaths->state[deaths->n] = state_new();
    state_take(deaths->state[deaths->n++]);
}

/* Steps the role from one death to the next, through to its end. */
static size_t collect(struct role *role, struct deaths *deaths)
{
    size_t n_boundaries = 0;
    struct stepper stepper = role_start(role);
    deaths->n = 0;
    note_death(deaths);
    do {
        n_boundaries++;
        if (!state_stands(deaths->state[deaths->n - 1]))
            note_death(deaths);
    } while (stepper_step_own(&stepper));
    if (!state_stands(deaths->state[deaths->n - 1]))
        note_death(deaths);
    stepper_kill(&stepper);
    return n_boundaries;
}

static void judge(struct campaign *campaign, const struct state *state, const struct role *role,
                  const char *who)
{
    const struct cast cast = {{role}, {false}, {true}, 1};
    char where[100];
    snprintf(where, sizeof where, "%s, %s", campaign->victim.act->name, who);
    campaign->faults = faults_sum(campaign->faults, judge_state(state, &cast, where));
}

/* A recoverer comes to a pool in this state and dies, again and again. */
static void recover_and_die(struct campaign *campaign, const struct state *state, int number,
                            struct deaths *deaths)
{
    struct role recoverer = {.act = &campaign->recovery,
                             .slate = campaign->victim.corpse_slate, /* which nobody needs */
                             .corpse = campaign->victim.pid,
                             .corpse_slate = campaign->victim.slate};
    state_put(state);
    campaign->n_boundaries += collect(&recoverer, deaths);
    for (int i = 0; i < deaths->n; i++) {
        judge(campaign, deaths->state[i], &recoverer,
              number == 0 ? "a recoverer died" : "a second recoverer died");
        campaign->n_differences += judge_outcome() != campaign->outcome;
        campaign->n_kills[number]++;
    }
}

static void go_through_death(struct campaign *campaign, const struct state *death)
{
    static struct deaths first;
    static struct deaths second;
    judge(campaign, death, &campaign->victim, "no recoverer died");
    campaign->outcome = judge_outcome();
    recover_and_die(campaign, death, 0, &first);
    for (int i = 0; i < first.n; i++)
        if (crash_is_complete() || random_between(&crash_dice, 1, (uint64_t)first.n) <= SAMPLE)
            recover_and_die(campaign, first.state[i], 1, &second);
}

static bool go_through(const struct act *act)
{
    static struct deaths deaths;
    struct campaign campaign = {
        .recovery = {.name = "recover", .kind = ACT_RECOVER, .n = act->n, .corpse = act},
        .victim = role_new(act)};
    crash_stage(&campaign.victim);
    collect(&campaign.victim, &deaths);
    for (int i = 0; i < deaths.n; i++)
        go_through_death(&campaign, deaths.state[i]);
    printf("crash/recovery: backend=%s op=%s deaths=%d boundaries=%zu kills=%zu second_kills=%zu "
           "different=%zu lost=%llu double=%llu blocked=%llu disorder=%llu\n",
           crash_backend(), act->name, deaths.n, campaign.n_boundaries, campaign.n_kills[0],
           campaign.n_kills[1], campaign.n_differences, (unsigned long long)campaign.faults.lost,
           (unsigned long long)campaign.faults.doubled, (unsigned long long)campaign.faults.blocked,
           (unsigned long long)campaign.faults.disorder);
    fflush(stdout);
    role_drop(&campaign.victim);
    return campaign.n_differences == 0 && faults_none(&campaign.faults);
}

int main(void)
{
    bool right = true;
    crash_begin("crash/recovery");
    for (size_t i = 0; i < sizeof victims / sizeof victims[0]; i++)
        right = go_through(&victims[i]) && right;
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
