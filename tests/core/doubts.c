/* Recovery where it must hold back, and what it must not believe. States are made by hand. */
#include "core/bench.h"
#include "core/claim.h"
#include "core/core.h"
#include "core/free.h"
#include "support/random.h"

enum { DEAD = 1, ALIVE, ALSO_DEAD, RECOVERER };

static struct bench bench;
static struct belief belief;
static struct actor dead;
static struct actor alive;
static struct actor also_dead;

static void make_pool(void)
{
    bench_make(&bench, 640, 700);
    belief = (struct belief){{0}};
    dead = bench_join(&bench, DEAD);
    alive = bench_join(&bench, ALIVE);
    also_dead = bench_join(&bench, ALSO_DEAD);
    bench.is_dead[DEAD] = bench.is_dead[ALSO_DEAD] = true;
}

static void drop_pool(void)
{
    bench_drop(&bench);
}

static void intend(struct actor *actor, enum intent_operation operation, uint64_t page, uint64_t n)
{
    atomic_store(&actor->intent->n_pages, n);
    atomic_store(&actor->intent->state, intent_of(operation, page));
}

static void claim_pages(uint64_t page, uint64_t n)
{
    for (uint64_t i = page; i < page + n; i++)
        atomic_fetch_or(&bench.view.words[i / 32], UINT64_C(1) << (32 + i % 32));
}

static bool is_there(const struct actor *actor)
{
    return atomic_load(&bench.view.slots[slot_of(actor)].ident) != 0;
}

static unsigned recover(void)
{
    return bench_recover(&bench, RECOVERER);
}

START_TEST(pages_that_a_living_claim_covers_keep_the_dead_slot)
{
    static const enum intent_operation deaths[] = {INTENT_CLAIM, INTENT_RELEASE};
    static const enum intent_operation lives[] = {INTENT_CLAIM, INTENT_COMMIT, INTENT_FREEM,
                                                  INTENT_DROP, INTENT_RELEASE};
    intend(&dead, deaths[_i % 2], 30, 40);
    intend(&alive, lives[_i / 2], 60, 40);
    claim_pages(30, 40);
    ck_assert_uint_eq(recover(), 1);
    ck_assert(is_there(&dead));
    /* Those that nobody alive can have are free at once. */
    ck_assert_uint_eq(word_claimed(view_word(&bench.view, 0)), 0);
    ck_assert_uint_eq(word_claimed(view_word(&bench.view, 1)), mask_of(28, 4));
    ck_assert_uint_eq(word_claimed(view_word(&bench.view, 2)), mask_of(0, 6));
    intend(&alive, INTENT_IDLE, 0, 0);
    ck_assert_uint_eq(recover(), 0);
    ck_assert(!is_there(&dead));
    ck_assert(belief_holds(&belief, &bench));
}
END_TEST

START_TEST(a_living_claim_beside_the_pages_is_no_matter)
{
    intend(&dead, INTENT_CLAIM, 30, 10);
    intend(&alive, INTENT_CLAIM, 40, 40);
    claim_pages(30, 50);
    ck_assert_uint_eq(recover(), 0);
    ck_assert(!is_there(&dead));
    ck_assert_uint_eq(word_claimed(view_word(&bench.view, 0)), 0);
    ck_assert_uint_eq(word_claimed(view_word(&bench.view, 1)), mask_of(8, 24));
    ck_assert_uint_eq(word_claimed(view_word(&bench.view, 2)), mask_of(0, 16));
}
END_TEST

START_TEST(a_living_intent_at_the_page_keeps_a_short_block_pending)
{
    static const enum intent_operation deaths[] = {INTENT_ALLOC1, INTENT_FREE1};
    static const enum intent_operation lives[] = {INTENT_ALLOC1, INTENT_FREE1, INTENT_FREEM,
                                                  INTENT_PUBLISH, INTENT_CLAIM};
    ck_assert(bench_take(&bench, &alive, 5, 3));
    believe_block(&belief, 5, 3);
    atomic_store(&bench.view.tags[5], TAG_NOBODY);
    intend(&dead, deaths[_i % 2], 5, 0);
    intend(&alive, lives[_i / 2], 5, 3);
    for (int pass = 0; pass < 2; pass++) {
        ck_assert_uint_eq(recover(), 1);
        ck_assert(is_there(&dead));
        ck_assert(belief_holds(&belief, &bench));
    }
    intend(&alive, INTENT_IDLE, 0, 0);
    ck_assert_uint_eq(recover(), 0);
    ck_assert(!is_there(&dead));
    believe_free(&belief, 5, 3);
    ck_assert(belief_holds(&belief, &bench));
}
END_TEST

