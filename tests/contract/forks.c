/* Plain forks, of any kind: the child has everything and is a member of its own at once. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract/contract.h"
#include "support/sanitized.h"

struct inheritance {
    shmpool_id pool;
    char *block;
    char *childs; /* what the child allocated */
};

static int works_at_once(void *arg)
{
    struct inheritance *inheritance = arg;
    shmpool_id pool = inheritance->pool;
    CHILD_CHECK(strcmp(inheritance->block, "from the parent") == 0);
    for (size_t n = 1; n <= 40; n++) {
        char *block = shmpool_alloc(pool, pages(n));
        CHILD_CHECK(block != NULL);
        block[pages(n) - 1] = 1;
        CHILD_CHECK(shmpool_size_at(pool, block) == (ssize_t)pages(n));
        CHILD_CHECK(shmpool_free(pool, block) == 0);
    }
    CHILD_FAILS(shmpool_free(pool, NULL), ENOENT);
    return 0;
}

static struct inheritance *inheritance_new(size_t n_pages)
{
    struct inheritance *inheritance = shared_memory(sizeof *inheritance);
    inheritance->pool = pool_new(n_pages);
    inheritance->block = shmpool_alloc(inheritance->pool, 1);
    strcpy(inheritance->block, "from the parent");
    return inheritance;
}

START_TEST(a_forked_child_inherits_everything_and_works_at_once)
{
    struct inheritance *inheritance = inheritance_new(100);
    for (int i = 0; i < 50; i++)
        ck_child_ok(works_at_once, inheritance);
    ck_assert_int_eq(shmpool_check(inheritance->pool, stderr), 0);
    ck_assert_uint_eq(stats_of(inheritance->pool).blocks, 1);
    pool_drop(inheritance->pool);
}
END_TEST

static int allocates_for_others(void *arg)
{
    struct inheritance *inheritance = arg;
    inheritance->childs = shmpool_alloc(inheritance->pool, pages(3));
    CHILD_CHECK(inheritance->childs != NULL);
    CHILD_CHECK(shmpool_free(inheritance->pool, inheritance->block) == 0);
    return 0;
}

START_TEST(blocks_may_be_freed_by_another_process)
{
    struct inheritance *inheritance = inheritance_new(100);
    ck_child_ok(allocates_for_others, inheritance);
    ck_fails(shmpool_size_at(inheritance->pool, inheritance->block), ENOENT);
    ck_ok(shmpool_free(inheritance->pool, inheritance->childs));
    ck_pool_is_whole(inheritance->pool);
    pool_drop(inheritance->pool);
}
END_TEST

