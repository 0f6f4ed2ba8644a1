/* How far blocks have ever reached: raised before pages are claimed, and what lies beyond is not
 * read by whoever only looks. */
#include "core/bench.h"
#include "core/census.h"
#include "core/core.h"
#include "core/free.h"
#include "core/look.h"
#include "core/place.h"

enum { N_GROUPS = 12, PAGES = N_GROUPS * LAYOUT_GROUP_PAGES, LIMIT = PAGES - 100 };

static struct bench bench;
static struct actor actor;

static void make_pool(void)
{
    bench_make(&bench, LIMIT, PAGES);
    actor = bench_join(&bench, 1);
}

static void drop_pool(void)
{
    bench_drop(&bench);
}

static uint64_t place(uint64_t n, uint64_t align)
{
    struct look look;
    return place_block(&bench.view, &actor, n, align, &look);
}

static void set_extent(uint64_t extent)
{
    atomic_store(&bench.view.header->extent, extent);
}

static const struct {
    uint64_t n;
    uint64_t align;
} wishes[] = {{1, 1}, {7, 1}, {40, 1}, {480, 1}, {481, 1}, {3000, 1}, {7, 8}, {600, 512}};

START_TEST(every_way_to_a_block_raises_the_extent_first)
{
    uint64_t page = place(wishes[_i].n, wishes[_i].align);
    uint64_t end = page + wishes[_i].n;
    ck_assert_uint_eq(atomic_load(&bench.view.header->extent),
                      (end + LAYOUT_GROUP_PAGES - 1) / LAYOUT_GROUP_PAGES * LAYOUT_GROUP_PAGES);
    ck_assert_uint_eq(free_block(&bench.view, &actor, page), wishes[_i].n);
    ck_assert_uint_ge(view_extent(&bench.view), end);
}
END_TEST

START_TEST(the_extent_only_grows)
{
    set_extent(6 * LAYOUT_GROUP_PAGES);
    place(1, 1);
    ck_assert_uint_eq(view_extent(&bench.view), 6 * LAYOUT_GROUP_PAGES);
    view_extend(&bench.view, PAGES);
    ck_assert_uint_eq(view_extent(&bench.view), PAGES);
}
END_TEST

/* Where blocks have been and where none ever was, a run goes on over the border. */
START_TEST(what_lies_beyond_counts_as_free)
{
    struct census census;
    struct look look = {.n = LIMIT, .align = 1};
    ck_assert_uint_eq(place(1, 1), 0);
    census_count(&bench.view, &census);
    ck_assert_uint_eq(census.free, LIMIT - 1);
    ck_assert_uint_eq(census.largest, LIMIT - 1);
    ck_assert_uint_eq(census.blocks, 1);
    ck_assert_uint_eq(look_for_room(&bench.view, &look, 0, LIMIT), NO_PAGE);
    ck_assert_uint_eq(look.free, LIMIT - 1);
    ck_assert_uint_eq(look.largest, LIMIT - 1);
    look.n = LIMIT - 1;
    ck_assert_uint_eq(look_for_room(&bench.view, &look, 0, LIMIT), 1);
}
END_TEST

struct visits {
    int n;
    uint64_t free_page;
    uint64_t free_pages;
};

static void visit(void *context, enum census_kind kind, uint64_t page, uint64_t n)
{
    struct visits *visits = context;
    visits->n++;
    if (kind == CENSUS_FREE) {
        visits->free_page = page;
        visits->free_pages = n;
    }
}

START_TEST(what_lies_beyond_is_walked_as_one_run)
{
    struct visits visits = {0};
    census_walk(&bench.view, visit, &visits);
    ck_assert_int_eq(visits.n, 1);
    ck_assert_uint_eq(visits.free_pages, LIMIT);
    ck_assert_uint_eq(place(512, 1), 0);
    visits = (struct visits){0};
    census_walk(&bench.view, visit, &visits);
    ck_assert_int_eq(visits.n, 2);
    ck_assert_uint_eq(visits.free_page, 512);
    ck_assert_uint_eq(visits.free_pages, LIMIT - 512);
}
END_TEST

/* ---- what it must not believe ---- */

struct faults {
    uint64_t n[FAULT_LIMIT + 1];
    uint64_t page;
};

static void note(void *context, enum fault fault, uint64_t a, uint64_t b)
{
    struct faults *faults = context;
    (void)b;
    faults->n[fault]++;
    faults->page = a;
}

START_TEST(a_check_finds_what_is_in_use_beyond_it)
{
    struct faults faults = {0};
    place(1, 1);
    ck_assert_uint_eq(census_check(&bench.view, note, &faults), 0);
    atomic_store(&bench.view.words[40], bits_block(2, 2));
    ck_assert_uint_eq(census_check(&bench.view, note, &faults), 1);
    ck_assert_uint_eq(faults.n[FAULT_EXTENT], 1);
    ck_assert_uint_eq(faults.page, 40 * LAYOUT_WORD_PAGES + 1);
}
END_TEST

/* It says too little: blocks are there beyond. Who needs room comes to see them. */
START_TEST(an_extent_that_says_too_little_costs_looks_and_no_block)
{
    uint64_t page;
    ck_assert_uint_eq(place(LIMIT - 2, 1), 0);
    set_extent(0);
    ck_assert_uint_eq(place(1, 1), LIMIT - 2);
    set_extent(30);
    ck_assert_uint_eq(place(2, 2), NO_PAGE);
    set_extent(0);
    page = place(1, 1);
    ck_assert_uint_eq(page, LIMIT - 1);
    set_extent(0);
    ck_assert_uint_eq(place(1, 1), NO_PAGE);
    set_extent(0);
    ck_assert_uint_eq(place(3000, 1), NO_PAGE);
}
END_TEST

START_TEST(an_extent_that_says_too_much_is_cut)
{
    struct census census;
    set_extent(UINT64_MAX);
    ck_assert_uint_eq(view_extent(&bench.view), PAGES);
    census_count(&bench.view, &census);
    ck_assert_uint_eq(census.free, LIMIT);
    set_extent(33);
    ck_assert_uint_eq(view_extent(&bench.view), 32);
    ck_assert_uint_eq(place(LIMIT, 1), 0);
    ck_assert_uint_eq(view_extent(&bench.view), PAGES);
}
END_TEST

TCase *extents_case(void)
{
    TCase *tcase = tcase_create("extents");
    tcase_add_checked_fixture(tcase, make_pool, drop_pool);
    tcase_add_loop_test(tcase, every_way_to_a_block_raises_the_extent_first, 0,
                        sizeof wishes / sizeof wishes[0]);
    tcase_add_test(tcase, the_extent_only_grows);
    tcase_add_test(tcase, what_lies_beyond_counts_as_free);
    tcase_add_test(tcase, what_lies_beyond_is_walked_as_one_run);
    tcase_add_test(tcase, a_check_finds_what_is_in_use_beyond_it);
    tcase_add_test(tcase, an_extent_that_says_too_little_costs_looks_and_no_block);
    tcase_add_test(tcase, an_extent_that_says_too_much_is_cut);
    return tcase;
}