START_TEST(a_block_that_the_living_member_tags_meanwhile_is_its_own)
{
    ck_assert(bench_take(&bench, &alive, 5, 3));
    believe_block(&belief, 5, 3);
    atomic_store(&bench.view.tags[5], TAG_NOBODY);
    intend(&dead, INTENT_ALLOC1, 5, 0);
    intend(&alive, INTENT_ALLOC1, 5, 0);
    ck_assert_uint_eq(recover(), 1);
    atomic_store(&bench.view.tags[5], alive.tag);
    intend(&alive, INTENT_IDLE, 0, 0);
    ck_assert_uint_eq(recover(), 0);
    ck_assert(belief_holds(&belief, &bench));
    ck_assert_uint_eq(atomic_load(&bench.view.tags[5]), alive.tag);
}
END_TEST

START_TEST(a_long_block_whose_free_died_stays_pending_beside_a_living_free)
{
    ck_assert(bench_take(&bench, &alive, 5, 90));
    believe_block(&belief, 5, 90);
    atomic_store(&bench.view.tags[5], TAG_NOBODY);
    intend(&dead, INTENT_FREEM, 5, 90);
    intend(&alive, INTENT_FREEM, 5, 90);
    ck_assert_uint_eq(recover(), 1);
    ck_assert(belief_holds(&belief, &bench));
    intend(&alive, INTENT_IDLE, 0, 0);
    ck_assert_uint_eq(recover(), 0);
    believe_free(&belief, 5, 90);
    ck_assert(belief_holds(&belief, &bench));
}
END_TEST

/* Any two operations that can be at one page: whatever their order, the pages end free. */
START_TEST(two_dead_members_at_one_page_do_not_wait_for_each_other)
{
    static const enum intent_operation operations[] = {INTENT_FREE1, INTENT_ALLOC1, INTENT_FREEM,
                                                       INTENT_CLAIM, INTENT_RELEASE};
    struct actor *first = _i % 2 ? &dead : &also_dead;
    struct actor *second = _i % 2 ? &also_dead : &dead;
    uint64_t n = _i / 2 % 5 < 2 || _i / 10 < 2 ? 3 : 60;
    ck_assert(bench_take(&bench, &alive, 5, n));
    atomic_store(&bench.view.tags[5], TAG_NOBODY);
    intend(first, operations[_i / 2 % 5], 5, n);
    intend(second, operations[_i / 10], 5, n);
    bool is_block_of_claims = _i / 2 % 5 > 2 && _i / 10 > 2;
    if (is_block_of_claims) {
        atomic_store(&bench.view.words[0], 0);
        atomic_store(&bench.view.words[1], 0);
        atomic_store(&bench.view.words[2], 0);
        claim_pages(5, n);
    }
    ck_assert_uint_eq(recover(), 0);
    ck_assert(!is_there(first) && !is_there(second));
    bool one_frees = _i / 2 % 5 < 3 || _i / 10 < 3;
    ck_assert(!one_frees || belief_holds(&belief, &bench));
    ck_assert(!is_block_of_claims || belief_holds(&belief, &bench));
}
END_TEST

START_TEST(pages_claimed_for_good_by_another_dead_member_are_its_matter)
{
    intend(&dead, INTENT_CLAIM, 30, 40);
    intend(&also_dead, _i ? INTENT_COMMIT : INTENT_DROP, 50, 60);
    claim_pages(30, 20);
    claim_pages(70, 40);
    atomic_fetch_or(&bench.view.words[1], bits_block(mask_of(18, 14), mask_of(18, 1)));
    atomic_fetch_or(&bench.view.words[2], bits_block(mask_of(0, 6), 0));
    ck_assert_uint_eq(recover(), 0);
    ck_assert(!is_there(&dead) && !is_there(&also_dead));
    ck_assert(belief_holds(&belief, &bench));
}
END_TEST

