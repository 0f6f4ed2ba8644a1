/* Resource IDs: the same in the whole family, never mixed up, never used up. */
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/contract.h"

START_TEST(ids_are_positive_and_distinct)
{
    enum { MANY = 50 };
    shmpool_id ids[MANY];
    for (int i = 0; i < MANY; i++) {
        ids[i] = pool_new(1);
        ck_assert_int_gt(ids[i], 0);
        for (int j = 0; j < i; j++)
            ck_assert_int_ne(ids[i], ids[j]);
    }
    for (int i = 0; i < MANY; i++)
        pool_drop(ids[i]);
}
END_TEST

struct known_pool {
    shmpool_id pool;
    char name[RUN_NAME_SIZE];
    int *block;
};

static int finds_it_under_the_same_id(void *arg)
{
    const struct known_pool *known = arg;
    CHILD_CHECK(strcmp(shmpool_name(known->pool), known->name) == 0);
    CHILD_CHECK(shmpool_of(known->block) == known->pool);
    CHILD_CHECK(*known->block == 4711);
    CHILD_CHECK(shmpool_size_at(known->pool, known->block) == (ssize_t)page());
    return 0;
}

START_TEST(an_id_means_the_same_in_every_process_of_the_family)
{
    struct known_pool known;
    shmpool_id first = pool_new(1);
    known.pool = pool_named(run_name(known.name, "same"), 10);
    known.block = shmpool_alloc(known.pool, 1);
    *known.block = 4711;
    ck_worker_ok(finds_it_under_the_same_id, &known, NULL);
    ck_child_ok(finds_it_under_the_same_id, &known);
    pool_drop(first);
    pool_drop(known.pool);
}
END_TEST

START_TEST(an_id_that_names_nothing_is_EBADF_in_every_function)
{
    shmpool_id pool = pool_new(1);
    void *block = shmpool_alloc(pool, 1);
    const shmpool_id bad[] = {
        0,        -1,       -pool,     INT32_MIN,    INT32_MAX,         pool + 1,
        pool + 2, pool + 7, pool + 64, pool + 65536, pool | 0x40000000, pool + 1000000,
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *call = call_that_does_not_fail(bad[i], block, EBADF, true);
        ck_assert_msg(call == NULL, "ID %d (pool %d): %s: %s", bad[i], pool, call,
                      shmpool_errmsg());
    }
    ck_assert_int_eq(shmpool_size_at(pool, block), (ssize_t)page());
    pool_drop(pool);
}
END_TEST

START_TEST(a_worker_id_that_names_nothing_is_EBADF)
{
    static const shmpool_worker bad[] = {0, -1, INT32_MIN, INT32_MAX, 1, 2, 4096, 4097, 123456};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_fails(shmpool_join(bad[i], NULL, 0), EBADF);
        ck_fails(shmpool_join(bad[i], NULL, -1), EBADF);
        ck_fails(shmpool_kill(bad[i], 0), EBADF);
        ck_fails(shmpool_worker_pid(bad[i]), EBADF);
    }
}
END_TEST

static int has_nothing_of_it(void *arg)
{
    const struct known_pool *known = arg;
    const char *call = call_that_does_not_fail(known->pool, known->block, EACCES, false);
    if (call != NULL)
        fprintf(stderr, "%s: %s\n", call, shmpool_errmsg());
    CHILD_CHECK(call == NULL);
    CHILD_FAILS(shmpool_of(known->block), ENOENT);
    return 0;
}

START_TEST(a_pool_that_was_not_granted_is_EACCES_in_every_function)
{
    struct known_pool known;
    struct shmpool_start_options none = {.inherit = SHMPOOL_INHERIT_NONE};
    known.pool = pool_new(10);
    known.block = shmpool_alloc(known.pool, 1);
    ck_worker_ok(has_nothing_of_it, &known, &none);
    ck_assert_int_eq(shmpool_size_at(known.pool, known.block), (ssize_t)page());
    pool_drop(known.pool);
}
END_TEST

static int release_one(void *arg)
{
    return shmpool_release(*(shmpool_id *)arg);
}

START_TEST(release_in_one_process_leaves_the_others_alone)
{
    shmpool_id pool = pool_new(10);
    ck_worker_ok(release_one, &pool, NULL);
    ck_child_ok(release_one, &pool);
    void *block = shmpool_alloc(pool, pages(10));
    ck_assert_ptr_nonnull(block);
    memset(block, 1, pages(10));
    pool_drop(pool);
}
END_TEST

enum { SIBLINGS = 4, EACH = 40 };

struct siblings {
    _Atomic int ready;
    _Atomic int next;
    shmpool_id ids[SIBLINGS * EACH];
    char name[RUN_NAME_SIZE];
};

static int create_many(void *arg)
{
    struct siblings *siblings = arg;
    int me = atomic_fetch_add(&siblings->ready, 1);
    wait_for(&siblings->ready, SIBLINGS);
    for (int i = 0; i < EACH; i++) {
        shmpool_id pool = shmpool_create(page(), NULL);
        CHILD_CHECK(pool > 0);
        siblings->ids[me * EACH + i] = pool;
        CHILD_CHECK(shmpool_unlink(pool) == 0);
    }
    return 0;
}

static int compare_ids(const void *a, const void *b)
{
    shmpool_id x = *(const shmpool_id *)a;
    shmpool_id y = *(const shmpool_id *)b;
    return (x > y) - (x < y);
}

