/* Growing: what it gives, to whom, and what it refuses. */
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "contract/contract.h"
#include "support/sanitized.h"

static shmpool_id pool_growing(size_t n_pages, size_t most, unsigned flags)
{
    struct shmpool_options options = {.max_size = pages(most), .flags = flags};
    shmpool_id pool = shmpool_create(pages(n_pages), &options);
    ck_ok(pool);
    return pool;
}

START_TEST(a_pool_grows_up_to_its_max_size)
{
    shmpool_id pool = pool_growing(3, 5000, 0);
    void *base = pool_base(pool);
    ck_assert_uint_eq(stats_of(pool).max_size, pages(5000));
    for (size_t n = 3; n <= 5000; n = n * 7 < 5000 || n == 5000 ? n * 7 : 5000) {
        ck_ok(shmpool_grow(pool, pages(n)));
        struct shmpool_stats stats = stats_of(pool);
        ck_assert_uint_eq(stats.total, pages(n));
        ck_assert_uint_eq(stats.free, pages(n));
        ck_assert_uint_eq(stats.contiguous, pages(n));
        char *block = shmpool_alloc(pool, pages(n));
        ck_assert_msg(block != NULL, "%zu pages: %s", n, shmpool_errmsg());
        memset(block, 1, pages(n));
        ck_fails_null(shmpool_alloc(pool, 1), ENOSPC);
        ck_ok(shmpool_free(pool, block));
        ck_assert_int_eq(shmpool_check(pool, NULL), 0);
    }
    ck_assert_ptr_eq(pool_base(pool), base);
    pool_drop(pool);
}
END_TEST

START_TEST(what_is_reached_already_is_success)
{
    shmpool_id pool = pool_growing(10, 20, 0);
    ck_ok(shmpool_grow(pool, 0));
    ck_ok(shmpool_grow(pool, pages(5)));
    ck_ok(shmpool_grow(pool, pages(10)));
    ck_assert_uint_eq(stats_of(pool).total, pages(10));
    ck_ok(shmpool_grow(pool, pages(10) + 1));
    ck_assert_uint_eq(stats_of(pool).total, pages(11));
    pool_drop(pool);
}
END_TEST

START_TEST(beyond_max_size_is_refused)
{
    shmpool_id pool = pool_growing(10, 20, 0);
    ck_fails(shmpool_grow(pool, pages(20) + 1), EINVAL);
    ck_says("max_size");
    ck_fails(shmpool_grow(pool, SIZE_MAX), EINVAL);
    ck_assert_uint_eq(stats_of(pool).total, pages(10));
    pool_drop(pool);
    pool = pool_new(10);
    ck_fails(shmpool_grow(pool, pages(11)), EINVAL);
    pool_drop(pool);
}
END_TEST

START_TEST(blocks_stay_where_they_are_and_may_span_old_and_new_pages)
{
    shmpool_id pool = pool_growing(100, 1000, 0);
    char *first = shmpool_alloc(pool, pages(99));
    strcpy(first, "here");
    ck_ok(shmpool_grow(pool, pages(700)));
    char *second = shmpool_alloc(pool, pages(601));
    ck_assert_ptr_eq(second, first + pages(99));
    memset(second, 2, pages(601));
    ck_assert_str_eq(first, "here");
    ck_fails_null(shmpool_alloc(pool, 1), ENOSPC);
    ck_ok(shmpool_free(pool, first));
    ck_ok(shmpool_free(pool, second));
    ck_pool_is_whole(pool);
    pool_drop(pool);
}
END_TEST

/* A full group is known to be full; the pages that it gets must be found all the same. */
START_TEST(room_is_found_in_a_group_that_was_full)
{
    shmpool_id pool = pool_growing(10, 600, 0);
    for (size_t n = 10; n < 600; n++) {
        ck_quiet(shmpool_alloc(pool, pages(n == 10 ? 10 : 1)) != NULL);
        ck_fails_null(shmpool_alloc(pool, 1), ENOSPC);
        ck_ok(shmpool_grow(pool, pages(n + 1)));
    }
    pool_drop(pool);
}
END_TEST

struct together {
    shmpool_id pool;
    _Atomic int stage;
    char *block;
};

static int uses_what_another_grew(void *arg)
{
    struct together *together = arg;
    CHILD_CHECK(shmpool_alloc(together->pool, pages(2)) == NULL);
    atomic_store(&together->stage, 1);
    wait_for(&together->stage, 2);
    CHILD_CHECK(together->block[pages(50) - 1] == 'x');
    CHILD_CHECK(shmpool_free(together->pool, together->block) == 0);
    return shmpool_alloc(together->pool, pages(50)) != NULL ? 0 : 1;
}

START_TEST(running_processes_see_the_new_pages_at_once)
{
    struct together *together = shared_memory(sizeof *together);
    together->pool = pool_growing(1, 51, 0);
    ck_assert(shmpool_alloc(together->pool, 1) != NULL);
    shmpool_worker worker = shmpool_start(uses_what_another_grew, together, NULL);
    wait_for(&together->stage, 1);
    ck_ok(shmpool_grow(together->pool, pages(51)));
    together->block = shmpool_alloc(together->pool, pages(50));
    together->block[pages(50) - 1] = 'x';
    atomic_store(&together->stage, 2);
    ck_join_ok(worker);
    pool_drop(together->pool);
}
END_TEST

