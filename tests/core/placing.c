/* Blocks placed and freed at random, against a list and the page words that it makes. */
#include "core/place.h"

#include <string.h>

#include "core/bench.h"
#include "core/core.h"
#include "core/free.h"
#include "support/random.h"

static const uint64_t sizes[] = {1, 31, 32, 33, 511, 512, 513, 1024, 5000};

enum { N_SIZES = sizeof sizes / sizeof sizes[0], ROUNDS = 6000, MOST_BLOCKS = 400 };

struct block {
    uint64_t page;
    uint64_t n;
    bool is_second; /* it is of the second process */
};

static struct bench bench;
static struct belief belief;
static struct actor actors[2];
static struct block blocks[MOST_BLOCKS];
static int n_blocks;
static uint64_t limit;

static void make_pool(uint64_t n_pages)
{
    bench_make(&bench, n_pages, n_pages + n_pages / 7);
    memset(&belief, 0, sizeof belief);
    n_blocks = 0;
    limit = n_pages;
    actors[0] = bench_join(&bench, 1);
    actors[1] = bench_join(&bench, 2);
}

static bool is_free(uint64_t page)
{
    return (belief.words[page / 32] >> page % 32 & 1) == 0;
}

struct room {
    bool fits;
    uint64_t free;
    uint64_t largest;
};

static struct room naive_room(uint64_t n, uint64_t align)
{
    struct room room = {false, 0, 0};
    uint64_t phase = bench.view.pages >> bench.view.page_shift;
    uint64_t run = 0;
    uint64_t aligned_run = 0; /* since the last multiple of align in it */
    for (uint64_t page = 0; page < limit; page++) {
        run = is_free(page) ? run + 1 : 0;
        if (run == 0)
            aligned_run = 0;
        else if (aligned_run > 0 || (page + phase) % align == 0)
            aligned_run++;
        room.fits |= aligned_run >= n;
        room.free += run > 0;
        room.largest = run > room.largest ? run : room.largest;
    }
    return room;
}

static void place_one(struct random *random, uint64_t n, uint64_t align)
{
    struct look look;
    int who = (int)random_between(random, 0, 1);
    uint64_t page = place_block(&bench.view, &actors[who], n, align, &look);
    struct room room = naive_room(n, align);
    ck_quiet((page != NO_PAGE) == room.fits);
    if (page == NO_PAGE) {
        ck_quiet(look.free == room.free);
        ck_quiet(look.largest == room.largest);
        ck_quiet(!look.claimed);
        return;
    }
    ck_quiet(page + n <= limit);
    ck_quiet(view_address_of(&bench.view, page) % (align * 4096) == 0);
    believe_block(&belief, page, n);
    ck_quiet(atomic_load(&bench.view.tags[page]) == actors[who].tag);
    ck_quiet(view_block_length(&bench.view, page) == n);
    blocks[n_blocks++] = (struct block){page, n, who == 1};
}

static void free_one(struct random *random)
{
    int i = (int)random_between(random, 0, (uint64_t)n_blocks - 1);
    int who = (int)random_between(random, 0, 1);
    ck_quiet(free_block(&bench.view, &actors[who], blocks[i].page) == blocks[i].n);
    believe_free(&belief, blocks[i].page, blocks[i].n);
    blocks[i] = blocks[--n_blocks];
}

static void free_all(struct random *random)
{
    while (n_blocks > 0)
        free_one(random);
    ck_quiet(belief_holds(&belief, &bench));
    ck_quiet(naive_room(1, 1).free == limit);
}

static uint64_t random_length(struct random *random)
{
    static const uint64_t most[] = {1, 1, 4, 33, 100, 700};
    uint64_t n = random_between(random, 1, most[random_between(random, 0, 5)]);
    return n <= limit + 3 ? n : 1 + n % (limit + 3);
}

START_TEST(a_block_is_found_exactly_when_there_is_room)
{
    struct random random = random_stream(random_seed(), 400 + (uint64_t)_i);
    uint64_t full = 50;
    make_pool(sizes[_i]);
    moment = (struct moment){"pages", limit, 0, 0};
    for (int round = 0; round < ROUNDS; round++) {
        if (round % 500 == 0)
            full = random_between(&random, 10, 95);
        bool grow = random_between(&random, 0, 99) < full;
        moment.a = (unsigned long)round;
        if (n_blocks == 0 || (grow && n_blocks < MOST_BLOCKS)) {
            uint64_t align = random_between(&random, 0, 9) == 0
                                 ? UINT64_C(1) << random_between(&random, 0, 7)
                                 : 1;
            place_one(&random, random_length(&random), align);
        } else {
            free_one(&random);
        }
        ck_quiet(belief_holds(&belief, &bench));
    }
    free_all(&random);
    bench_drop(&bench);
}
END_TEST

