/* What the dead leave: reclaim frees what they owned, publish takes a block out of their hands. */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract/contract.h"

enum { N_BLOCKS = 5 };

/* What a worker leaves behind, told in shared memory. */
struct estate {
    shmpool_id pool;
    _Atomic int ready;
    void **table; /* of pointers, in the pool */
    void *blocks[N_BLOCKS];
    size_t n_pages;
};

static struct estate *estate_new(size_t n_pages)
{
    struct estate *estate = shared_memory(sizeof *estate);
    estate->pool = pool_new(n_pages);
    estate->table = shmpool_alloc(estate->pool, page());
    ck_assert_ptr_nonnull(estate->table);
    memset(estate->table, 0, page());
    return estate;
}

static void estate_drop(struct estate *estate)
{
    ck_ok(shmpool_free(estate->pool, estate->table));
    ck_pool_is_whole(estate->pool);
    pool_drop(estate->pool);
}

static void allocate(struct estate *estate)
{
    static const size_t lengths[N_BLOCKS] = {1, 3, 32, 33, 100};
    for (int i = 0; i < N_BLOCKS; i++) {
        estate->blocks[i] = shmpool_alloc(estate->pool, pages(lengths[i]));
        CHILD_CHECK(estate->blocks[i] != NULL);
        estate->n_pages += lengths[i];
    }
}

static int allocates_and_waits(void *arg)
{
    struct estate *estate = arg;
    allocate(estate);
    atomic_store(&estate->ready, 1);
    return child_sleep(NULL);
}

static int allocates_and_ends(void *arg)
{
    allocate(arg);
    return 0;
}

/* Starts a worker, waits until it is ready and kills it; its process ID. */
static pid_t start_and_kill(int (*run)(void *), struct estate *estate)
{
    shmpool_worker worker = shmpool_start(run, estate, NULL);
    ck_ok(worker);
    pid_t pid = shmpool_worker_pid(worker);
    wait_for(&estate->ready, 1);
    atomic_store(&estate->ready, 0);
    ck_ok(shmpool_kill(worker, SIGKILL));
    ck_assert(WIFSIGNALED(worker_join(worker)));
    return pid;
}

START_TEST(reclaim_frees_the_blocks_of_a_killed_worker)
{
    struct estate *estate = estate_new(400);
    pid_t pid = start_and_kill(allocates_and_waits, estate);
    ck_assert_uint_eq(stats_of(estate->pool).blocks, N_BLOCKS + 1);
    ck_assert_int_eq(shmpool_reclaim(estate->pool, pid), (ssize_t)pages(estate->n_pages));
    for (int i = 0; i < N_BLOCKS; i++)
        ck_fails(shmpool_size_at(estate->pool, estate->blocks[i]), ENOENT);
    ck_assert_int_eq(shmpool_reclaim(estate->pool, pid), 0);
    estate_drop(estate);
}
END_TEST

START_TEST(reclaim_frees_the_blocks_of_a_worker_that_ended)
{
    struct estate *estate = estate_new(400);
    shmpool_worker worker = shmpool_start(allocates_and_ends, estate, NULL);
    pid_t pid = shmpool_worker_pid(worker);
    ck_join_ok(worker);
    for (int i = 0; i < N_BLOCKS; i++)
        ck_assert_int_gt(shmpool_size_at(estate->pool, estate->blocks[i]), 0);
    ck_assert_int_eq(shmpool_reclaim(estate->pool, pid), (ssize_t)pages(estate->n_pages));
    estate_drop(estate);
}
END_TEST

START_TEST(a_zombie_is_dead)
{
    struct estate *estate = estate_new(400);
    siginfo_t info;
    pid_t child = child_start(allocates_and_ends, estate);
    ck_assert_int_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    ck_assert_int_eq(shmpool_reclaim(estate->pool, child), (ssize_t)pages(estate->n_pages));
    ck_status_ok(child_wait(child));
    estate_drop(estate);
}
END_TEST

START_TEST(reclaim_0_frees_what_all_dead_ones_left)
{
    struct estate *estate = estate_new(2000);
    size_t mine = stats_of(estate->pool).free;
    for (int i = 0; i < 6; i++)
        start_and_kill(allocates_and_waits, estate);
    ck_child_ok(allocates_and_ends, estate);
    ck_assert_int_eq(shmpool_reclaim(estate->pool, 0), (ssize_t)pages(estate->n_pages));
    ck_assert_uint_eq(stats_of(estate->pool).free, mine);
    ck_assert_int_eq(shmpool_reclaim(estate->pool, 0), 0);
    estate_drop(estate);
}
END_TEST