static int grows_in_steps(void *arg)
{
    shmpool_id pool = *(shmpool_id *)arg;
    for (size_t n = 1; n <= 3000; n += 1 + (size_t)getpid() % 7) {
        CHILD_CHECK(shmpool_grow(pool, pages(n)) == 0);
        struct shmpool_stats stats;
        CHILD_CHECK(shmpool_stats(pool, &stats) == 0 && stats.total >= pages(n));
        char *block = shmpool_alloc(pool, 1);
        CHILD_CHECK(block != NULL || errno == ENOSPC);
        if (block != NULL) {
            *block = 1;
            CHILD_CHECK(shmpool_free(pool, block) == 0);
        }
    }
    return 0;
}

START_TEST(several_grow_one_pool_at_once_and_it_never_gets_smaller)
{
    shmpool_id pool = pool_growing(1, 4000, _i == 0 ? 0 : SHMPOOL_COMMIT);
    shmpool_worker workers[4];
    for (int i = 0; i < 4; i++)
        workers[i] = shmpool_start(grows_in_steps, &pool, NULL);
    for (int i = 0; i < 4; i++)
        ck_join_ok(workers[i]);
    ck_assert_uint_ge(stats_of(pool).total, pages(2993));
    ck_pool_is_whole(pool);
    pool_drop(pool);
}
END_TEST

static int grows_for_ever(void *arg)
{
    struct together *together = arg;
    for (size_t n = 2;; n++) {
        CHILD_CHECK(shmpool_grow(together->pool, pages(n)) == 0);
        atomic_store(&together->stage, (int)n);
    }
}

/* Wherever a grower dies, the next one goes on. */
START_TEST(a_grower_that_dies_leaves_the_pool_to_the_next)
{
    struct together *together = shared_memory(sizeof *together);
    together->pool = pool_growing(1, 1000000, _i == 0 ? 0 : SHMPOOL_COMMIT);
    size_t last = 1;
    for (int i = 0; i < 60; i++) {
        shmpool_worker worker = shmpool_start(grows_for_ever, together, NULL);
        wait_for(&together->stage, (int)last + 1);
        usleep((useconds_t)i * 11 % 200);
        ck_ok(shmpool_kill(worker, SIGKILL));
        ck_ok(shmpool_join(worker, NULL, -1));
        last = stats_of(together->pool).total / page() + 1;
        ck_ok(shmpool_grow(together->pool, pages(last)));
        ck_assert_uint_eq(stats_of(together->pool).total, pages(last));
        atomic_store(&together->stage, (int)last);
        char *block = shmpool_alloc(together->pool, pages(last));
        ck_assert(block != NULL);
        block[pages(last) - 1] = 1;
        ck_ok(shmpool_free(together->pool, block));
    }
    ck_pool_is_whole(together->pool);
    pool_drop(together->pool);
}
END_TEST

static int grows_under_a_limit(void *arg)
{
    shmpool_id pool = *(shmpool_id *)arg;
    struct shmpool_stats stats;
    struct rlimit limit = {pages(300), RLIM_INFINITY};
    CHILD_CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHILD_FAILS(shmpool_grow(pool, pages(5000)), ENOSPC);
    CHILD_CHECK(strstr(shmpool_errmsg(), "RLIMIT_FSIZE") != NULL);
    CHILD_CHECK(shmpool_stats(pool, &stats) == 0 && stats.total == pages(10));
    CHILD_CHECK(shmpool_alloc(pool, pages(10)) != NULL);
    return 0;
}

START_TEST(a_growth_that_fails_leaves_the_pool_as_it_was)
{
    if (!backend()->has_descriptors || unit() > page())
        return; /* no file, or one that mapping made as long as it may grow: no limit is met */
    shmpool_id pool = pool_growing(10, 5000, _i == 0 ? 0 : SHMPOOL_COMMIT);
    ck_child_ok(grows_under_a_limit, &pool);
    ck_ok(shmpool_reclaim(pool, 0));
    ck_pool_is_whole(pool);
    ck_ok(shmpool_grow(pool, pages(5000)));
    pool_drop(pool);
}
END_TEST

static int grows_what_it_may_only_read(void *arg)
{
    CHILD_FAILS(shmpool_grow(*(shmpool_id *)arg, pages(2)), EROFS);
    return 0;
}

START_TEST(whoever_may_only_read_cannot_grow)
{
    shmpool_id pool = pool_growing(1, 2, 0);
    struct shmpool_grant grant = {pool, SHMPOOL_RDONLY};
    struct shmpool_start_options options = {.inherit = &grant, .n_inherit = 1};
    ck_worker_ok(grows_what_it_may_only_read, &pool, &options);
    ck_assert_uint_eq(stats_of(pool).total, pages(1));
    pool_drop(pool);
}
END_TEST