START_TEST(one_block_may_take_the_whole_pool)
{
    struct random random = random_stream(random_seed(), 5);
    make_pool(sizes[_i]);
    for (int round = 0; round < 3; round++) {
        place_one(&random, limit, 1);
        ck_assert_int_eq(n_blocks, 1);
        place_one(&random, 1, 1);
        ck_assert_int_eq(n_blocks, 1);
        free_all(&random);
        place_one(&random, limit + 1, 1);
        ck_assert_int_eq(n_blocks, 0);
    }
    bench_drop(&bench);
}
END_TEST

START_TEST(single_pages_fill_a_pool_to_the_last)
{
    struct look look;
    make_pool(sizes[_i]);
    for (int round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < limit; i++)
            ck_quiet(place_block(&bench.view, &actors[i % 3 == 0], 1, 1, &look) < limit);
        for (int who = 0; who < 2; who++)
            ck_assert(place_block(&bench.view, &actors[who], 1, 1, &look) == NO_PAGE);
        ck_assert_uint_eq(look.free, 0);
        for (uint64_t page = 0; page < limit; page++)
            ck_quiet(free_block(&bench.view, &actors[page % 2], page) == 1);
        ck_assert(belief_holds(&belief, &bench));
    }
    bench_drop(&bench);
}
END_TEST

START_TEST(what_is_no_block_is_not_freed)
{
    make_pool(1024);
    ck_assert(bench_take(&bench, &actors[0], 30, 40));
    believe_block(&belief, 30, 40);
    for (uint64_t page = 0; page < 100; page++)
        if (page != 30)
            ck_assert_uint_eq(free_block(&bench.view, &actors[0], page), 0);
    ck_assert(belief_holds(&belief, &bench));
    ck_assert_uint_eq(free_if_tagged(&bench.view, &actors[0], 30, actors[1].tag), 0);
    ck_assert(belief_holds(&belief, &bench));
    ck_assert_uint_eq(free_if_tagged(&bench.view, &actors[1], 30, actors[0].tag), 40);
    ck_assert_uint_eq(free_block(&bench.view, &actors[0], 30), 0);
    bench_drop(&bench);
}
END_TEST

/* The words cover 14 pages more than there can be. */
START_TEST(a_block_ends_where_the_pool_does)
{
    make_pool(1024);
    uint64_t end = bench.view.max_pages;
    ck_assert_uint_eq(end, 1170);
    ck_assert(bench_take(&bench, &actors[0], end - 5, 5));
    uint64_t beyond = bits_block(mask_of(bit_at(end), 6), 0);
    atomic_fetch_or(&bench.view.words[word_at(end)], beyond);
    ck_assert_uint_eq(view_block_length(&bench.view, end - 5), 5);
    ck_assert_uint_eq(free_block(&bench.view, &actors[0], end - 5), 5);
    ck_assert_uint_eq(atomic_load(&bench.view.words[word_at(end)]), beyond);
    bench_drop(&bench);
}
END_TEST

START_TEST(a_pool_that_has_grown_is_used_to_its_new_end)
{
    struct look look;
    make_pool(40);
    ck_assert(place_block(&bench.view, &actors[0], 43, 1, &look) == NO_PAGE);
    ck_assert_uint_eq(place_block(&bench.view, &actors[0], 40, 1, &look), 0);
    atomic_store(&bench.view.header->limit, 45);
    ck_assert_uint_eq(place_block(&bench.view, &actors[0], 5, 1, &look), 40);
    ck_assert(place_block(&bench.view, &actors[0], 1, 1, &look) == NO_PAGE);
    bench_drop(&bench);
}
END_TEST

TCase *placing_case(void)
{
    TCase *tcase = tcase_create("placing");
    tcase_add_loop_test(tcase, a_block_is_found_exactly_when_there_is_room, 0, N_SIZES);
    tcase_add_loop_test(tcase, one_block_may_take_the_whole_pool, 0, N_SIZES);
    tcase_add_loop_test(tcase, single_pages_fill_a_pool_to_the_last, 0, N_SIZES);
    tcase_add_test(tcase, what_is_no_block_is_not_freed);
    tcase_add_test(tcase, a_block_ends_where_the_pool_does);
    tcase_add_test(tcase, a_pool_that_has_grown_is_used_to_its_new_end);
    return tcase;
}
