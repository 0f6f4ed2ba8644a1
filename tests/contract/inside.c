/* Looking inside: stats count exactly, check finds nothing in a sound pool, dump shows it all. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contract/contract.h"

START_TEST(stats_count_every_block_and_page)
{
    shmpool_id pool = pool_new(1000);
    size_t taken = 0;
    size_t n_blocks = 0;
    for (size_t n = 1; shmpool_alloc(pool, pages(n)) != NULL; n++) {
        taken += n;
        n_blocks++;
        struct shmpool_stats stats = stats_of(pool);
        ck_assert_uint_eq(stats.blocks, n_blocks);
        ck_assert_uint_eq(stats.free, pages(1000 - taken));
        ck_assert_uint_le(stats.contiguous, stats.free);
        ck_assert_uint_eq(stats.total, pages(1000));
    }
    ck_assert_uint_gt(n_blocks, 20);
    pool_drop(pool);
}
END_TEST

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) * (char *const *)a;
    uintptr_t y = (uintptr_t) * (char *const *)b;
    return (x > y) - (x < y);
}

static void free_pages(shmpool_id pool, char *const *block, int first, int n)
{
    for (int i = first; i < first + n; i++)
        ck_ok(shmpool_free(pool, block[i]));
}

START_TEST(contiguous_is_the_longest_run)
{
    char *block[200];
    shmpool_id pool = pool_new(200);
    for (int i = 0; i < 200; i++)
        block[i] = shmpool_alloc(pool, 1);
    qsort(block, 200, sizeof block[0], by_address);
    ck_assert_uint_eq(stats_of(pool).contiguous, 0);
    free_pages(pool, block, 5, 10);
    free_pages(pool, block, 50, 4);
    ck_assert_uint_eq(stats_of(pool).contiguous, pages(10));
    free_pages(pool, block, 55, 40);
    ck_assert_uint_eq(stats_of(pool).contiguous, pages(40));
    free_pages(pool, block, 54, 1);
    ck_assert_uint_eq(stats_of(pool).contiguous, pages(45));
    free_pages(pool, block, 180, 20);
    ck_assert_uint_eq(stats_of(pool).contiguous, pages(45));
    free_pages(pool, block, 95, 85);
    ck_assert_uint_eq(stats_of(pool).contiguous, pages(150));
    ck_assert_uint_eq(stats_of(pool).free, pages(160));
    pool_drop(pool);
}
END_TEST

START_TEST(a_member_is_counted_from_its_first_use)
{
    shmpool_id pool = pool_new(10);
    ck_assert_uint_eq(stats_of(pool).members, 0);
    void *block = shmpool_alloc(pool, 1);
    ck_assert_uint_eq(stats_of(pool).members, 1);
    ck_ok(shmpool_free(pool, block));
    ck_assert_uint_eq(stats_of(pool).members, 1);
    pool_drop(pool);
}
END_TEST

START_TEST(stats_and_dump_need_a_place)
{
    shmpool_id pool = pool_new(10);
    ck_fails(shmpool_stats(pool, NULL), EINVAL);
    ck_fails(shmpool_dump(pool, NULL), EINVAL);
    pool_drop(pool);
}
END_TEST

START_TEST(check_is_silent_about_a_sound_pool)
{
    char *text = NULL;
    size_t length = 0;
    FILE *report = open_memstream(&text, &length);
    shmpool_id pool = pool_new(1000);
    for (size_t n = 1; n < 40; n++)
        ck_assert_ptr_nonnull(shmpool_alloc(pool, pages(n)));
    ck_assert_int_eq(shmpool_check(pool, report), 0);
    ck_assert_int_eq(shmpool_check(pool, NULL), 0);
    fclose(report);
    ck_assert_str_eq(text, "");
    free(text);
    pool_drop(pool);
}
END_TEST

static char *dumped(shmpool_id pool)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    ck_assert_int_eq(shmpool_dump(pool, out), 0);
    fclose(out);
    ck_assert_uint_gt(length, 0);
    return text;
}

static size_t count_lines_with(const char *text, const char *word)
{
    size_t n = 0;
    char *copy = strdup(text);
    char *rest = NULL;
    ck_assert_ptr_nonnull(copy);
    for (char *line = strtok_r(copy, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        n += strcasestr(line, word) != NULL;
    free(copy);
    return n;
}

START_TEST(dump_shows_blocks_owners_free_runs_and_members)
{
    char pid[32];
    shmpool_id pool = pool_new(100);
    for (int i = 0; i < 7; i++)
        ck_assert_ptr_nonnull(shmpool_alloc(pool, pages(9)));
    char *text = dumped(pool);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    ck_assert_uint_ge(count_lines_with(text, "block"), 7);
    ck_assert_uint_ge(count_lines_with(text, "free"), 1);
    ck_assert_uint_ge(count_lines_with(text, "member"), 1);
    ck_assert_uint_ge(count_lines_with(text, pid), 7);
    free(text);
    pool_drop(pool);
}
END_TEST

START_TEST(dump_tells_a_shared_block_from_an_owned_one)
{
    shmpool_id pool = pool_new(100);
    void **table = shmpool_alloc(pool, 1);
    *table = NULL;
    void *block = shmpool_alloc(pool, pages(2));
    char *before = dumped(pool);
    ck_ok(shmpool_publish(pool, block, table));
    char *after = dumped(pool);
    ck_assert_str_ne(before, after);
    ck_assert_uint_eq(count_lines_with(after, "shared"), count_lines_with(before, "shared") + 1);
    free(before);
    free(after);
    pool_drop(pool);
}
END_TEST

START_TEST(a_dump_that_cannot_be_written_is_EIO)
{
    shmpool_id pool = pool_new(100);
    FILE *full = fopen("/dev/full", "w");
    ck_assert_ptr_nonnull(full);
    setvbuf(full, NULL, _IONBF, 0);
    ck_fails(shmpool_dump(pool, full), EIO);
    fclose(full);
    pool_drop(pool);
}
END_TEST

struct busy {
    shmpool_id pool;
    _Atomic int stop;
};

static void *work(void *arg)
{
    struct busy *busy = arg;
    for (size_t n = 1; atomic_load(&busy->stop) == 0; n = n % 100 + 1) {
        void *one = shmpool_alloc(busy->pool, pages(n));
        void *two = shmpool_alloc(busy->pool, pages(1 + n % 3));
        if (one != NULL)
            ck_ok(shmpool_free(busy->pool, one));
        if (two != NULL)
            ck_ok(shmpool_free(busy->pool, two));
    }
    return NULL;
}

START_TEST(looking_inside_is_right_beside_members_at_work)
{
    struct busy busy = {.pool = pool_new(300)};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &busy), 0);
    for (int i = 0; i < 2000; i++) {
        struct shmpool_stats stats = stats_of(busy.pool);
        ck_quiet(stats.contiguous <= stats.free);
        ck_quiet(stats.free <= stats.total);
        /* More than six may be met one after the other: the look is not of one moment. */
        ck_quiet(stats.blocks <= stats.total / page());
        ck_quiet(shmpool_check(busy.pool, stderr) == 0);
        if (i % 100 == 0)
            free(dumped(busy.pool));
    }
    atomic_store(&busy.stop, 1);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    ck_pool_is_whole(busy.pool);
    pool_drop(busy.pool);
}
END_TEST

TCase *inside_case(void)
{
    TCase *tcase = contract_case("looking inside");
    tcase_add_test(tcase, stats_count_every_block_and_page);
    tcase_add_test(tcase, contiguous_is_the_longest_run);
    tcase_add_test(tcase, a_member_is_counted_from_its_first_use);
    tcase_add_test(tcase, stats_and_dump_need_a_place);
    tcase_add_test(tcase, check_is_silent_about_a_sound_pool);
    tcase_add_test(tcase, dump_shows_blocks_owners_free_runs_and_members);
    tcase_add_test(tcase, dump_tells_a_shared_block_from_an_owned_one);
    tcase_add_test(tcase, a_dump_that_cannot_be_written_is_EIO);
    tcase_add_test(tcase, looking_inside_is_right_beside_members_at_work);
    return tcase;
}
