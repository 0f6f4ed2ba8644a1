/* Memory of free pages: given back on request or by itself, and zero when it comes again. */
#include <shmpool/inspect.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "contract/contract.h"

static shmpool_id pool_with(size_t n_pages, unsigned flags)
{
    struct shmpool_options options = {.flags = flags};
    shmpool_id pool = shmpool_create(pages(n_pages), &options);
    ck_ok(pool);
    return pool;
}

/* What the object takes of the system's memory, tables included. */
static size_t resident(shmpool_id pool)
{
    return object_state(pool).allocated;
}

static char *filled(shmpool_id pool, size_t n_pages, int byte)
{
    char *block = shmpool_alloc(pool, pages(n_pages));
    ck_assert_msg(block != NULL, "%s", shmpool_errmsg());
    memset(block, byte, pages(n_pages));
    return block;
}

static bool is_zero(const char *block, size_t n_pages)
{
    return block[0] == 0 && memcmp(block, block + 1, pages(n_pages) - 1) == 0;
}

START_TEST(trim_gives_free_pages_back_and_no_others)
{
    shmpool_id pool = pool_with(4000, 0);
    size_t before = resident(pool);
    char *kept = filled(pool, 100, 'k');
    char *freed = filled(pool, 3000, 'f');
    ck_ok(shmpool_free(pool, freed));
    ck_assert_uint_ge(resident(pool), before + pages(3100));
    ssize_t given = shmpool_trim(pool);
    ck_assert_int_ge(given, (ssize_t)pages(3000));
    ck_assert_int_le(given, (ssize_t)pages(backend()->reads_ahead ? 3900 : 3000));
    ck_assert_uint_lt(resident(pool), before + pages(200));
    for (size_t i = 0; i < pages(100); i++)
        ck_quiet(kept[i] == 'k');
    ck_assert_int_le(shmpool_trim(pool), (ssize_t)pages(backend()->reads_ahead ? 100 : 0));
    ck_assert_int_eq(shmpool_check(pool, NULL), 0);
    char *again = shmpool_alloc(pool, pages(3900));
    ck_assert(again != NULL);
    memset(again, 1, pages(3900));
    ck_ok(shmpool_free(pool, again));
    ck_ok(shmpool_free(pool, kept));
    ck_pool_is_whole(pool);
    pool_drop(pool);
}
END_TEST

START_TEST(a_committed_pool_keeps_its_memory)
{
    shmpool_id pool = pool_with(100, SHMPOOL_COMMIT);
    ck_fails(shmpool_trim(pool), ENOTSUP);
    ck_says("SHMPOOL_COMMIT");
    pool_drop(pool);
}
END_TEST

static int trims_what_it_may_only_read(void *pool)
{
    CHILD_FAILS(shmpool_trim(*(shmpool_id *)pool), EROFS);
    return 0;
}

START_TEST(whoever_may_only_read_cannot_trim)
{
    shmpool_id pool = pool_new(10);
    struct shmpool_grant grant = {pool, SHMPOOL_RDONLY};
    struct shmpool_start_options options = {.inherit = &grant, .n_inherit = 1};
    ck_worker_ok(trims_what_it_may_only_read, &pool, &options);
    pool_drop(pool);
}
END_TEST

/* Stamps blocks and looks whether the stamps hold, until it is told to stop. */
struct bustle {
    shmpool_id pool;
    _Atomic int stop;
    _Atomic int n_rounds;
};

static int bustles(void *arg)
{
    struct bustle *bustle = arg;
    for (unsigned round = 0; atomic_load(&bustle->stop) == 0; round++) {
        size_t n = round % 40 + 1;
        char *block = shmpool_alloc(bustle->pool, pages(n));
        CHILD_CHECK(block != NULL || errno == ENOSPC);
        if (block == NULL)
            continue;
        for (size_t i = 0; i < n; i++)
            memcpy(block + pages(i), &round, sizeof round);
        for (size_t i = 0; i < n; i++)
            CHILD_CHECK(memcmp(block + pages(i), &round, sizeof round) == 0);
        CHILD_CHECK(shmpool_free(bustle->pool, block) == 0);
        atomic_fetch_add(&bustle->n_rounds, 1);
    }
    return 0;
}

