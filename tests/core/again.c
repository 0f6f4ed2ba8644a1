/* What operations do again, and how often at most: somebody takes the room from under every claim;
 * the tag of a block changes twice while one frees it; a recoverer meets a member that gives way
 * between two phases. */
#include "core/core_deaths.h"
#include "core/free.h"
#include "core/place.h"
#include "core/publish.h"
#include "core/scene.h"

static struct bench bench;
static struct actor mine;
static struct actor other;

static void make_bench(void)
{
    bench_make(&bench, 12 * LAYOUT_GROUP_PAGES, 12 * LAYOUT_GROUP_PAGES);
    mine = bench_join(&bench, VICTIM);
    other = bench_join(&bench, OTHER);
}

static void drop_bench(void)
{
    bench_drop(&bench);
}

static uint64_t state_of(const struct actor *actor)
{
    return atomic_load(&actor->intent->state);
}

/* ---- the room is gone, again and again ---- */

static int n_robberies_left;
static uint64_t robbed; /* page, or NO_PAGE */

/* Takes the first page that the claim is about, just before it is made, and gives it back later. */
static void rob(bool changes)
{
    if (!changes)
        return;
    step_hook *hook = steps_hook(NULL);
    uint64_t page = state_of(&mine) >> 4;
    unsigned operation = state_of(&mine) & 15;
    if (robbed != NO_PAGE) {
        ck_quiet(free_block(&bench.view, &other, robbed) == 1);
        robbed = NO_PAGE;
    } else if ((operation == INTENT_ALLOC1 || operation == INTENT_CLAIM) && n_robberies_left > 0 &&
               bench_take(&bench, &other, page, 1)) {
        n_robberies_left--;
        robbed = page;
    }
    steps_hook(hook);
}

static const struct {
    uint64_t n;
    uint64_t align;
} wishes[] = {{1, 1}, {7, 1}, {32, 1}, {40, 1}, {600, 1}, {7, 8}, {40, 64}};

START_TEST(who_is_robbed_of_room_again_and_again_looks_elsewhere_and_gets_it_in_the_end)
{
    struct look look;
    struct belief belief = {0};
    robbed = NO_PAGE;
    n_robberies_left = 3000;
    steps_hook(rob);
    uint64_t page = place_block(&bench.view, &mine, wishes[_i].n, wishes[_i].align, &look);
    steps_hook(NULL);
    ck_assert_uint_eq(robbed, NO_PAGE);
    ck_assert_int_eq(n_robberies_left, 0);
    ck_assert_uint_ne(page, NO_PAGE);
    believe_block(&belief, page, wishes[_i].n);
    ck_assert(belief_holds(&belief, &bench));
}
END_TEST

enum { N_WORDS = LAYOUT_GROUP_WORDS, MOST_SEIZURES = 8 /* the tries of place_single */ };

static int n_seizures_left;
static bool seized;

/* Takes the whole group when it has become the member's home, and gives it back when the member has
 * found nothing there. */
static void seize(bool changes)
{
    (void)changes;
    step_hook *hook = steps_hook(NULL);
    _Atomic uint64_t *home = &bench.view.slots[slot_of(&mine)].home;
    if (!seized && atomic_load(home) == 1 && n_seizures_left > 0) {
        for (uint64_t i = 0; i < N_WORDS; i++)
            ck_quiet(bench_take(&bench, &other, i * LAYOUT_WORD_PAGES, LAYOUT_WORD_PAGES));
        n_seizures_left--;
        seized = true;
    } else if (seized && !(hint_read(&bench.view.hints, 0) & HINT_MANY)) {
        atomic_store(home, 0); /* so that its coming is seen again */
        for (uint64_t i = 0; i < N_WORDS; i++)
            ck_quiet(free_block(&bench.view, &other, i * LAYOUT_WORD_PAGES) != 0);
        seized = false;
    }
    steps_hook(hook);
}

START_TEST(who_loses_its_group_again_and_again_takes_a_page_anywhere)
{
    struct look look;
    struct belief belief = {{0}};
    atomic_store(&bench.view.header->limit, LAYOUT_GROUP_PAGES);
    seized = false;
    n_seizures_left = _i;
    steps_hook(seize);
    uint64_t page = place_block(&bench.view, &mine, 1, 1, &look);
    steps_hook(NULL);
    ck_assert(!seized);
    ck_assert_int_eq(n_seizures_left, 0);
    ck_assert_uint_ne(page, NO_PAGE);
    believe_block(&belief, page, 1);
    ck_assert(belief_holds(&belief, &bench));
}
END_TEST

/* ---- the tag changes twice ---- */

static struct actor owner;
static unsigned accesses;
static unsigned first_time;
static unsigned second_time;

static const struct {
    uint64_t page;
    uint64_t n;
} block[] = {{33, 5}, {30, 5}};

static int which;

static void publish_it(void)
{
    publish_block(&bench.view, &owner, block[which].page, &bench.places[0]);
}

/* A reader frees it, and its pages become somebody's again. */
static void replace_it(void)
{
    if (free_block(&bench.view, &other, block[which].page) != 0)
        ck_quiet(bench_take(&bench, &other, block[which].page, block[which].n));
}

