/* A pass does not go on for ever: what it may look at is limited. */
#include "core/bench.h"
#include "core/core.h"

enum { DEAD = 1, ALIVE, RECOVERER, PAGES = 6144, LAST = LAYOUT_SLOTS - 1 };

static struct bench bench;

static void make_pool(void)
{
    bench_make(&bench, PAGES, PAGES);
}

static void drop_pool(void)
{
    bench_drop(&bench);
}

static void claim_everything(struct intent_shm *intent)
{
    atomic_store(&intent->n_pages, PAGES);
    atomic_store(&intent->state, intent_of(INTENT_CLAIM, 0));
}

/* All slots but the first are those of a dead process. */
static void fill_slots(void)
{
    for (uint32_t slot = 1; slot < LAYOUT_SLOTS; slot++)
        ck_quiet(members_take_slot(&bench.view, bench_ident(DEAD), 1, 1) == (int)slot);
    bench.is_dead[DEAD] = true;
}

/* Each of many dead members may have claimed all there is, and so may a living one: whoever looks,
 * for each of them, at each word and there at each member, is busy for long. The last member has
 * nothing to settle, and yet it is not come to. */
START_TEST(a_pass_that_has_looked_long_enough_leaves_the_rest_to_the_next_one)
{
    const struct belief nothing = {{0}};
    struct slot_shm *slots = bench.view.slots;
    struct actor alive = bench_join(&bench, ALIVE);
    fill_slots();
    for (uint32_t slot = 0; slot < LAST; slot++)
        claim_everything(&slots[slot].intent);
    for (uint64_t i = 0; i < PAGES / LAYOUT_WORD_PAGES; i++)
        atomic_store(&bench.view.words[i], bits_claimed(UINT32_MAX));
    atomic_store(&bench.view.header->rows_mark, bench.view.n_rows);
    ck_assert_uint_eq(bench_recover(&bench, RECOVERER), LAST);
    ck_assert_uint_ne(atomic_load(&slots[LAST].ident), 0);
    ck_assert_uint_eq(atomic_load(&bench.view.header->watch), 0);
    actor_idle(&alive);
    ck_assert_uint_eq(bench_recover(&bench, RECOVERER), 0);
    ck_assert_uint_eq(atomic_load(&slots[LAST].ident), 0);
    ck_assert(belief_holds(&nothing, &bench));
}
END_TEST

TCase *looks_case(void)
{
    TCase *tcase = tcase_create("looks");
    tcase_set_timeout(tcase, 300);
    tcase_add_checked_fixture(tcase, make_pool, drop_pool);
    tcase_add_test(tcase, a_pass_that_has_looked_long_enough_leaves_the_rest_to_the_next_one);
    return tcase;
}