START_TEST(the_blocks_of_the_living_are_left_alone)
{
    struct estate *estate = estate_new(400);
    shmpool_worker worker = shmpool_start(allocates_and_waits, estate, NULL);
    wait_for(&estate->ready, 1);
    ck_fails(shmpool_reclaim(estate->pool, shmpool_worker_pid(worker)), EBUSY);
    ck_fails(shmpool_reclaim(estate->pool, getpid()), EBUSY);
    ck_assert_int_eq(shmpool_reclaim(estate->pool, 0), 0);
    for (int i = 0; i < N_BLOCKS; i++)
        ck_assert_int_gt(shmpool_size_at(estate->pool, estate->blocks[i]), 0);
    ck_ok(shmpool_kill(worker, SIGKILL));
    worker_join(worker);
    ck_assert_int_eq(shmpool_reclaim(estate->pool, 0), (ssize_t)pages(estate->n_pages));
    estate_drop(estate);
}
END_TEST

static int does_nothing(void *arg)
{
    (void)arg;
    return 0;
}

START_TEST(a_process_that_left_nothing_gives_0)
{
    struct estate *estate = estate_new(100);
    pid_t child = child_start(does_nothing, NULL);
    child_wait(child);
    ck_assert_int_eq(shmpool_reclaim(estate->pool, child), 0);
    ck_assert_int_eq(shmpool_reclaim(estate->pool, 0), 0);
    estate_drop(estate);
}
END_TEST

START_TEST(a_negative_process_id_is_EINVAL)
{
    struct estate *estate = estate_new(100);
    ck_fails(shmpool_reclaim(estate->pool, -1), EINVAL);
    ck_fails(shmpool_reclaim(estate->pool, -getpid()), EINVAL);
    estate_drop(estate);
}
END_TEST

START_TEST(what_others_freed_is_not_reclaimed_again)
{
    struct estate *estate = estate_new(400);
    pid_t pid = start_and_kill(allocates_and_waits, estate);
    ck_ok(shmpool_free(estate->pool, estate->blocks[1]));
    ck_ok(shmpool_free(estate->pool, estate->blocks[4]));
    char *mine = shmpool_alloc(estate->pool, pages(100));
    ck_assert_ptr_nonnull(mine);
    ck_assert_int_eq(shmpool_reclaim(estate->pool, pid), (ssize_t)pages(1 + 32 + 33));
    ck_assert_int_eq(shmpool_size_at(estate->pool, mine), (ssize_t)pages(100));
    ck_ok(shmpool_free(estate->pool, mine));
    estate_drop(estate);
}
END_TEST

static int publishes_and_waits(void *arg)
{
    struct estate *estate = arg;
    allocate(estate);
    CHILD_CHECK(shmpool_publish(estate->pool, estate->blocks[0], &estate->table[0]) == 0);
    CHILD_CHECK(shmpool_publish(estate->pool, estate->blocks[3], &estate->table[1]) == 0);
    strcpy(estate->blocks[3], "shared");
    atomic_store(&estate->ready, 1);
    return child_sleep(NULL);
}

START_TEST(a_published_block_survives_its_maker)
{
    struct estate *estate = estate_new(400);
    pid_t pid = start_and_kill(publishes_and_waits, estate);
    ck_assert_int_eq(shmpool_reclaim(estate->pool, pid), (ssize_t)pages(3 + 32 + 100));
    ck_assert_int_eq(shmpool_reclaim(estate->pool, 0), 0);
    ck_assert_ptr_eq(estate->table[0], estate->blocks[0]);
    ck_assert_ptr_eq(estate->table[1], estate->blocks[3]);
    ck_assert_str_eq(estate->table[1], "shared");
    ck_assert_int_eq(shmpool_size_at(estate->pool, estate->table[1]), (ssize_t)pages(33));
    ck_ok(shmpool_free(estate->pool, estate->table[0]));
    ck_ok(shmpool_free(estate->pool, estate->table[1]));
    estate_drop(estate);
}
END_TEST

