/* Read-only grants: reading works, nothing else does, and nobody can change that. */
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "contract/contract.h"

struct exhibit {
    shmpool_id pool;
    shmpool_id other; /* fully granted */
    char *block;
    char *base;
};

static struct exhibit exhibit_new(void)
{
    struct exhibit exhibit = {.pool = pool_new(100), .other = pool_new(10)};
    exhibit.block = shmpool_alloc(exhibit.pool, pages(3));
    ck_assert_ptr_nonnull(exhibit.block);
    strcpy(exhibit.block, "do not touch");
    ck_ok(shmpool_set_root(exhibit.pool, exhibit.block));
    exhibit.base = pool_base(exhibit.pool);
    return exhibit;
}

static void exhibit_drop(const struct exhibit *exhibit)
{
    ck_assert_str_eq(exhibit->block, "do not touch");
    ck_assert_int_eq(shmpool_size_at(exhibit->pool, exhibit->block), (ssize_t)pages(3));
    ck_assert_uint_eq(stats_of(exhibit->pool).blocks, 1);
    ck_assert_ptr_eq(shmpool_root(exhibit->pool), exhibit->block);
    ck_assert_int_eq(shmpool_check(exhibit->pool, stderr), 0);
    pool_drop(exhibit->pool);
    pool_drop(exhibit->other);
}

/* Runs it as a worker that may only read the exhibit. */
static int run_visitor(int (*run)(void *), struct exhibit *exhibit)
{
    struct shmpool_grant list[] = {{exhibit->pool, SHMPOOL_RDONLY}, {exhibit->other, 0}};
    struct shmpool_start_options options = {.inherit = list, .n_inherit = 2};
    return worker_run(run, exhibit, &options);
}

static int reads(void *arg)
{
    const struct exhibit *exhibit = arg;
    struct shmpool_stats stats;
    FILE *out = tmpfile();
    CHILD_CHECK(strcmp(exhibit->block, "do not touch") == 0);
    CHILD_CHECK(proc_mapping_has_flag(exhibit->block, " dd"));
    CHILD_CHECK(shmpool_root(exhibit->pool) == exhibit->block);
    CHILD_CHECK(shmpool_name(exhibit->pool) != NULL);
    CHILD_CHECK(shmpool_of(exhibit->block) == exhibit->pool);
    CHILD_CHECK(shmpool_size_at(exhibit->pool, exhibit->block) == (ssize_t)pages(3));
    CHILD_CHECK(shmpool_stats(exhibit->pool, &stats) == 0);
    CHILD_CHECK(stats.free == pages(97) && stats.total == pages(100) && stats.blocks == 1);
    CHILD_CHECK(shmpool_check(exhibit->pool, stderr) == 0);
    CHILD_CHECK(out != NULL && shmpool_dump(exhibit->pool, out) == 0 && ftell(out) > 0);
    CHILD_FAILS(shmpool_size_at(exhibit->pool, exhibit->block + page()), ENOENT);
    return 0;
}

START_TEST(looking_works_in_a_readonly_pool)
{
    struct exhibit exhibit = exhibit_new();
    ck_status_ok(run_visitor(reads, &exhibit));
    exhibit_drop(&exhibit);
}
END_TEST

static int tries_to_change(void *arg)
{
    const struct exhibit *exhibit = arg;
    void **where = shmpool_alloc(exhibit->other, 1);
    CHILD_CHECK(where != NULL);
    *where = NULL;
    CHILD_FAILS_NULL(shmpool_alloc(exhibit->pool, 1), EROFS);
    CHILD_FAILS_NULL(shmpool_alloc_aligned(exhibit->pool, page(), 1), EROFS);
    CHILD_FAILS(shmpool_free(exhibit->pool, exhibit->block), EROFS);
    CHILD_FAILS(shmpool_set_root(exhibit->pool, NULL), EROFS);
    CHILD_FAILS(shmpool_publish(exhibit->pool, exhibit->block, where), EROFS);
    CHILD_FAILS(shmpool_recover(exhibit->pool), EROFS);
    CHILD_FAILS(shmpool_reclaim(exhibit->pool, 0), EROFS);
    CHILD_CHECK(*where == NULL);
    return shmpool_free(exhibit->other, where);
}

START_TEST(changing_a_readonly_pool_is_EROFS)
{
    struct exhibit exhibit = exhibit_new();
    ck_status_ok(run_visitor(tries_to_change, &exhibit));
    exhibit_drop(&exhibit);
}
END_TEST