START_TEST(trimming_beside_others_harms_nobody)
{
    struct bustle *bustle = shared_memory(sizeof *bustle);
    bustle->pool = pool_with(600, _i == 0 ? 0 : SHMPOOL_ZERO);
    shmpool_worker workers[2];
    for (int i = 0; i < 2; i++)
        workers[i] = shmpool_start(bustles, bustle, NULL);
    for (int i = 0; i < 300 || atomic_load(&bustle->n_rounds) < 1000; i++)
        ck_ok(shmpool_trim(bustle->pool));
    atomic_store(&bustle->stop, 1);
    for (int i = 0; i < 2; i++)
        ck_join_ok(workers[i]);
    ck_pool_is_whole(bustle->pool);
    pool_drop(bustle->pool);
}
END_TEST

static int trims_for_ever(void *arg)
{
    struct bustle *bustle = arg;
    for (;;) {
        CHILD_CHECK(shmpool_trim(bustle->pool) >= 0);
        atomic_fetch_add(&bustle->n_rounds, 1);
    }
}

START_TEST(whoever_dies_while_trimming_takes_no_page_along)
{
    struct bustle *bustle = shared_memory(sizeof *bustle);
    bustle->pool = pool_with(3000, 0);
    for (int i = 0; i < 50; i++) {
        int rounds = atomic_load(&bustle->n_rounds);
        ck_ok(shmpool_free(bustle->pool, filled(bustle->pool, 3000, 1)));
        shmpool_worker worker = shmpool_start(trims_for_ever, bustle, NULL);
        if (i % 2 == 0)
            wait_for(&bustle->n_rounds, rounds + 1);
        usleep((useconds_t)i * 13 % 300);
        ck_ok(shmpool_kill(worker, SIGKILL));
        ck_ok(shmpool_join(worker, NULL, -1));
        ck_pool_is_whole(bustle->pool);
    }
    pool_drop(bustle->pool);
}
END_TEST

START_TEST(freed_runs_go_back_by_themselves)
{
    size_t long_run = ((size_t)2 << 20) / page();
    shmpool_id pool = pool_with(4 * long_run, SHMPOOL_AUTOTRIM);
    size_t before = resident(pool);
    char *first = filled(pool, long_run, 1);
    char *second = filled(pool, long_run / 2, 2);
    char *third = filled(pool, long_run / 2, 3);
    ck_ok(shmpool_free(pool, first));
    ck_assert_uint_lt(resident(pool), before + pages(long_run + 100));
    size_t with_two = resident(pool);
    ck_ok(shmpool_free(pool, third));
    ck_assert_uint_ge(resident(pool), with_two);
    ck_ok(shmpool_free(pool, second));
    ck_assert_uint_lt(resident(pool), before + pages(100));
    ck_pool_is_whole(pool);
    pool_drop(pool);
}
END_TEST

START_TEST(blocks_are_zero_when_they_are_handed_out)
{
    shmpool_id pool = pool_with(700, SHMPOOL_ZERO);
    for (int round = 0; round < 20; round++) {
        char *blocks[8];
        for (size_t i = 0; i < 8; i++) {
            size_t n = 1 + (i * i * 37 + (size_t)round * 11) % 80;
            blocks[i] = i % 3 == 2 ? shmpool_alloc_aligned(pool, pages(4), pages(n))
                                   : shmpool_alloc(pool, pages(n));
            ck_assert(blocks[i] != NULL);
            ck_assert(is_zero(blocks[i], n));
            memset(blocks[i], 0xA5, pages(n));
        }
        for (size_t i = 0; i < 8; i++)
            ck_ok(shmpool_free(pool, blocks[i]));
        if (round % 5 == 4)
            ck_ok(shmpool_trim(pool));
    }
    pool_drop(pool);
}
END_TEST