/* The kinds of fork; pthread_atfork handlers run in the first one only. */
static pid_t fork_by_clone(void)
{
    return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static pid_t fork_by_clone3(void)
{
    struct {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    } arguments = {.exit_signal = SIGCHLD};
    return (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
}

static pid_t (*const kinds[])(void) = {fork, _Fork, fork_by_clone, fork_by_clone3};

enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

static pid_t fork_and_allocate(pid_t (*kind)(void), struct inheritance *inheritance)
{
    pid_t child = kind();
    if (child != 0)
        return child;
    inheritance->childs = shmpool_alloc(inheritance->pool, pages(5));
    _exit(inheritance->childs != NULL ? 0 : 1);
}

START_TEST(after_any_kind_of_fork_the_child_owns_what_it_allocates)
{
    struct inheritance *inheritance = inheritance_new(100);
    pid_t child = fork_and_allocate(kinds[_i], inheritance);
    ck_assert_int_gt(child, 0);
    ck_status_ok(child_wait(child));
    ck_assert_int_eq(shmpool_size_at(inheritance->pool, inheritance->childs), (ssize_t)pages(5));
    ck_assert_int_eq(shmpool_reclaim(inheritance->pool, child), (ssize_t)pages(5));
    ck_fails(shmpool_size_at(inheritance->pool, inheritance->childs), ENOENT);
    ck_assert_int_eq(shmpool_size_at(inheritance->pool, inheritance->block), (ssize_t)page());
    pool_drop(inheritance->pool);
}
END_TEST

START_TEST(the_parents_blocks_stay_its_own_when_a_child_dies)
{
    struct inheritance *inheritance = inheritance_new(100);
    pid_t child = child_start(child_sleep, NULL);
    kill(child, SIGKILL);
    child_wait(child);
    ck_assert_int_eq(shmpool_reclaim(inheritance->pool, child), 0);
    ck_assert_int_eq(shmpool_reclaim(inheritance->pool, 0), 0);
    ck_assert_int_eq(shmpool_size_at(inheritance->pool, inheritance->block), (ssize_t)page());
    pool_drop(inheritance->pool);
}
END_TEST

static int creates_one_more(void *arg)
{
    struct inheritance *inheritance = arg;
    shmpool_id pool = shmpool_create(page(), NULL);
    CHILD_CHECK(pool > 0 && pool != inheritance->pool);
    CHILD_CHECK(shmpool_unlink(pool) == 0);
    CHILD_CHECK(shmpool_release(pool) == 0);
    CHILD_CHECK(child_ok(worker_run(works_at_once, inheritance, NULL)));
    return 0;
}

START_TEST(a_forked_child_creates_pools_and_starts_workers)
{
    struct inheritance *inheritance = inheritance_new(100);
    ck_child_ok(creates_one_more, inheritance);
    ck_worker_ok(creates_one_more, inheritance, NULL);
    pool_drop(inheritance->pool);
}
END_TEST

enum { N_THREADS = 16 };

struct crowd {
    struct inheritance *inheritance;
    pthread_t threads[N_THREADS];
    _Atomic int running;
    _Atomic int stop;
};

static void *works_without_pause(void *arg)
{
    struct crowd *crowd = arg;
    shmpool_id pool = crowd->inheritance->pool;
    atomic_fetch_add(&crowd->running, 1);
    for (size_t n = 1; atomic_load(&crowd->stop) == 0; n = n % 70 + 1) {
        void *block = shmpool_alloc(pool, pages(n));
        if (block == NULL || shmpool_free(pool, block) != 0)
            abort();
    }
    return NULL;
}

static void crowd_start(struct crowd *crowd)
{
    for (int i = 0; i < N_THREADS; i++)
        ck_assert_int_eq(pthread_create(&crowd->threads[i], NULL, works_without_pause, crowd), 0);
    wait_for(&crowd->running, N_THREADS);
}

static void crowd_stop(struct crowd *crowd)
{
    atomic_store(&crowd->stop, 1);
    for (int i = 0; i < N_THREADS; i++)
        pthread_join(crowd->threads[i], NULL);
}

/* What the threads held when a child was forked, or a worker started, is theirs alone. */
static void ck_only_the_first_block_is_left(struct inheritance *inheritance)
{
    ck_assert_int_eq(shmpool_check(inheritance->pool, stderr), 0);
    ck_assert_uint_eq(stats_of(inheritance->pool).blocks, 1);
    ck_ok(shmpool_free(inheritance->pool, inheritance->block));
    ck_pool_is_whole(inheritance->pool);
    pool_drop(inheritance->pool);
}

static pid_t fork_and_work(pid_t (*kind)(void), struct inheritance *inheritance)
{
    pid_t child = kind();
    if (child != 0)
        return child;
    _exit(works_at_once(inheritance));
}

START_TEST(a_busy_process_can_fork_at_any_moment)
{
    struct crowd crowd = {.inheritance = inheritance_new(2000)};
    crowd_start(&crowd);
    for (int i = 0; i < 20; i++) {
        pid_t child = fork_and_work(kinds[_i], crowd.inheritance);
        ck_quiet(child > 0);
        ck_status_ok(child_wait(child));
    }
    crowd_stop(&crowd);
    ck_only_the_first_block_is_left(crowd.inheritance);
}
END_TEST

/* The ways to another program; until it is there the child is in its parent's memory. */
static pid_t by_posix_spawn(void)
{
    char name[] = "true";
    char *arguments[] = {name, NULL};
    pid_t child;
    return posix_spawnp(&child, name, NULL, NULL, arguments, environ) == 0 ? child : -1;
}

static pid_t by_vfork(void)
{
    pid_t child = vfork();
    if (child != 0)
        return child;
    execlp("true", "true", (char *)NULL);
    _exit(1);
}

static pid_t (*const ways[])(void) = {by_posix_spawn, by_vfork};

enum { N_WAYS = sizeof ways / sizeof ways[0] };

START_TEST(a_busy_process_can_run_programs_at_any_moment)
{
    struct crowd crowd = {.inheritance = inheritance_new(2000)};
    crowd_start(&crowd);
    for (int i = 0; i < 20; i++) {
        pid_t child = ways[_i]();
        ck_quiet(child > 0);
        ck_status_ok(child_wait(child));
    }
    crowd_stop(&crowd);
    ck_only_the_first_block_is_left(crowd.inheritance);
}
END_TEST

START_TEST(a_busy_process_can_start_workers_at_any_moment)
{
    struct crowd crowd = {.inheritance = inheritance_new(2000)};
    shmpool_id other = pool_new(10);
    struct shmpool_grant list[] = {{crowd.inheritance->pool, 0}};
    struct shmpool_start_options options = {.inherit = list, .n_inherit = 1};
    crowd_start(&crowd);
    for (int i = 0; i < 50; i++)
        ck_worker_ok(works_at_once, crowd.inheritance, i % 2 == 0 ? &options : NULL);
    crowd_stop(&crowd);
    pool_drop(other);
    ck_only_the_first_block_is_left(crowd.inheritance);
}
END_TEST

static void *creates_for_ever(void *arg)
{
    const struct shmpool_options options = {.flags = SHMPOOL_COMMIT};
    _Atomic int *stop = arg;
    while (atomic_load(stop) == 0) {
        shmpool_id pool = shmpool_create(4000 * page(), &options);
        ck_quiet(pool > 0);
        ck_ok(shmpool_unlink(pool));
        ck_ok(shmpool_release(pool));
    }
    return NULL;
}

/* A thread of the child's, perhaps on the stack of the one that created. The thread sanitizer knows
 * one thread a stack, be it the parent's. */
static void *writes_on_its_stack(void *arg)
{
    volatile char bytes[40000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = 0x41;
    return bytes[sizeof bytes - 1] == 0x41 ? arg : NULL;
}

static int returns_7(void *arg)
{
    (void)arg;
    return 7;
}

static int starts_a_worker(void *arg)
{
    pthread_t thread;
    if (!SANITIZED) {
        CHILD_CHECK(pthread_create(&thread, NULL, writes_on_its_stack, arg) == 0);
        CHILD_CHECK(pthread_join(thread, NULL) == 0);
    }
    return WEXITSTATUS(worker_run(returns_7, NULL, NULL)) == 7 ? 0 : 1;
}

START_TEST(a_process_can_fork_while_a_thread_creates_a_pool)
{
    _Atomic int stop = 0;
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, creates_for_ever, &stop), 0);
    for (int i = 0; i < 20; i++) {
        usleep((useconds_t)(i * 300));
        ck_child_ok(starts_a_worker, NULL);
    }
    atomic_store(&stop, 1);
    pthread_join(thread, NULL);
}
END_TEST

TCase *forks_case(void)
{
    TCase *tcase = contract_case("forks");
    tcase_add_test(tcase, a_forked_child_inherits_everything_and_works_at_once);
    tcase_add_test(tcase, blocks_may_be_freed_by_another_process);
    tcase_add_loop_test(tcase, after_any_kind_of_fork_the_child_owns_what_it_allocates, 0, N_KINDS);
    tcase_add_test(tcase, the_parents_blocks_stay_its_own_when_a_child_dies);
    tcase_add_test(tcase, a_forked_child_creates_pools_and_starts_workers);
    tcase_add_test(tcase, a_process_can_fork_while_a_thread_creates_a_pool);
    tcase_add_loop_test(tcase, a_busy_process_can_fork_at_any_moment, 0, SANITIZED ? 1 : N_KINDS);
    tcase_add_loop_test(tcase, a_busy_process_can_run_programs_at_any_moment, 0, N_WAYS);
    tcase_add_test(tcase, a_busy_process_can_start_workers_at_any_moment);
    return tcase;
}
