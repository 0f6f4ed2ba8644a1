/* Used bits, and which free pages are given back. */
#include <string.h>

#include "core/bench.h"
#include "core/core.h"
#include "core/free.h"
#include "core/trim.h"
#include "core/used.h"

enum { PAGES = 1000, MOST_RUNS = 64 };

struct run {
    uint64_t page;
    uint64_t n;
};

static struct bench bench;
static struct actor actor;
static struct run runs[MOST_RUNS];
static int n_runs;
static int answer; /* of giving back */

static void make_pool(void)
{
    bench_make(&bench, PAGES, PAGES);
    actor = bench_join(&bench, 1);
    n_runs = 0;
    answer = 0;
}

static void drop_pool(void)
{
    bench_drop(&bench);
}

static void note_run(void *context, uint64_t page, uint64_t n)
{
    (void)context;
    ck_assert_int_lt(n_runs, MOST_RUNS);
    runs[n_runs++] = (struct run){page, n};
}

static int give_back(void *context, uint64_t page, uint64_t n)
{
    note_run(context, page, n);
    return answer;
}

static int trim_all(uint64_t most, int used_only)
{
    struct trim trim = {.most = most, .used_only = used_only, .give_back = give_back};
    for (uint64_t page = 0; page < PAGES;)
        page = trim_next(&bench.view, &actor, &trim, page, PAGES);
    return trim.failed;
}

static void ck_runs(const struct run *expected, int n)
{
    ck_assert_int_eq(n_runs, n);
    for (int i = 0; i < n; i++) {
        ck_assert_uint_eq(runs[i].page, expected[i].page);
        ck_assert_uint_eq(runs[i].n, expected[i].n);
    }
}

static void ck_all_free(void)
{
    for (uint64_t i = 0; i < bench.layout.n_words; i++)
        ck_assert_uint_eq(atomic_load(&bench.view.words[i]), 0);
}

START_TEST(a_bit_is_told_when_it_was_set_before)
{
    used_set(&bench.view, 30, 40, note_run, NULL);
    ck_assert_int_eq(n_runs, 0);
    used_clear(&bench.view, 35, 30);
    used_set(&bench.view, 0, PAGES, note_run, NULL);
    ck_runs((struct run[]){{30, 2}, {32, 3}, {65, 5}}, 3);
}
END_TEST

START_TEST(every_free_page_is_given_back_once_and_no_other)
{
    ck_assert(bench_take(&bench, &actor, 10, 1));
    ck_assert(bench_take(&bench, &actor, 31, 2));
    ck_assert(bench_take(&bench, &actor, 64, 700));
    ck_assert_int_eq(trim_all(512, 0), 0);
    ck_runs((struct run[]){{0, 10}, {11, 20}, {33, 31}, {764, 236}}, 4);
}
END_TEST

START_TEST(no_more_is_claimed_at_a_time_than_allowed)
{
    ck_assert_int_eq(trim_all(300, 0), 0);
    ck_runs((struct run[]){{0, 300}, {300, 300}, {600, 300}, {900, 100}}, 4);
    ck_all_free();
}
END_TEST

START_TEST(pages_that_were_never_used_are_left_alone)
{
    used_set(&bench.view, 20, 30, note_run, NULL);
    ck_assert(bench_take(&bench, &actor, 40, 2));
    ck_assert_int_eq(trim_all(512, 1), 0);
    ck_runs((struct run[]){{20, 20}, {42, 8}}, 2);
    n_runs = 0;
    ck_assert_int_eq(trim_all(512, 1), 0);
    ck_assert_int_eq(n_runs, 0);
    used_set(&bench.view, 0, PAGES, note_run, NULL);
    ck_runs((struct run[]){{40, 2}}, 1);
}
END_TEST

START_TEST(pages_that_could_not_be_given_back_stay_used_and_free)
{
    used_set(&bench.view, 0, 100, note_run, NULL);
    answer = -1;
    ck_assert_int_eq(trim_all(512, 1), 1);
    ck_all_free();
    n_runs = 0;
    used_set(&bench.view, 0, 32, note_run, NULL);
    ck_runs((struct run[]){{0, 32}}, 1);
}
END_TEST

TCase *trimming_case(void)
{
    TCase *tcase = tcase_create("trimming");
    tcase_add_checked_fixture(tcase, make_pool, drop_pool);
    tcase_add_test(tcase, a_bit_is_told_when_it_was_set_before);
    tcase_add_test(tcase, every_free_page_is_given_back_once_and_no_other);
    tcase_add_test(tcase, no_more_is_claimed_at_a_time_than_allowed);
    tcase_add_test(tcase, pages_that_were_never_used_are_left_alone);
    tcase_add_test(tcase, pages_that_could_not_be_given_back_stay_used_and_free);
    return tcase;
}