static int dirties_and_dies(void *pool)
{
    char *block = shmpool_alloc(*(shmpool_id *)pool, pages(100));
    CHILD_CHECK(block != NULL && is_zero(block, 100));
    memset(block, 0xA5, pages(100));
    raise(SIGKILL);
    return 1;
}

START_TEST(what_the_dead_left_is_zero_too)
{
    shmpool_id pool = pool_with(100, SHMPOOL_ZERO);
    for (int i = 0; i < 5; i++) {
        worker_run(dirties_and_dies, &pool, NULL);
        ck_assert_int_eq(shmpool_reclaim(pool, 0), (ssize_t)pages(100));
    }
    char *block = shmpool_alloc(pool, pages(100));
    ck_assert(block != NULL && is_zero(block, 100));
    pool_drop(pool);
}
END_TEST

START_TEST(fresh_and_trimmed_pages_are_not_written)
{
    shmpool_id pool = pool_with(4000, SHMPOOL_ZERO);
    size_t before = resident(pool);
    ck_assert(shmpool_alloc(pool, pages(1000)) != NULL);
    ck_assert_uint_lt(resident(pool), before + pages(20));
    ck_ok(shmpool_free(pool, filled(pool, 400, 1)));
    ck_ok(shmpool_trim(pool));
    ck_assert(shmpool_alloc(pool, pages(400)) != NULL);
    ck_assert_uint_lt(resident(pool), before + pages(20));
    pool_drop(pool);
}
END_TEST

/* Free runs are not given back in part, and next to never are they whole units. */
START_TEST(parts_of_a_huge_page_stay)
{
    shmpool_id pool = pool_with(10, 0);
    ck_ok(shmpool_free(pool, filled(pool, 10, 1)));
    ck_fails(shmpool_trim(pool), ENOTSUP);
    ck_pool_is_whole(pool);
    pool_drop(pool);
}
END_TEST

static int see_nothing(const struct shmpool_run *run, void *arg)
{
    (void)run;
    (void)arg;
    return 0;
}

/* The tables of what was never used are holes, and a read would fill them. */
START_TEST(who_looks_at_a_large_pool_takes_no_memory)
{
    shmpool_id pool = pool_new((size_t)4 << 20);
    FILE *out = fopen("/dev/null", "w");
    ck_assert_ptr_nonnull(out);
    ck_assert(shmpool_alloc(pool, pages(3)) != NULL);
    stats_of(pool);
    size_t before = resident(pool);
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(stats_of(pool).contiguous, pages(((size_t)4 << 20) - 3));
        ck_ok(shmpool_runs(pool, see_nothing, NULL));
        ck_ok(shmpool_dump(pool, out));
        ck_ok(shmpool_recover(pool));
        ck_assert_int_eq(shmpool_reclaim(pool, 0), 0);
        ck_assert_int_ge(shmpool_trim(pool), 0);
    }
    ck_assert_uint_le(resident(pool), before + pages(8)); /* of 256 for its page words */
    fclose(out);
    pool_drop(pool);
}
END_TEST

static void add_trimming(TCase *tcase)
{
    tcase_add_test(tcase, trim_gives_free_pages_back_and_no_others);
    tcase_add_loop_test(tcase, trimming_beside_others_harms_nobody, 0, 2);
    tcase_add_test(tcase, whoever_dies_while_trimming_takes_no_page_along);
    tcase_add_test(tcase, freed_runs_go_back_by_themselves);
    tcase_add_test(tcase, who_looks_at_a_large_pool_takes_no_memory);
    tcase_add_test(tcase, blocks_are_zero_when_they_are_handed_out);
    tcase_add_test(tcase, fresh_and_trimmed_pages_are_not_written);
}

TCase *memory_case(void)
{
    TCase *tcase = contract_case("memory");
    if (unit() == page())
        add_trimming(tcase);
    else
        tcase_add_test(tcase, parts_of_a_huge_page_stay);
    tcase_add_test(tcase, a_committed_pool_keeps_its_memory);
    tcase_add_test(tcase, whoever_may_only_read_cannot_trim);
    tcase_add_test(tcase, what_the_dead_left_is_zero_too);
    return tcase;
}