START_TEST(only_a_thread_that_ended_makes_a_living_process_s_slot_dead)
{
    intend(&alive, INTENT_CLAIM, 30, 10);
    claim_pages(30, 10);
    ck_assert_uint_eq(recover(), 0);
    ck_assert(is_there(&alive));
    ck_assert_uint_eq(word_claimed(view_word(&bench.view, 0)), mask_of(30, 2));
    atomic_store(&bench.view.slots[slot_of(&alive)].ident, IDENT_ABANDONED);
    ck_assert_uint_eq(recover(), 0);
    ck_assert(!is_there(&alive));
    ck_assert(belief_holds(&belief, &bench));
}
END_TEST

START_TEST(only_an_abandoned_or_dead_spare_intent_is_settled)
{
    struct actor spare = bench_spare(&bench, ALIVE);
    struct row_shm *row = &bench.view.rows[spare.tag >> 16];
    intend(&spare, INTENT_CLAIM, 30, 10);
    claim_pages(30, 10);
    ck_assert_uint_eq(recover(), 0);
    ck_assert_uint_ne(atomic_load(&row->spare.state), INTENT_IDLE);
    if (_i)
        bench.is_dead[ALIVE] = true;
    else
        atomic_store(&row->spare_abandoned, 1);
    ck_assert_uint_eq(recover(), 0);
    ck_assert_uint_eq(atomic_load(&row->spare.state), INTENT_IDLE);
    ck_assert_uint_eq(atomic_load(&row->spare_abandoned), 0);
    ck_assert(belief_holds(&belief, &bench));
}
END_TEST

START_TEST(a_publication_out_of_reach_stays_pending)
{
    ck_assert(bench_take(&bench, &dead, 5, 3));
    believe_block(&belief, 5, 3);
    atomic_store(&bench.places[1], view_address_of(&bench.view, 5));
    atomic_store(&dead.intent->publish_block, 5);
    atomic_store(&dead.intent->publish_where, (uintptr_t)&bench.places[1]);
    intend(&dead, INTENT_PUBLISH, 5, 0);
    bench.reaches = false;
    ck_assert_uint_eq(recover(), 1);
    ck_assert(is_there(&dead));
    ck_assert_uint_eq(atomic_load(&bench.view.tags[5]), dead.tag);
    bench.reaches = true;
    ck_assert_uint_eq(recover(), 0);
    ck_assert_uint_eq(atomic_load(&bench.view.tags[5]), TAG_SHARED);
    ck_assert(belief_holds(&belief, &bench));
}
END_TEST

/* Any operation, any page, any length: nobody else's block is harmed, nothing is touched out of the
 * pool, and a second pass has no more to do. */
START_TEST(damaged_intents_do_no_harm)
{
    struct random random = random_stream(random_seed(), 600);
    static const uint64_t pages[] = {0, 5, 639, 640, 699, 700, 701, 1 << 20, UINT64_MAX >> 4};
    static const uint64_t lengths[] = {0, 1, 30, 700, 701, UINT64_MAX, UINT64_MAX - 30};
    ck_assert(bench_take(&bench, &alive, 5, 3));
    ck_assert(bench_take(&bench, &alive, 20, 90));
    believe_block(&belief, 5, 3);
    believe_block(&belief, 20, 90);
    for (unsigned operation = 0; operation < 16; operation++) {
        if (operation == INTENT_COMMIT || operation == INTENT_DROP)
            continue;
        for (unsigned i = 0; i < 9 * 7; i++) {
            uint64_t page = pages[i / 7];
            moment = (struct moment){"operation, page, length", operation, page, lengths[i % 7]};
            atomic_store(&bench.view.slots[slot_of(&dead)].ident, bench_ident(DEAD));
            atomic_store(&dead.intent->publish_block, pages[random_between(&random, 0, 8)]);
            atomic_store(&dead.intent->publish_where, (uintptr_t)&bench.places[0]);
            intend(&dead, (enum intent_operation)operation, page, lengths[i % 7]);
            ck_quiet(recover() == 0);
            ck_quiet(!is_there(&dead));
            ck_quiet(belief_holds(&belief, &bench));
            ck_quiet(atomic_load(&bench.view.tags[5]) == alive.tag);
            ck_quiet(atomic_load(&bench.view.tags[20]) == alive.tag);
        }
    }
}
END_TEST