static void share_then_replace(bool changes)
{
    (void)changes;
    step_hook *hook = steps_hook(NULL);
    if (accesses == first_time)
        publish_it();
    if (accesses == second_time)
        replace_it();
    accesses++;
    steps_hook(hook);
}

static void set_block(void)
{
    bench_clear(&bench);
    mine = bench_join(&bench, VICTIM);
    other = bench_join(&bench, OTHER);
    owner = bench_join(&bench, OWNER);
    ck_quiet(bench_take(&bench, &owner, block[which].page, block[which].n));
}

/* Freed by me, which found it again where another one had it by then, or not mine to free. */
static void check_freed_or_left(uint64_t freed)
{
    bool is_there = view_is_first(&bench.view, block[which].page);
    uint32_t tag = atomic_load(&bench.view.tags[block[which].page]);
    ck_quiet(freed == 0 || freed == block[which].n);
    ck_quiet(state_of(&mine) == INTENT_IDLE);
    ck_quiet(!is_there || tag == other.tag || (tag == TAG_SHARED && freed == 0));
    ck_quiet(is_there || freed != 0);
}

START_TEST(who_frees_a_block_that_is_shared_and_replaced_meanwhile_frees_one_block_or_none)
{
    which = _i;
    bool came = true;
    for (first_time = 0; came; first_time++) {
        came = false;
        for (second_time = first_time; second_time < first_time + 12; second_time++) {
            moment = (struct moment){"accesses", first_time, second_time, 0};
            set_block();
            accesses = 0;
            steps_hook(share_then_replace);
            uint64_t freed = free_block(&bench.view, &mine, block[which].page);
            steps_hook(NULL);
            came |= accesses > first_time;
            if (accesses > second_time)
                check_freed_or_left(freed);
        }
    }
}
END_TEST

/* ---- between two phases of a pass ---- */

static struct actor freer;
static struct actor taker;

static void free_the_long_one(void *unused)
{
    (void)unused;
    free_block(&bench.view, &freer, block[1].page);
}

/* Its free of a longer block goes no further than the intent; another one frees that block, and a
 * third dies when it has taken pages there and has no tag on them. The one that lives is about to
 * find out that the page is taken. */
static void set_corpses(void)
{
    bench_clear(&bench);
    mine = bench_join(&bench, VICTIM);
    other = bench_join(&bench, OTHER);
    freer = bench_join(&bench, OWNER);
    taker = bench_join(&bench, BYSTANDER);
    ck_quiet(bench_take(&bench, &freer, block[1].page, block[1].n));
    ck_quiet(!steps_then_death(2, free_the_long_one, NULL));
    ck_quiet((state_of(&freer) & 15) == INTENT_FREEM);
    ck_quiet(free_block(&bench.view, &other, block[1].page) == block[1].n);
    ck_quiet(bench_take(&bench, &taker, block[1].page, 2));
    atomic_store(&bench.view.tags[block[1].page], TAG_NOBODY);
    actor_intend(&taker, INTENT_ALLOC1, block[1].page);
    actor_intend(&mine, INTENT_ALLOC1, block[1].page);
    bench.is_dead[OWNER] = bench.is_dead[BYSTANDER] = true;
}

static unsigned n_pending;

static void recover(void *unused)
{
    (void)unused;
    n_pending = bench_recover(&bench, RECOVERER);
}

static void give_way(void *unused)
{
    (void)unused;
    actor_idle(&mine);
}

START_TEST(a_short_block_waits_for_the_dead_free_of_a_longer_one_at_its_page)
{
    const struct belief nothing = {0};
    bool one_was_pending[3] = {false};
    bool came = true;
    for (unsigned j = 0; came; j++) {
        moment = (struct moment){"access", j, 0, 0};
        set_corpses();
        came = steps_with_other(j, recover, NULL, give_way, NULL);
        ck_quiet(n_pending <= 2);
        one_was_pending[n_pending] = true;
        ck_quiet(n_pending > 0 || belief_holds(&nothing, &bench));
        actor_idle(&mine);
        ck_quiet(bench_recover(&bench, RECOVERER) == 0);
        ck_quiet(belief_holds(&nothing, &bench));
    }
    ck_assert(one_was_pending[0] && one_was_pending[2]);
}
END_TEST

TCase *again_case(void)
{
    TCase *tcase = tcase_create("again");
    tcase_add_checked_fixture(tcase, make_bench, drop_bench);
    tcase_add_loop_test(
        tcase, who_is_robbed_of_room_again_and_again_looks_elsewhere_and_gets_it_in_the_end, 0,
        sizeof wishes / sizeof wishes[0]);
    tcase_add_loop_test(tcase, who_loses_its_group_again_and_again_takes_a_page_anywhere, 0,
                        MOST_SEIZURES + 1);
    tcase_add_loop_test(
        tcase, who_frees_a_block_that_is_shared_and_replaced_meanwhile_frees_one_block_or_none, 0,
        sizeof block / sizeof block[0]);
    tcase_add_test(tcase, a_short_block_waits_for_the_dead_free_of_a_longer_one_at_its_page);
    return tcase;
}
