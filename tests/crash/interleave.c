/* Two members are stepped against each other.
 *
 * The first runs to one of its preemption points and stands there; the second runs to one of its
 * own. From there all is gone through that can follow: both finish, one after the other, in either
 * order; or either dies there while the other finishes; or both die. That is done for every pair of
 * points. Preemption points are the boundaries before an instruction that may read or write the
 * pool: what comes between two of them nobody else can notice.
 *
 * The members live through all of it: they perform again and again, while the pool's bytes are put
 * back. Who is dead is told to the judge, who recovers copies. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash/crash.h"
#include "crash/judge.h"

static const struct act alloc_7 = {.name = "alloc-7", .kind = ACT_ALLOC, .n = 7};
static const struct act alloc_40 = {.name = "alloc-40", .kind = ACT_ALLOC, .n = 40};
static const struct act alloc_2_astride = {
    .name = "alloc-2-astride", .kind = ACT_ALLOC, .scenery = ASTRIDE, .n = 2};
static const struct act free_7 = {.name = "free-7", .kind = ACT_FREE, .n = 7};
static const struct act free_40 = {.name = "free-40", .kind = ACT_FREE, .n = 40};
static const struct act replace_7 = {.name = "replace-7", .kind = ACT_REPLACE, .n = 7};
static const struct act recover_alloc_7 = {
    .name = "recover-alloc-7", .kind = ACT_RECOVER, .n = 7, .corpse = &alloc_7, .change = 1};
static const struct act recover_alloc_40 = {
    .name = "recover-alloc-40", .kind = ACT_RECOVER, .n = 40, .corpse = &alloc_40, .change = 3};
static const struct act recover_free_40 = {
    .name = "recover-free-40", .kind = ACT_RECOVER, .n = 40, .corpse = &free_40, .change = 2};

static const struct act publish_7 = {.name = "publish-7", .kind = ACT_PUBLISH, .n = 7};
static const struct act publish_40 = {.name = "publish-40", .kind = ACT_PUBLISH, .n = 40};
static const struct act publish_rival_7 = {
    .name = "publish-rival-7", .kind = ACT_PUBLISH_RIVAL, .n = 7};
static const struct act publish_legacy_7 = {
    .name = "publish-legacy-7", .kind = ACT_PUBLISH_LEGACY, .n = 7};
static const struct act free_published = {
    .name = "free-published", .kind = ACT_FREE_PUBLISHED, .n = 7};
static const struct act recover_unlinked_7 = {
    .name = "recover-unlinked-7", .kind = ACT_RECOVER, .n = 7, .corpse = &publish_7, .change = 3};
static const struct act recover_linked_7 = {
    .name = "recover-linked-7", .kind = ACT_RECOVER, .n = 7, .corpse = &publish_7, .change = 4};
static const struct act reclaim = {.name = "reclaim", .kind = ACT_RECLAIM, .n = 47};

/* The first of a pair builds the scenery. */
static const struct {
    const struct act *first;
    const struct act *second;
    bool seldom; /* only in a complete pass */
} pairs[] = {
    {&alloc_7, &alloc_7, false},
    {&alloc_7, &free_7, false},
    {&free_7, &free_7, false},
    {&alloc_7, &alloc_40, false},
    {&alloc_40, &alloc_40, false},
    {&alloc_40, &free_40, false},
    {&free_40, &alloc_7, false},
    {&free_40, &free_40, true},
    {&alloc_2_astride, &alloc_40, true},
    {&replace_7, &alloc_7, true},
    {&recover_alloc_7, &replace_7, true},
    {&recover_alloc_40, &alloc_40, true},
    {&recover_free_40, &alloc_40, true},
    {&publish_7, &free_published, false},
    {&publish_40, &free_published, true},
    {&publish_rival_7, &publish_rival_7, false},
    {&recover_unlinked_7, &publish_rival_7, true},
    {&recover_linked_7, &publish_rival_7, true},
    {&recover_linked_7, &free_published, true},
    {&reclaim, &publish_legacy_7, true},
};

enum { N_PAIRS = sizeof pairs / sizeof pairs[0] };

/* The boundaries of one run, and which of them are points. */
struct points {
    struct track track;
    size_t *at;
    size_t n;
};

struct member {
    struct role role;
    struct stepper stepper;
    struct slate slate; /* as it was in the beginning */
};

static struct {
    struct member first;
    struct member second;
    struct state *base; /* both stand at the mark */
    struct state *seen;
    size_t n_pairs;
    size_t n_ends; /* judged */
    struct faults faults;
    char where[120];
} duel;

static void begin_anew(void)
{
    state_put(duel.base);
    *duel.first.role.slate = duel.first.slate;
    *duel.second.role.slate = duel.second.slate;
}

/* ---- points ---- */

static bool is_point(const struct member *member)
{
    return stepper_may_access(&member->stepper, (uintptr_t)arena.view->header,
                              arena.layout.mapping_size);
}

static void add_point(struct points *points)
{
    points->at = realloc(points->at, (points->n + 1) * sizeof *points->at);
    if (points->at == NULL)
        abort();
    points->at[points->n++] = points->track.n - 1;
}