/* Such an intent says "mine alone"; out of bounds it is nobody's. */
START_TEST(damaged_exclusive_intents_out_of_bounds_do_no_harm)
{
    static const uint64_t ranges[][2] = {
        {700, 1}, {699, 2}, {0, 701}, {0, UINT64_MAX}, {UINT64_MAX >> 4, 1}, {1, UINT64_MAX}};
    ck_assert(bench_take(&bench, &alive, 20, 90));
    believe_block(&belief, 20, 90);
    for (int i = 0; i < 12; i++) {
        atomic_store(&bench.view.slots[slot_of(&dead)].ident, bench_ident(DEAD));
        intend(&dead, i % 2 ? INTENT_COMMIT : INTENT_DROP, ranges[i / 2][0], ranges[i / 2][1]);
        ck_assert_uint_eq(recover(), 0);
        ck_assert(!is_there(&dead));
        ck_assert(belief_holds(&belief, &bench));
    }
}
END_TEST

START_TEST(a_slot_with_a_damaged_row_does_no_harm)
{
    static const uint32_t rows[] = {0, 0xFFFF, UINT32_MAX, 40000};
    ck_assert(bench_take(&bench, &alive, 5, 3));
    believe_block(&belief, 5, 3);
    for (unsigned i = 0; i < 4 * 9; i++) {
        atomic_store(&bench.view.slots[slot_of(&dead)].ident, bench_ident(DEAD));
        atomic_store(&bench.view.slots[slot_of(&dead)].row, rows[i / 9]);
        atomic_store(&dead.intent->publish_where, (uintptr_t)&bench.places[0]);
        enum intent_operation operation = (enum intent_operation)(i % 9);
        if (operation == INTENT_COMMIT || operation == INTENT_DROP)
            continue;
        intend(&dead, operation, 5, 3);
        ck_assert_uint_eq(recover(), 0);
        ck_assert(belief_holds(&belief, &bench));
        ck_assert_uint_eq(atomic_load(&bench.view.tags[5]), alive.tag);
    }
}
END_TEST

/* ---- the lock ---- */

START_TEST(there_is_one_recoverer_and_only_its_death_frees_the_lock)
{
    const struct view *view = &bench.view;
    ck_assert_int_eq(recovery_begin(view, bench_ident(RECOVERER), &bench.world), 1);
    ck_assert_int_eq(recovery_begin(view, bench_ident(RECOVERER), &bench.world), 0);
    ck_assert_int_eq(recovery_begin(view, bench_ident(ALIVE), &bench.world), 0);
    bench.is_dead[RECOVERER] = true;
    ck_assert_int_eq(recovery_begin(view, bench_ident(ALIVE), &bench.world), 1);
    ck_assert_int_eq(recovery_begin(view, bench_ident(RECOVERER), &bench.world), 0);
    recovery_end(view);
    ck_assert_int_eq(recovery_begin(view, bench_ident(ALIVE), &bench.world), 1);
}
END_TEST

/* ---- reclaim and sweep ---- */

static int is_wanted(void *context, uint32_t row)
{
    return row == *(uint32_t *)context;
}

START_TEST(reclaim_frees_the_blocks_of_the_wanted_rows_only)
{
    uint32_t row = dead.tag >> 16;
    for (uint64_t i = 0; i < 6; i++) {
        struct actor *actor = i % 3 == 0 ? &dead : i % 3 == 1 ? &alive : &also_dead;
        ck_assert(bench_take(&bench, actor, i * 60, 1 + i * 10));
        if (i % 3 != 0)
            believe_block(&belief, i * 60, 1 + i * 10);
    }
    ck_assert(bench_take(&bench, &dead, 400, 5));
    atomic_store(&bench.view.tags[400], TAG_SHARED);
    believe_block(&belief, 400, 5);
    ck_assert_int_eq(recovery_reclaim(&bench.view, &alive, is_wanted, &row), RECLAIM_PENDING);
    ck_assert_uint_eq(recover(), 0);
    ck_assert_int_eq(recovery_reclaim(&bench.view, &alive, is_wanted, &row), 1 + 31);
    ck_assert(belief_holds(&belief, &bench));
    ck_assert_int_eq(recovery_reclaim(&bench.view, &alive, is_wanted, &row), 0);
    row = 50;
    ck_assert_int_eq(recovery_reclaim(&bench.view, &alive, is_wanted, &row), 0);
    ck_assert(belief_holds(&belief, &bench));
}
END_TEST

