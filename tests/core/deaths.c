/* A member dies before each single access of each operation, and a recoverer before each of its. */
#include <stdio.h>

#include "core/core_deaths.h"
#include "core/scene.h"

static const struct act acts[] = {
    {ACT_CLAIM, 0, 1},
    {ACT_CLAIM, 33, 5},
    {ACT_CLAIM, 32, 32},
    {ACT_CLAIM, 31, 2},
    {ACT_CLAIM, 32, 33},
    {ACT_CLAIM, 5, 8 * 32},
    {ACT_CLAIM, 500, 32},
    {ACT_CLAIM_IN_VAIN, 30, 5},
    {ACT_CLAIM_IN_VAIN, 31, 3 * 32},
    {ACT_CLAIM_IN_VAIN, 0, 8 * 32},
    {ACT_FREE, 0, 1},
    {ACT_FREE, 33, 5},
    {ACT_FREE, 32, 32},
    {ACT_FREE, 31, 2},
    {ACT_FREE, 32, 33},
    {ACT_FREE, 500, 32},
    {ACT_FREE, 5, 8 * 32},
    {ACT_FREE_FOREIGN, 33, 5},
    {ACT_FREE_FOREIGN, 31, 2},
    {ACT_FREE_FOREIGN, 20, 3 * 32},
    {ACT_FREE_SHARED, 33, 5},
    {ACT_FREE_SHARED, 31, 3 * 32},
    {ACT_RECLAIM, 33, 5},
    {ACT_RECLAIM, 31, 2 * 32},
    {ACT_PUBLISH, 33, 5},
    {ACT_PUBLISH, 31, 3 * 32},
    {ACT_TRIM, 33, 5},
    {ACT_TRIM, 31, 3 * 32},
};

enum { N_ACTS = sizeof acts / sizeof acts[0] };

static struct scene scene;
static struct performance victim;

static void make_scene(void)
{
    scene_make(&scene, 640);
}

static void drop_scene(void)
{
    bench_drop(&scene.bench);
}

/* The act up to its step k. Whether it came to its end. */
static bool play(const struct act *act, unsigned k, enum ending ending)
{
    scene_clear(&scene);
    scene_fence(&scene, act->page, act->n);
    scene_cast(&scene, &victim, act, VICTIM, ending >= DEAD_SPARE);
    return perform_and_end(&victim, k, ending);
}

static void check_order(void)
{
    struct belief belief = scene.around;
    ck_quiet(is_settled(&victim));
    believe_outcome(&victim, &belief);
    ck_quiet(belief_holds(&belief, &scene.bench));
    ck_quiet(atomic_load(&scene.bench.view.header->watch) == 0);
    ck_quiet(atomic_load(&scene.bench.view.header->lock) == 0);
}

/* Calls check after each death of act i and each way to end. */
static void for_each_death(int i,
                           void (*check)(const struct act *act, unsigned k, enum ending ending))
{
    for (enum ending ending = 0; ending < N_ENDINGS; ending++) {
        bool finished = false;
        for (unsigned k = 0; !finished; k++) {
            moment = (struct moment){act_names[acts[i].kind], (unsigned long)ending, k, 0};
            finished = play(&acts[i], k, ending);
            check(&acts[i], k, ending);
        }
    }
}

static void check_one_pass(const struct act *act, unsigned k, enum ending ending)
{
    (void)act;
    (void)k;
    (void)ending;
    ck_quiet(bench_recover(&scene.bench, RECOVERER) == 0);
    check_order();
    struct bench_state *state = bench_remember(&scene.bench);
    ck_quiet(bench_recover(&scene.bench, RECOVERER) == 0);
    ck_quiet(bench_is_unchanged(&scene.bench, state));
}

START_TEST(after_any_death_one_pass_brings_order_and_a_second_changes_nothing)
{
    for_each_death(_i, check_one_pass);
}
END_TEST

static void recover(void *unused)
{
    (void)unused;
    bench_recover(&scene.bench, RECOVERER);
}

static void check_next_recoverer(const struct act *act, unsigned k, enum ending ending)
{
    bool finished = false;
    for (unsigned j = 0; !finished; j++) {
        if (j > 0)
            play(act, k, ending);
        moment.c = j;
        finished = steps_then_death(j, recover, NULL);
        scene.bench.is_dead[RECOVERER] = true;
        ck_quiet(bench_recover(&scene.bench, NEXT_RECOVERER) == 0);
        check_order();
    }
}

START_TEST(a_recoverer_that_dies_anywhere_leaves_its_work_to_the_next)
{
    for_each_death(_i, check_next_recoverer);
}
END_TEST

static int is_victims(void *context, uint32_t row)
{
    (void)context;
    return row == victim.actor.tag >> 16;
}

static void check_reclaim(const struct act *act, unsigned k, enum ending ending)
{
    const struct view *view = &scene.bench.view;
    struct belief belief = scene.around;
    (void)k;
    if (ending == LOST_SLOT || ending == LOST_SPARE)
        return;
    ck_quiet(bench_recover(&scene.bench, RECOVERER) == 0);
    believe_outcome(&victim, &belief);
    uint32_t tag = atomic_load(&view->tags[act->page]);
    bool is_its = belief_has(&belief, act->page) && tag == victim.actor.tag;
    int64_t freed = recovery_reclaim(view, &scene.bystander, is_victims, NULL);
    ck_quiet(freed == (is_its ? (int64_t)act->n : 0));
    if (is_its)
        believe_free(&belief, act->page, act->n);
    ck_quiet(belief_holds(&belief, &scene.bench));
    recovery_sweep_rows(view, &scene.bench.world);
    ck_quiet(atomic_load(&view->rows[victim.actor.tag >> 16].ident) == 0);
    ck_quiet(atomic_load(&view->rows[scene.bystander.tag >> 16].ident) != 0);
}

START_TEST(after_any_death_reclaim_frees_what_is_left_and_the_row_is_given_back)
{
    for_each_death(_i, check_reclaim);
}
END_TEST

TCase *deaths_case(void)
{
    TCase *tcase = tcase_create("deaths");
    tcase_add_checked_fixture(tcase, make_scene, drop_scene);
    tcase_add_loop_test(tcase, after_any_death_one_pass_brings_order_and_a_second_changes_nothing,
                        0, N_ACTS);
    tcase_add_loop_test(tcase, a_recoverer_that_dies_anywhere_leaves_its_work_to_the_next, 0,
                        N_ACTS);
    tcase_add_loop_test(tcase, after_any_death_reclaim_frees_what_is_left_and_the_row_is_given_back,
                        0, N_ACTS);
    return tcase;
}