static int publishes_into_the_exhibit(void *arg)
{
    const struct exhibit *exhibit = arg;
    void *mine = shmpool_alloc(exhibit->other, 1);
    CHILD_CHECK(mine != NULL);
    errno = 0;
    CHILD_CHECK(shmpool_publish(exhibit->other, mine, exhibit->block + page()) < 0);
    CHILD_CHECK(errno == EROFS || errno == EINVAL);
    return shmpool_free(exhibit->other, mine);
}

START_TEST(nothing_is_published_into_a_readonly_pool)
{
    struct exhibit exhibit = exhibit_new();
    memset(exhibit.block + page(), 0, page());
    ck_status_ok(run_visitor(publishes_into_the_exhibit, &exhibit));
    exhibit_drop(&exhibit);
}
END_TEST

static int writes_to_a_block(void *arg)
{
    *((const struct exhibit *)arg)->block = 'X';
    return 0;
}

static int writes_to_the_header(void *arg)
{
    *((const struct exhibit *)arg)->base = 'X';
    return 0;
}

START_TEST(writing_to_a_readonly_pool_is_a_fault)
{
    int (*const writers[])(void *) = {writes_to_a_block, writes_to_the_header};
    struct exhibit exhibit = exhibit_new();
    signal(SIGSEGV, SIG_DFL);
    for (int i = 0; i < 2; i++) {
        int status = run_visitor(writers[i], &exhibit);
        ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "%s", child_text(status));
    }
    exhibit_drop(&exhibit);
}
END_TEST

static int tries_to_get_round_it(void *arg)
{
    const struct exhibit *exhibit = arg;
    CHILD_CHECK(mprotect(exhibit->block, page(), PROT_READ | PROT_WRITE) < 0);
    CHILD_CHECK(mprotect(exhibit->base, page(), PROT_READ | PROT_WRITE) < 0);
    CHILD_CHECK(madvise(exhibit->block, page(), MADV_REMOVE) < 0);
    CHILD_CHECK(madvise(exhibit->base, page(), MADV_REMOVE) < 0);
    CHILD_CHECK(strcmp(exhibit->block, "do not touch") == 0);
    return 0;
}

START_TEST(mprotect_and_hole_punching_are_refused)
{
    struct exhibit exhibit = exhibit_new();
    ck_status_ok(run_visitor(tries_to_get_round_it, &exhibit));
    exhibit_drop(&exhibit);
}
END_TEST

static int forks_and_reads(void *arg)
{
    CHILD_CHECK(child_ok(child_run(reads, arg)));
    CHILD_CHECK(child_ok(child_run(tries_to_change, arg)));
    CHILD_CHECK(child_ok(worker_run(tries_to_get_round_it, arg, NULL)));
    return 0;
}

START_TEST(a_readonly_pool_stays_so_in_forked_children_and_workers)
{
    struct exhibit exhibit = exhibit_new();
    ck_status_ok(run_visitor(forks_and_reads, &exhibit));
    exhibit_drop(&exhibit);
}
END_TEST

struct reading {
    char *block;
    _Atomic int ready;
};

static int waits_for_the_text_to_change(void *arg)
{
    struct reading *reading = arg;
    const volatile char *first = reading->block;
    CHILD_CHECK(*first == 'd');
    atomic_store(&reading->ready, 1);
    while (*first == 'd')
        sched_yield();
    CHILD_CHECK(*first == 'c');
    return 0;
}

START_TEST(a_reader_sees_what_others_write)
{
    struct reading *reading = shared_memory(sizeof *reading);
    struct exhibit exhibit = exhibit_new();
    struct shmpool_grant list[] = {{exhibit.pool, SHMPOOL_RDONLY}};
    struct shmpool_start_options options = {.inherit = list, .n_inherit = 1};
    reading->block = exhibit.block;
    shmpool_worker worker = shmpool_start(waits_for_the_text_to_change, reading, &options);
    ck_ok(worker);
    wait_for(&reading->ready, 1);
    exhibit.block[0] = 'c';
    ck_join_ok(worker);
    exhibit.block[0] = 'd';
    exhibit_drop(&exhibit);
}
END_TEST

TCase *readonly_case(void)
{
    TCase *tcase = contract_case("read-only");
    tcase_add_test(tcase, looking_works_in_a_readonly_pool);
    tcase_add_test(tcase, changing_a_readonly_pool_is_EROFS);
    tcase_add_test(tcase, nothing_is_published_into_a_readonly_pool);
    tcase_add_test(tcase, writing_to_a_readonly_pool_is_a_fault);
    tcase_add_test(tcase, mprotect_and_hole_punching_are_refused);
    tcase_add_test(tcase, a_readonly_pool_stays_so_in_forked_children_and_workers);
    tcase_add_test(tcase, a_reader_sees_what_others_write);
    return tcase;
}
