/* A member died at any step, and recovery runs while a living one is at any step of its own; or
 * the living one acts while recovery is at any of its steps; or two died on the same pages. */
#include "core/core_deaths.h"
#include "core/free.h"
#include "core/publish.h"
#include "core/scene.h"

static const struct act victims[] = {
    {ACT_CLAIM, 33, 4},          {ACT_CLAIM, 30, 5},        {ACT_CLAIM, 1, 70},
    {ACT_FREE, 33, 4},           {ACT_FREE, 30, 5},         {ACT_FREE, 1, 70},
    {ACT_FREE_FOREIGN, 33, 4},   {ACT_FREE_FOREIGN, 30, 5}, {ACT_FREE_SHARED, 31, 2},
    {ACT_CLAIM_IN_VAIN, 20, 40}, {ACT_TRIM, 30, 5},
};

static const struct act others[] = {
    {ACT_TAKE_TWICE, 33, 4}, {ACT_TAKE_TWICE, 30, 5},  {ACT_TAKE_TWICE, 28, 3},
    {ACT_TAKE_TWICE, 1, 70}, {ACT_TAKE_TWICE, 34, 40}, {ACT_TRIM, 1, 70},
};

enum {
    N_VICTIMS = sizeof victims / sizeof victims[0],
    N_OTHERS = sizeof others / sizeof others[0],
    N_PAIRS = N_VICTIMS * N_OTHERS
};

static struct scene scene;
static struct performance victim;
static struct performance other;
static unsigned victims_step;
static bool victim_finished; /* at this step, in the last scene that it was in */

static void make_scene(void)
{
    scene_make(&scene, 128);
}

static void drop_scene(void)
{
    bench_drop(&scene.bench);
}

static void set_scene(int pair)
{
    scene_clear(&scene);
    scene_cast(&scene, &victim, &victims[pair / N_OTHERS], VICTIM, false);
    scene_cast(&scene, &other, &others[pair % N_OTHERS], OTHER, false);
}

static void check_order(void)
{
    struct belief belief = scene.around;
    ck_quiet(is_settled(&victim));
    believe_outcome(&other, &belief);
    believe_outcome(&victim, &belief);
    ck_quiet(belief_holds(&belief, &scene.bench));
    ck_quiet(atomic_load(&scene.bench.view.header->watch) == 0);
}

/* What was pending beside a living member is not when that has finished. */
static void check_in_the_end(void)
{
    ck_quiet(bench_recover(&scene.bench, RECOVERER) == 0);
    check_order();
}

static void recover(void *unused)
{
    (void)unused;
    bench_recover(&scene.bench, RECOVERER);
}

static void end_and_recover(void *unused)
{
    step_hook *hook = steps_hook(NULL);
    victim_finished = perform_and_end(&victim, victims_step, DEAD_SLOT);
    recover(unused);
    steps_hook(hook);
}

/* Calls play for each step k at which the victim can end, until it finishes. */
static void for_each_end(int pair, void (*play)(int pair, unsigned k))
{
    victim_finished = false;
    for (unsigned k = 0; !victim_finished; k++) {
        moment =
            (struct moment){act_names[victims[pair / N_OTHERS].kind], (unsigned long)pair, k, 0};
        play(pair, k);
    }
}

static void recovery_beside_other(int pair, unsigned k)
{
    bool came = true;
    for (unsigned j = 0; came; j++) {
        moment.c = j;
        set_scene(pair);
        victim_finished = perform_and_end(&victim, k, DEAD_SLOT);
        came = steps_with_other(j, perform, &other, recover, NULL);
        check_in_the_end();
    }
}

START_TEST(recovery_at_any_step_of_a_living_member_harms_nobody)
{
    for_each_end(_i, recovery_beside_other);
}
END_TEST

static void death_beside_other(int pair, unsigned k)
{
    bool came = true;
    victims_step = k;
    for (unsigned j = 0; came; j++) {
        moment.c = j;
        set_scene(pair);
        came = steps_with_other(j, perform, &other, end_and_recover, NULL);
        if (came)
            check_in_the_end();
        else if (j == 0)
            victim_finished = true; /* the other sees at once that there is no room */
    }
}

START_TEST(death_and_recovery_at_any_step_of_a_living_member_harm_nobody)
{
    for_each_end(_i, death_beside_other);
}
END_TEST

static void other_beside_recovery(int pair, unsigned k)
{
    bool came = true;
    for (unsigned j = 0; came; j++) {
        moment.c = j;
        set_scene(pair);
        victim_finished = perform_and_end(&victim, k, DEAD_SLOT);
        came = steps_with_other(j, recover, NULL, perform, &other);
        if (came)
            check_in_the_end();
    }
}

START_TEST(a_living_member_at_any_step_of_recovery_is_not_harmed)
{
    for_each_end(_i, other_beside_recovery);
}
END_TEST

static void both_end(int pair, unsigned k)
{
    for (unsigned j = 0; !other.finished || j == 0; j++) {
        moment.c = j;
        set_scene(pair);
        victim_finished = perform_and_end(&victim, k, DEAD_SLOT);
        perform_and_end(&other, j, DEAD_SLOT);
        check_in_the_end();
        ck_quiet(is_settled(&other));
    }
}

START_TEST(two_deaths_on_the_same_pages_leave_nothing_pending)
{
    for_each_end(_i, both_end);
}
END_TEST