START_TEST(what_may_grow_to_a_tebibyte_takes_little_until_then)
{
    /* A sanitizer leaves no such range. */
    struct shmpool_options options = {.max_size = (size_t)1 << (SANITIZED ? 36 : 40)};
    shmpool_id pool = shmpool_create((size_t)1 << 20, &options);
    ck_ok(pool);
    ck_assert_uint_lt(object_state(pool).allocated, (size_t)1 << 20);
    ck_ok(shmpool_grow(pool, (size_t)1 << 30));
    ck_assert_uint_lt(object_state(pool).allocated, (size_t)1 << 20);
    pool_drop(pool);
}
END_TEST

static int grows_and_is_killed(void *arg)
{
    shmpool_id pool = *(shmpool_id *)arg;
    CHILD_CHECK(shmpool_grow(pool, pages(300)) == 0);
    CHILD_CHECK(shmpool_alloc(pool, pages(200)) != NULL);
    raise(SIGKILL);
    return 1;
}

/* This process has not looked since: it knows of the old pages only. */
START_TEST(what_a_dead_grower_owned_is_reclaimed)
{
    shmpool_id pool = pool_growing(1, 300, 0);
    worker_run(grows_and_is_killed, &pool, NULL);
    ck_assert_int_eq(shmpool_reclaim(pool, 0), (ssize_t)pages(200));
    ck_pool_is_whole(pool);
    pool_drop(pool);
}
END_TEST

static int grows_and_allocates(void *arg)
{
    struct together *together = arg;
    CHILD_CHECK(shmpool_grow(together->pool, pages(8)) == 0);
    together->block = shmpool_alloc(together->pool, pages(8));
    CHILD_CHECK(together->block != NULL);
    return 0;
}

START_TEST(a_block_that_spans_the_old_end_has_its_size)
{
    struct together *together = shared_memory(sizeof *together);
    together->pool = pool_growing(1, 8, 0);
    ck_worker_ok(grows_and_allocates, together, NULL);
    ck_assert_int_eq(shmpool_size_at(together->pool, together->block), (ssize_t)pages(8));
    ck_assert_int_eq(shmpool_of(together->block + pages(7)), together->pool);
    ck_ok(shmpool_free(together->pool, together->block));
    pool_drop(together->pool);
}
END_TEST

static int grows_slowly(void *arg)
{
    struct together *together = arg;
    for (size_t n = 2; n <= 6000 && atomic_load(&together->stage) == 0; n++)
        CHILD_CHECK(shmpool_grow(together->pool, pages(n)) == 0);
    return 0;
}

static int opens_and_checks(void *arg)
{
    const char *name = arg;
    shmpool_id pool = shmpool_open(name, 0);
    CHILD_CHECK(pool > 0);
    CHILD_CHECK(shmpool_check(pool, stderr) == 0);
    return 0;
}

START_TEST(a_pool_that_grows_is_sound_to_who_opens_and_checks_it)
{
    char name[RUN_NAME_SIZE];
    if (!backend()->has_names)
        return;
    struct together *together = shared_memory(sizeof *together);
    struct shmpool_options options = {.name = run_name(name, "grows"), .max_size = pages(6000)};
    together->pool = shmpool_create(pages(1), &options);
    ck_ok(together->pool);
    shmpool_worker worker = shmpool_start(grows_slowly, together, NULL);
    for (int i = 0; i < 200; i++) {
        ck_assert_int_eq(shmpool_check(together->pool, stderr), 0);
        ck_child_ok(opens_and_checks, name);
    }
    atomic_store(&together->stage, 1);
    ck_join_ok(worker);
    pool_drop(together->pool);
}
END_TEST

TCase *growth_case(void)
{
    TCase *tcase = contract_case("growth");
    tcase_add_test(tcase, a_pool_grows_up_to_its_max_size);
    tcase_add_test(tcase, what_is_reached_already_is_success);
    tcase_add_test(tcase, beyond_max_size_is_refused);
    tcase_add_test(tcase, blocks_stay_where_they_are_and_may_span_old_and_new_pages);
    tcase_add_test(tcase, room_is_found_in_a_group_that_was_full);
    tcase_add_test(tcase, running_processes_see_the_new_pages_at_once);
    tcase_add_loop_test(tcase, several_grow_one_pool_at_once_and_it_never_gets_smaller, 0, 2);
    tcase_add_loop_test(tcase, a_grower_that_dies_leaves_the_pool_to_the_next, 0, 2);
    tcase_add_loop_test(tcase, a_growth_that_fails_leaves_the_pool_as_it_was, 0, 2);
    tcase_add_test(tcase, what_a_dead_grower_owned_is_reclaimed);
    tcase_add_test(tcase, a_block_that_spans_the_old_end_has_its_size);
    tcase_add_test(tcase, a_pool_that_grows_is_sound_to_who_opens_and_checks_it);
    tcase_add_test(tcase, whoever_may_only_read_cannot_grow);
    tcase_add_test(tcase, what_may_grow_to_a_tebibyte_takes_little_until_then);
    return tcase;
}