/* Steps the member through its act. The pool changes at points only. */
static struct points find_points(struct member *member)
{
    struct points points = {.track = {.own = true}};
    bool goes_on = true;
    while (goes_on) {
        track_add(&points.track, &member->stepper);
        state_take(duel.seen);
        if (is_point(member))
            add_point(&points);
        goes_on = stepper_step_own(&member->stepper);
        duel.faults.disorder += !state_stands(duel.seen) &&
                                (points.n == 0 || points.at[points.n - 1] + 1 != points.track.n);
    }
    stepper_finish(&member->stepper);
    return points;
}

static void drop_points(struct points *points)
{
    track_drop(&points->track);
    free(points->at);
}

/* ---- one pair of points ---- */

/* In the order of the members. */
static void judge(bool returned_first, bool dead_first, bool returned_second, bool dead_second,
                  const char *how)
{
    const struct cast cast = {{&duel.first.role, &duel.second.role},
                              {returned_first, returned_second},
                              {dead_first, dead_second},
                              2};
    char where[200];
    snprintf(where, sizeof where, "%s, %s", duel.where, how);
    state_take(duel.seen);
    duel.faults = faults_sum(duel.faults, judge_state(duel.seen, &cast, where));
    duel.n_ends++;
}

/* Whether it still had to. */
static bool finish(struct member *member, bool is_on_its_way)
{
    crash_watch("an operation beside one that stands still");
    if (is_on_its_way)
        stepper_finish(&member->stepper);
    crash_watch(NULL);
    duel.faults.blocked += member->role.slate->failed != 0;
    return is_on_its_way;
}

static bool go(struct member *member, const struct points *points, size_t i)
{
    return stepper_follow(&member->stepper, &points->track, points->at[i]);
}

static void second_finishes_first(const struct points *first, size_t i, const struct points *second,
                                  size_t j)
{
    begin_anew();
    bool first_is_on = go(&duel.first, first, i);
    bool second_is_on = go(&duel.second, second, j);
    judge(!first_is_on, true, !second_is_on, true, "both die");
    finish(&duel.second, second_is_on);
    judge(!first_is_on, true, true, false, "the first dies");
    finish(&duel.first, first_is_on);
    judge(true, false, true, false, "the second finishes, then the first");
}

static void first_finishes_first(const struct points *first, size_t i, const struct points *second,
                                 size_t j)
{
    begin_anew();
    bool first_is_on = go(&duel.first, first, i);
    bool second_is_on = go(&duel.second, second, j);
    finish(&duel.first, first_is_on);
    judge(true, false, !second_is_on, true, "the second dies");
    finish(&duel.second, second_is_on);
    judge(true, false, true, false, "the first finishes, then the second");
}

/* ---- all pairs ---- */

/* The second's way depends on where the first stands. */
static struct points find_second_points(const struct points *first, size_t i)
{
    begin_anew();
    bool first_is_on = go(&duel.first, first, i);
    struct points second = find_points(&duel.second);
    finish(&duel.first, first_is_on);
    return second;
}

static void go_through_points(void)
{
    begin_anew();
    struct points first = find_points(&duel.first);
    for (size_t i = 0; i < first.n; i++) {
        struct points second = find_second_points(&first, i);
        for (size_t j = 0; j < second.n; j++) {
            snprintf(duel.where, sizeof duel.where, "%s at %zu, %s at %zu",
                     duel.first.role.act->name, first.at[i], duel.second.role.act->name,
                     second.at[j]);
            second_finishes_first(&first, i, &second, j);
            first_finishes_first(&first, i, &second, j);
            duel.n_pairs++;
        }
        drop_points(&second);
    }
    drop_points(&first);
}

static struct member member_new(const struct act *act)
{
    return (struct member){.role = role_new(act)};
}

/* It has performed once, so that each later time is like the others. */
static void warm_up(struct member *member)
{
    member->slate = *member->role.slate;
    stepper_finish(&member->stepper);
}

static bool go_through(const struct act *first, const struct act *second)
{
    memset(&duel, 0, sizeof duel);
    duel.first = member_new(first);
    duel.second = member_new(second);
    duel.base = state_new();
    duel.seen = state_new();
    crash_stage(&duel.first.role);
    duel.first.stepper = role_start(&duel.first.role);
    duel.second.stepper = role_start(&duel.second.role);
    state_take(duel.base);
    warm_up(&duel.first);
    warm_up(&duel.second);
    go_through_points();
    stepper_kill(&duel.first.stepper);
    stepper_kill(&duel.second.stepper);
    printf("crash/interleave: backend=%s first=%s second=%s pairs=%zu ends=%zu lost=%llu "
           "double=%llu blocked=%llu disorder=%llu\n",
           crash_backend(), first->name, second->name, duel.n_pairs, duel.n_ends,
           (unsigned long long)duel.faults.lost, (unsigned long long)duel.faults.doubled,
           (unsigned long long)duel.faults.blocked, (unsigned long long)duel.faults.disorder);
    fflush(stdout);
    role_drop(&duel.first.role);
    role_drop(&duel.second.role);
    free(duel.base);
    free(duel.seen);
    return duel.n_pairs > 0 && faults_none(&duel.faults);
}

int main(int argc, char **argv)
{
    bool right = true;
    crash_begin("crash/interleave");
    for (int i = 0; i < N_PAIRS; i++)
        if (crash_wants(pairs[i].first->name, pairs[i].seldom, argc > 1 ? argv[1] : NULL))
            right = go_through(pairs[i].first, pairs[i].second) && right;
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