START_TEST(publish_never_overwrites)
{
    struct estate *estate = estate_new(100);
    void *one = shmpool_alloc(estate->pool, 1);
    void *two = shmpool_alloc(estate->pool, 1);
    ck_ok(shmpool_publish(estate->pool, one, &estate->table[3]));
    ck_fails(shmpool_publish(estate->pool, two, &estate->table[3]), EEXIST);
    ck_fails(shmpool_publish(estate->pool, one, &estate->table[3]), EEXIST);
    ck_assert_ptr_eq(estate->table[3], one);
    ck_ok(shmpool_publish(estate->pool, two, &estate->table[4]));
    ck_ok(shmpool_free(estate->pool, one));
    ck_ok(shmpool_free(estate->pool, two));
    estate_drop(estate);
}
END_TEST

START_TEST(a_place_that_is_no_pointer_in_a_pool_is_EINVAL)
{
    static void *outside;
    struct estate *estate = estate_new(100);
    void *block = shmpool_alloc(estate->pool, 1);
    ck_fails(shmpool_publish(estate->pool, block, NULL), EINVAL);
    ck_fails(shmpool_publish(estate->pool, block, &outside), EINVAL);
    ck_fails(shmpool_publish(estate->pool, block, (char *)estate->table + 1), EINVAL);
    ck_fails(shmpool_publish(estate->pool, block, (char *)estate->table + 4), EINVAL);
    ck_assert_ptr_null(outside);
    ck_ok(shmpool_free(estate->pool, block));
    estate_drop(estate);
}
END_TEST

START_TEST(what_is_no_block_is_not_published)
{
    struct estate *estate = estate_new(100);
    shmpool_id other = pool_new(10);
    char *block = shmpool_alloc(estate->pool, pages(2));
    char *freed = shmpool_alloc(estate->pool, 1);
    ck_ok(shmpool_free(estate->pool, freed));
    void *const bad[] = {NULL, freed, block + 1, block + page(), &block, shmpool_alloc(other, 1)};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_fails(shmpool_publish(estate->pool, bad[i], &estate->table[0]), ENOENT);
    ck_assert_ptr_null(estate->table[0]);
    ck_ok(shmpool_free(estate->pool, block));
    pool_drop(other);
    estate_drop(estate);
}
END_TEST

START_TEST(the_pointer_may_be_in_another_pool)
{
    struct estate *estate = estate_new(100);
    shmpool_id other = pool_new(10);
    void **table = shmpool_alloc(other, 1);
    void *block = shmpool_alloc(estate->pool, pages(40));
    table[7] = NULL;
    ck_ok(shmpool_publish(estate->pool, block, &table[7]));
    ck_assert_ptr_eq(table[7], block);
    ck_ok(shmpool_free(estate->pool, table[7]));
    pool_drop(other);
    estate_drop(estate);
}
END_TEST

static int publishes_blocks_of_the_starter(void *arg)
{
    struct estate *estate = arg;
    for (int i = 0; i < N_BLOCKS; i++)
        CHILD_CHECK(shmpool_publish(estate->pool, estate->blocks[i], &estate->table[i]) == 0);
    return 0;
}

START_TEST(anyone_may_publish_a_block)
{
    struct estate *estate = estate_new(400);
    allocate(estate);
    ck_worker_ok(publishes_blocks_of_the_starter, estate, NULL);
    ck_assert_int_eq(shmpool_reclaim(estate->pool, 0), 0);
    for (int i = 0; i < N_BLOCKS; i++) {
        ck_assert_ptr_eq(estate->table[i], estate->blocks[i]);
        ck_ok(shmpool_free(estate->pool, estate->blocks[i]));
    }
    estate_drop(estate);
}
END_TEST

static int allocates_until_full(void *arg)
{
    struct estate *estate = arg;
    while (shmpool_alloc(estate->pool, 1) != NULL)
        estate->n_pages++;
    CHILD_CHECK(errno == ENOSPC);
    return 0;
}

/* Reuse of what the dead left is the program's decision: nothing is freed behind its back. */
START_TEST(blocks_of_the_dead_stay_until_they_are_reclaimed)
{
    struct estate *estate = estate_new(100);
    ck_worker_ok(allocates_until_full, estate, NULL);
    ck_assert_uint_eq(estate->n_pages, 99);
    ck_fails_null(shmpool_alloc(estate->pool, 1), ENOSPC);
    ck_ok(shmpool_recover(estate->pool));
    ck_assert_uint_eq(stats_of(estate->pool).blocks, 100);
    ck_assert_int_eq(shmpool_reclaim(estate->pool, 0), (ssize_t)pages(99));
    estate_drop(estate);
}
END_TEST

