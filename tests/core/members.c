/* Domains, rows and slots. */
#include "core/members.h"

#include "core/bench.h"
#include "core/core.h"

static struct bench bench;

static void make_pool(void)
{
    bench_make(&bench, 64, 64);
}

static void drop_pool(void)
{
    bench_drop(&bench);
}

START_TEST(an_ident_gives_back_its_parts)
{
    uint64_t ident = ident_of(4095, UINT64_C(0xFFFFFFFFF), 0x3FFFFF);
    ck_assert_uint_eq(ident_domain(ident), 4095);
    ck_assert_uint_eq(ident_start(ident), 0x3FFFFFFF);
    ck_assert_uint_eq(ident_pid(ident), 0x3FFFFF);
    ck_assert_uint_eq(ident_of(0, 0, 7), 7);
}
END_TEST

START_TEST(a_domain_has_one_number_and_the_table_an_end)
{
    ck_assert_uint_eq(members_domain(&bench.view, 5), 1);
    ck_assert_uint_eq(members_domain(&bench.view, 6), 2);
    ck_assert_uint_eq(members_domain(&bench.view, 5), 1);
    for (unsigned key = 7; key < LAYOUT_DOMAINS + 4; key++)
        ck_quiet(members_domain(&bench.view, key) == key - 4);
    ck_assert_uint_eq(members_domain(&bench.view, 99999), 0);
    ck_assert_uint_eq(members_domain(&bench.view, 6), 2);
    ck_assert_uint_eq(members_domain_key(&bench.view, 2), 6);
    ck_assert_uint_eq(members_domain_key(&bench.view, 0), 0);
    ck_assert_uint_eq(members_domain_key(&bench.view, LAYOUT_DOMAINS), 0);
}
END_TEST

START_TEST(a_process_has_one_row_and_the_table_an_end)
{
    uint32_t n_rows = bench.view.n_rows;
    for (unsigned round = 0; round < 2; round++)
        for (uint32_t row = 1; row <= n_rows; row++)
            ck_quiet(members_take_row(&bench.view, ident_of(1, 1, row)) == row);
    ck_assert_uint_eq(members_take_row(&bench.view, ident_of(1, 2, 1)), 0);
    ck_assert_uint_eq(members_rows_mark(&bench.view), n_rows);
    atomic_store(&bench.view.rows[77].ident, 0);
    ck_assert_uint_eq(members_take_row(&bench.view, ident_of(1, 2, 1)), 77);
}
END_TEST

START_TEST(rows_are_all_taken_until_one_that_was_is_free)
{
    ck_assert(members_rows_are_taken(&bench.view));
    for (uint32_t row = 1; row <= 9; row++)
        ck_quiet(members_take_row(&bench.view, ident_of(1, 1, row)) == row);
    ck_assert(members_rows_are_taken(&bench.view));
    atomic_store(&bench.view.rows[9].ident, 0);
    ck_assert(!members_rows_are_taken(&bench.view));
    ck_assert_uint_eq(members_take_row(&bench.view, ident_of(1, 1, 10)), 9);
    ck_assert(members_rows_are_taken(&bench.view));
}
END_TEST

START_TEST(slots_are_given_out_once_each_and_again_when_given_back)
{
    for (int slot = 0; slot < LAYOUT_SLOTS; slot++)
        ck_quiet(members_take_slot(&bench.view, bench_ident(1), 1, 9) == slot);
    ck_assert_int_eq(members_take_slot(&bench.view, bench_ident(1), 1, 9), NO_SLOT);
    ck_assert_uint_eq(members_slots_mark(&bench.view), LAYOUT_SLOTS);
    members_give_slot(&bench.view, 500);
    ck_assert_int_eq(members_take_slot(&bench.view, bench_ident(2), 2, 9), 500);
    ck_assert_uint_eq(atomic_load(&bench.view.slots[500].row), 2);
}
END_TEST

TCase *members_case(void)
{
    TCase *tcase = tcase_create("members");
    tcase_add_checked_fixture(tcase, make_pool, drop_pool);
    tcase_add_test(tcase, an_ident_gives_back_its_parts);
    tcase_add_test(tcase, a_domain_has_one_number_and_the_table_an_end);
    tcase_add_test(tcase, a_process_has_one_row_and_the_table_an_end);
    tcase_add_test(tcase, rows_are_all_taken_until_one_that_was_is_free);
    tcase_add_test(tcase, slots_are_given_out_once_each_and_again_when_given_back);
    return tcase;
}