/* The other stays where it is, frozen: what is its own stays, whatever it is in the middle of. */
static void other_is_frozen(int pair, unsigned k)
{
    for (unsigned j = 0; !other.finished || j == 0; j++) {
        moment.c = j;
        set_scene(pair);
        victim_finished = perform_and_end(&victim, k, DEAD_SLOT);
        steps_then_death(j, perform, &other);
        unsigned pending = bench_recover(&scene.bench, RECOVERER);
        ck_quiet(pending <= 1);
        ck_quiet(is_settled(&victim) == (pending == 0));
        struct bench_state *state = bench_remember(&scene.bench);
        ck_quiet(bench_recover(&scene.bench, RECOVERER) == pending);
        ck_quiet(bench_is_unchanged(&scene.bench, state));
        scene.bench.is_dead[OTHER] = true;
        check_in_the_end();
    }
}

START_TEST(what_is_pending_beside_a_frozen_member_is_settled_when_that_dies)
{
    for_each_end(_i, other_is_frozen);
}
END_TEST

/* ---- the other begins and is stopped, all between two steps of recovery ---- */

enum { STOPPED_WORDS = 5 };

static unsigned others_step;
static uint64_t before[STOPPED_WORDS];
static uint64_t stopped[STOPPED_WORDS];

static void read_words(uint64_t words[STOPPED_WORDS])
{
    for (unsigned i = 0; i < STOPPED_WORDS; i++)
        words[i] = view_word(&scene.bench.view, i);
}

static void act_and_stop(void *unused)
{
    (void)unused;
    read_words(before);
    steps_then_death(others_step, perform, &other);
    read_words(stopped);
}

/* What the other did to the words stands: recovery must not take its pages for the victim's. */
static void check_that_it_stands(void)
{
    uint64_t now[STOPPED_WORDS];
    read_words(now);
    for (unsigned i = 0; i < STOPPED_WORDS; i++)
        ck_quiet(((now[i] ^ stopped[i]) & (before[i] ^ stopped[i])) == 0);
}

static void other_stops_inside_recovery(int pair, unsigned k)
{
    bool other_finished = false;
    for (others_step = 0; !other_finished; others_step++) {
        bool came = true;
        other_finished = true;
        for (unsigned j = 0; came; j++) {
            moment.c = others_step * 1000 + j;
            set_scene(pair);
            victim_finished = perform_and_end(&victim, k, DEAD_SLOT);
            came = steps_with_other(j, recover, NULL, act_and_stop, NULL);
            if (!came)
                break;
            check_that_it_stands();
            other_finished = other_finished && other.finished;
            scene.bench.is_dead[OTHER] = true;
            check_in_the_end();
        }
    }
}

START_TEST(what_a_member_begins_while_recovery_looks_is_not_undone)
{
    for_each_end(_i, other_stops_inside_recovery);
}
END_TEST

/* ---- a publish of a dead process's block, which is reclaimed and taken anew meanwhile ---- */

enum { DEAD_PAGE = 40 };

static struct actor reclaimer;
static struct actor next_owner;
static uint32_t dead_tag;
static bool has_next_owner;
static enum published published;

static void publish(void *publisher)
{
    published = publish_block(&scene.bench.view, publisher, DEAD_PAGE, &scene.bench.places[0]);
}

static void reclaim_and_take(void *unused)
{
    (void)unused;
    free_if_tagged(&scene.bench.view, &reclaimer, DEAD_PAGE, dead_tag);
    has_next_owner = bench_take(&scene.bench, &next_owner, DEAD_PAGE, 2);
}

START_TEST(a_publish_does_not_take_the_block_of_the_next_owner)
{
    bool came = true;
    for (unsigned j = 1; came; j++) { /* access 0 reads the tag, which makes it this block */
        moment = (struct moment){"publish", j, 0, 0};
        scene_clear(&scene);
        struct actor owner = bench_join(&scene.bench, OWNER);
        struct actor publisher = bench_join(&scene.bench, VICTIM);
        reclaimer = bench_join(&scene.bench, RECOVERER);
        next_owner = bench_join(&scene.bench, OTHER);
        dead_tag = owner.tag;
        has_next_owner = false;
        ck_quiet(bench_take(&scene.bench, &owner, DEAD_PAGE, 2));
        came = steps_with_other(j, publish, &publisher, reclaim_and_take, NULL);
        ck_quiet(published == (has_next_owner ? PUBLISH_NO_BLOCK : PUBLISHED));
        ck_quiet(atomic_load(&scene.bench.view.tags[DEAD_PAGE]) ==
                 (has_next_owner ? next_owner.tag : TAG_SHARED));
    }
}
END_TEST

TCase *between_case(void)
{
    TCase *tcase = tcase_create("between");
    tcase_add_checked_fixture(tcase, make_scene, drop_scene);
    tcase_add_loop_test(tcase, recovery_at_any_step_of_a_living_member_harms_nobody, 0, N_PAIRS);
    tcase_add_loop_test(tcase, death_and_recovery_at_any_step_of_a_living_member_harm_nobody, 0,
                        N_PAIRS);
    tcase_add_loop_test(tcase, a_living_member_at_any_step_of_recovery_is_not_harmed, 0, N_PAIRS);
    tcase_add_loop_test(tcase, two_deaths_on_the_same_pages_leave_nothing_pending, 0, N_PAIRS);
    tcase_add_loop_test(tcase, what_is_pending_beside_a_frozen_member_is_settled_when_that_dies, 0,
                        N_PAIRS);
    tcase_add_loop_test(tcase, what_a_member_begins_while_recovery_looks_is_not_undone, 0, N_PAIRS);
    tcase_add_test(tcase, a_publish_does_not_take_the_block_of_the_next_owner);
    return tcase;
}