START_TEST(the_slots_of_the_dead_come_back)
{
    struct estate *estate = estate_new(2000);
    for (int i = 0; i < 6; i++)
        start_and_kill(allocates_and_waits, estate);
    ck_ok(shmpool_recover(estate->pool));
    ck_assert_uint_eq(stats_of(estate->pool).members, 1);
    ck_assert_int_eq(shmpool_reclaim(estate->pool, 0), (ssize_t)pages(estate->n_pages));
    ck_assert_uint_eq(stats_of(estate->pool).members, 1);
    estate_drop(estate);
}
END_TEST

static int takes_a_page_and_ends(void *arg)
{
    const struct estate *estate = arg;
    void *block = shmpool_alloc(estate->pool, 1);
    CHILD_CHECK(block != NULL);
    return shmpool_free(estate->pool, block);
}

START_TEST(thousands_of_processes_may_use_a_pool_one_after_the_other)
{
    struct estate *estate = estate_new(2);
    for (int i = 0; i < 1200; i++)
        ck_child_ok(takes_a_page_and_ends, estate);
    estate_drop(estate);
}
END_TEST

static int makes_a_root_and_ends(void *arg)
{
    const struct estate *estate = arg;
    char *block = shmpool_alloc(estate->pool, pages(3));
    CHILD_CHECK(block != NULL && shmpool_alloc(estate->pool, 1) != NULL);
    return shmpool_set_root(estate->pool, block + page() + 1);
}

START_TEST(the_block_that_holds_the_root_stays)
{
    struct estate *estate = estate_new(10);
    ck_worker_ok(makes_a_root_and_ends, estate, NULL);
    char *root = shmpool_root(estate->pool);
    ck_assert_int_eq(shmpool_reclaim(estate->pool, 0), (ssize_t)page());
    ck_assert_int_eq(shmpool_size_at(estate->pool, root - page() - 1), (ssize_t)pages(3));
    ck_ok(shmpool_set_root(estate->pool, NULL));
    ck_assert_int_eq(shmpool_reclaim(estate->pool, 0), (ssize_t)pages(3));
    estate_drop(estate);
}
END_TEST

START_TEST(recovering_a_sound_pool_changes_nothing)
{
    struct estate *estate = estate_new(100);
    struct shmpool_stats before = stats_of(estate->pool);
    for (int i = 0; i < 100; i++)
        ck_ok(shmpool_recover(estate->pool));
    struct shmpool_stats after = stats_of(estate->pool);
    ck_assert_mem_eq(&before, &after, sizeof before);
    estate_drop(estate);
}
END_TEST

TCase *reclaim_case(void)
{
    TCase *tcase = contract_case("reclaim");
    tcase_add_test(tcase, reclaim_frees_the_blocks_of_a_killed_worker);
    tcase_add_test(tcase, reclaim_frees_the_blocks_of_a_worker_that_ended);
    tcase_add_test(tcase, a_zombie_is_dead);
    tcase_add_test(tcase, reclaim_0_frees_what_all_dead_ones_left);
    tcase_add_test(tcase, the_blocks_of_the_living_are_left_alone);
    tcase_add_test(tcase, a_process_that_left_nothing_gives_0);
    tcase_add_test(tcase, a_negative_process_id_is_EINVAL);
    tcase_add_test(tcase, what_others_freed_is_not_reclaimed_again);
    tcase_add_test(tcase, a_published_block_survives_its_maker);
    tcase_add_test(tcase, publish_never_overwrites);
    tcase_add_test(tcase, a_place_that_is_no_pointer_in_a_pool_is_EINVAL);
    tcase_add_test(tcase, what_is_no_block_is_not_published);
    tcase_add_test(tcase, the_pointer_may_be_in_another_pool);
    tcase_add_test(tcase, anyone_may_publish_a_block);
    tcase_add_test(tcase, blocks_of_the_dead_stay_until_they_are_reclaimed);
    tcase_add_test(tcase, the_slots_of_the_dead_come_back);
    tcase_add_test(tcase, thousands_of_processes_may_use_a_pool_one_after_the_other);
    tcase_add_test(tcase, the_block_that_holds_the_root_stays);
    tcase_add_test(tcase, recovering_a_sound_pool_changes_nothing);
    return tcase;
}