static void run_siblings(int (*run)(void *), struct siblings *siblings)
{
    shmpool_worker workers[SIBLINGS];
    atomic_store(&siblings->ready, 0);
    for (int i = 0; i < SIBLINGS; i++) {
        workers[i] = shmpool_start(run, siblings, NULL);
        ck_ok(workers[i]);
    }
    for (int i = 0; i < SIBLINGS; i++)
        ck_join_ok(workers[i]);
}

START_TEST(siblings_that_create_at_once_get_different_ids)
{
    struct siblings *siblings = shared_memory(sizeof *siblings);
    run_siblings(create_many, siblings);
    qsort(siblings->ids, SIBLINGS * EACH, sizeof siblings->ids[0], compare_ids);
    ck_assert_int_gt(siblings->ids[0], 0);
    for (int i = 1; i < SIBLINGS * EACH; i++)
        ck_assert_int_lt(siblings->ids[i - 1], siblings->ids[i]);
}
END_TEST

static int open_one(void *arg)
{
    struct siblings *siblings = arg;
    int me = atomic_fetch_add(&siblings->ready, 1);
    wait_for(&siblings->ready, SIBLINGS);
    siblings->ids[me] = shmpool_open(siblings->name, 0);
    CHILD_CHECK(siblings->ids[me] > 0);
    CHILD_CHECK(shmpool_alloc(siblings->ids[me], 1) != NULL);
    return 0;
}

START_TEST(siblings_that_open_one_object_at_once_get_one_id)
{
    struct siblings *siblings = shared_memory(sizeof *siblings);
    const char *const argv[] = {"contract", "create", siblings->name, NULL};
    if (!backend()->has_names)
        return;
    run_name(siblings->name, "siblings");
    for (int round = 0; round < 20; round++) {
        ck_status_ok(child_exec(argv));
        run_siblings(open_one, siblings);
        for (int i = 1; i < SIBLINGS; i++)
            ck_assert_int_eq(siblings->ids[i], siblings->ids[0]);
        ck_ok(shmpool_unlink_name(siblings->name));
    }
}
END_TEST

START_TEST(a_creator_that_opens_its_pool_gets_the_same_id)
{
    char name[RUN_NAME_SIZE];
    if (!backend()->has_names)
        return;
    shmpool_id pool = pool_named(run_name(name, "own"), 1);
    ck_assert_int_eq(shmpool_open(name, 0), pool);
    ck_assert_int_eq(shmpool_open(name, 0), pool);
    pool_drop(pool);
}
END_TEST

START_TEST(a_new_pool_is_never_taken_for_an_old_one)
{
    char name[RUN_NAME_SIZE];
    for (int i = 0; i < 20; i++) {
        char subject[16];
        snprintf(subject, sizeof subject, "new%d", i);
        shmpool_id pool = pool_named(run_name(name, subject), 1);
        ck_assert_str_eq(shmpool_name(pool), name);
        pool_drop(pool);
        ck_fails(shmpool_release(pool), EACCES);
        shmpool_id next = pool_new(1);
        ck_assert_int_ne(next, pool);
        pool_drop(next);
    }
}
END_TEST

START_TEST(thousands_of_pools_use_nothing_up)
{
    shmpool_id kept = pool_new(1);
    shmpool_id last = 0;
    for (int i = 0; i < 5000; i++) {
        shmpool_id pool = pool_new(1);
        ck_quiet(pool != last && pool != kept);
        if (i % 100 == 0)
            ck_assert_ptr_nonnull(shmpool_alloc(pool, 1));
        pool_drop(pool);
        last = pool;
    }
    ck_assert_ptr_nonnull(shmpool_alloc(kept, 1));
    pool_drop(kept);
}
END_TEST

static int create_and_leave(void *arg)
{
    (void)arg;
    shmpool_id pool = shmpool_create(page(), NULL);
    CHILD_CHECK(pool > 0);
    return shmpool_unlink(pool);
}

START_TEST(pools_of_workers_that_ended_use_nothing_up)
{
    for (int i = 0; i < 500; i++)
        ck_worker_ok(create_and_leave, NULL, NULL);
    pool_drop(pool_new(1));
}
END_TEST

TCase *registry_case(void)
{
    TCase *tcase = contract_case("registry");
    tcase_add_test(tcase, ids_are_positive_and_distinct);
    tcase_add_test(tcase, an_id_means_the_same_in_every_process_of_the_family);
    tcase_add_test(tcase, an_id_that_names_nothing_is_EBADF_in_every_function);
    tcase_add_test(tcase, a_worker_id_that_names_nothing_is_EBADF);
    tcase_add_test(tcase, a_pool_that_was_not_granted_is_EACCES_in_every_function);
    tcase_add_test(tcase, release_in_one_process_leaves_the_others_alone);
    tcase_add_test(tcase, siblings_that_create_at_once_get_different_ids);
    tcase_add_test(tcase, siblings_that_open_one_object_at_once_get_one_id);
    tcase_add_test(tcase, a_creator_that_opens_its_pool_gets_the_same_id);
    tcase_add_test(tcase, a_new_pool_is_never_taken_for_an_old_one);
    tcase_add_test(tcase, thousands_of_pools_use_nothing_up);
    tcase_add_test(tcase, pools_of_workers_that_ended_use_nothing_up);
    return tcase;
}