START_TEST(reclaim_waits_until_the_slot_and_the_spare_are_settled)
{
    uint32_t row = dead.tag >> 16;
    struct actor spare = bench_spare(&bench, DEAD);
    ck_assert(bench_take(&bench, &dead, 100, 5));
    intend(&dead, INTENT_CLAIM, 30, 10);
    intend(&spare, INTENT_CLAIM, 50, 10);
    intend(&alive, INTENT_CLAIM, 30, 30);
    claim_pages(30, 10);
    claim_pages(50, 10);
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(recover(), 2 - (unsigned)i);
        ck_assert_int_eq(recovery_reclaim(&bench.view, &alive, is_wanted, &row), RECLAIM_PENDING);
        ck_assert_uint_eq(recovery_sweep_rows(&bench.view, &bench.world), 1 - (unsigned)i);
        intend(&alive, INTENT_CLAIM, 50, 10);
    }
    intend(&alive, INTENT_IDLE, 0, 0);
    ck_assert_uint_eq(recover(), 0);
    ck_assert_int_eq(recovery_reclaim(&bench.view, &alive, is_wanted, &row), 5);
    ck_assert_uint_eq(recovery_sweep_rows(&bench.view, &bench.world), 1);
    ck_assert(belief_holds(&belief, &bench));
}
END_TEST

START_TEST(a_row_is_given_back_when_no_tag_and_no_slot_names_it)
{
    uint32_t row = dead.tag >> 16;
    ck_assert(bench_take(&bench, &dead, 600, 1));
    ck_assert_uint_eq(recovery_sweep_rows(&bench.view, &bench.world), 0);
    ck_assert_uint_eq(recover(), 0);
    ck_assert_uint_eq(recovery_sweep_rows(&bench.view, &bench.world), 1);
    ck_assert_uint_ne(atomic_load(&bench.view.rows[row].ident), 0);
    ck_assert_uint_eq(free_block(&bench.view, &alive, 600), 1);
    ck_assert_uint_eq(recovery_sweep_rows(&bench.view, &bench.world), 1);
    ck_assert_uint_eq(atomic_load(&bench.view.rows[row].ident), 0);
    ck_assert_uint_ne(atomic_load(&bench.view.rows[alive.tag >> 16].ident), 0);
    ck_assert_uint_eq(recovery_sweep_rows(&bench.view, &bench.world), 0);
}
END_TEST

TCase *doubts_case(void)
{
    TCase *tcase = tcase_create("doubts");
    tcase_add_checked_fixture(tcase, make_pool, drop_pool);
    tcase_add_loop_test(tcase, pages_that_a_living_claim_covers_keep_the_dead_slot, 0, 10);
    tcase_add_test(tcase, a_living_claim_beside_the_pages_is_no_matter);
    tcase_add_loop_test(tcase, a_living_intent_at_the_page_keeps_a_short_block_pending, 0, 10);
    tcase_add_test(tcase, a_block_that_the_living_member_tags_meanwhile_is_its_own);
    tcase_add_test(tcase, a_long_block_whose_free_died_stays_pending_beside_a_living_free);
    tcase_add_loop_test(tcase, two_dead_members_at_one_page_do_not_wait_for_each_other, 0, 50);
    tcase_add_loop_test(tcase, pages_claimed_for_good_by_another_dead_member_are_its_matter, 0, 2);
    tcase_add_test(tcase, only_a_thread_that_ended_makes_a_living_process_s_slot_dead);
    tcase_add_loop_test(tcase, only_an_abandoned_or_dead_spare_intent_is_settled, 0, 2);
    tcase_add_test(tcase, a_publication_out_of_reach_stays_pending);
    tcase_add_test(tcase, damaged_intents_do_no_harm);
    tcase_add_test(tcase, damaged_exclusive_intents_out_of_bounds_do_no_harm);
    tcase_add_test(tcase, a_slot_with_a_damaged_row_does_no_harm);
    tcase_add_test(tcase, there_is_one_recoverer_and_only_its_death_frees_the_lock);
    tcase_add_test(tcase, reclaim_frees_the_blocks_of_the_wanted_rows_only);
    tcase_add_test(tcase, reclaim_waits_until_the_slot_and_the_spare_are_settled);
    tcase_add_test(tcase, a_row_is_given_back_when_no_tag_and_no_slot_names_it);
    return tcase;
}
