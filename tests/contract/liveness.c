/* Who lives is never taken for dead: what a process is in may look like an end, or its pid may be
 * another one's too. In doubt it is alive, and its blocks are its own. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "contract/contract.h"
#include "support/filter.h"
#include "support/namespace.h"

enum { N_PAGES = 40, SOME_PID = 4242 };

struct life {
    shmpool_id pool;
    pid_t pid;
    bool without_pidfd; /* the judge has a kernel without pidfds */
    _Atomic int ready;
    _Atomic int go;
};

static struct life *life_new(void)
{
    struct life *life = shared_memory(sizeof *life);
    life->pool = pool_new(400);
    return life;
}

static void take_blocks(struct life *life)
{
    void *block = shmpool_alloc(life->pool, pages(N_PAGES));
    CHILD_CHECK(block != NULL);
    atomic_fetch_add(&life->ready, 1);
}

/* ---- processes that look as if they had ended ---- */

static int finds_it_alive(void *arg)
{
    const struct life *life = arg;
    if (life->without_pidfd)
        CHILD_CHECK(filter_syscall(SYS_pidfd_open, ENOSYS) == 0);
    CHILD_FAILS(shmpool_reclaim(life->pool, life->pid), EBUSY);
    CHILD_CHECK(shmpool_reclaim(life->pool, 0) == 0);
    CHILD_CHECK(shmpool_recover(life->pool) == 0);
    struct shmpool_stats stats;
    CHILD_CHECK(shmpool_stats(life->pool, &stats) == 0 && stats.blocks == 1);
    return 0;
}

static void ck_alive(struct life *life)
{
    for (int i = 0; i < 2; i++) {
        life->without_pidfd = i == 1;
        ck_child_ok(finds_it_alive, life);
    }
}

static void kill_and_reclaim(struct life *life)
{
    kill(life->pid, SIGKILL);
    child_wait(life->pid);
    ck_assert_int_eq(shmpool_reclaim(life->pool, life->pid), (ssize_t)pages(N_PAGES));
    ck_pool_is_whole(life->pool);
    pool_drop(life->pool);
}

static void *outlives_the_first_thread(void *arg)
{
    struct life *life = arg;
    wait_for(&life->go, 1);
    void *block = shmpool_alloc(life->pool, pages(N_PAGES));
    CHILD_CHECK(block != NULL && shmpool_free(life->pool, block) == 0);
    atomic_store(&life->ready, 2);
    child_sleep(NULL);
    return NULL;
}

static int ends_its_first_thread(void *arg)
{
    struct life *life = arg;
    pthread_t thread;
    CHILD_CHECK(pthread_create(&thread, NULL, outlives_the_first_thread, life) == 0);
    take_blocks(life);
    pthread_exit(NULL);
}

START_TEST(a_process_whose_first_thread_ended_is_alive)
{
    struct life *life = life_new();
    life->pid = child_start(ends_its_first_thread, life);
    wait_for(&life->ready, 1);
    while (proc_runs(life->pid))
        sched_yield();
    ck_alive(life);
    atomic_store(&life->go, 1);
    wait_for(&life->ready, 2);
    ck_alive(life);
    kill_and_reclaim(life);
}
END_TEST

static int takes_and_sleeps(void *arg)
{
    take_blocks(arg);
    return child_sleep(NULL);
}

START_TEST(a_stopped_process_is_alive)
{
    struct life *life = life_new();
    int status;
    life->pid = child_start(takes_and_sleeps, life);
    wait_for(&life->ready, 1);
    kill(life->pid, SIGSTOP);
    ck_assert_int_eq(waitpid(life->pid, &status, WUNTRACED), life->pid);
    ck_assert(WIFSTOPPED(status));
    ck_alive(life);
    kill_and_reclaim(life);
}
END_TEST

struct exec_life {
    struct life *life;
    int pipe[2];
};

static int becomes_another_program(void *arg)
{
    struct exec_life *exec_life = arg;
    take_blocks(exec_life->life);
    close(exec_life->pipe[0]);
    execlp("sleep", "sleep", "60", (char *)NULL);
    return 1;
}

/* The descriptor that an exec closes tells that it has happened. */
START_TEST(a_process_that_became_another_program_is_alive_until_it_ends)
{
    struct exec_life exec_life = {.life = life_new()};
    char byte;
    ck_assert_int_eq(pipe2(exec_life.pipe, O_CLOEXEC), 0);
    exec_life.life->pid = child_start(becomes_another_program, &exec_life);
    close(exec_life.pipe[1]);
    ck_assert_int_eq(read(exec_life.pipe[0], &byte, 1), 0);
    close(exec_life.pipe[0]);
    ck_alive(exec_life.life);
    kill_and_reclaim(exec_life.life);
}
END_TEST

/* ---- pids of more than one process ---- */

/* Processes that begin in one tick of the clock are not told apart. */
static void let_ticks_pass(void)
{
    const struct timespec ticks = {.tv_nsec = 50 * 1000 * 1000};
    nanosleep(&ticks, NULL);
}

static pid_t start_and_wait(struct life *life, child_body *body)
{
    int before = atomic_load(&life->ready);
    pid_t pid = namespace_start_as(SOME_PID, body, life);
    wait_for(&life->ready, before + 1);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    child_wait(pid);
}

static int uses_a_pid_again(void *arg)
{
    struct life *life = arg;
    end(start_and_wait(life, takes_and_sleeps));
    let_ticks_pass();
    CHILD_CHECK(start_and_wait(life, takes_and_sleeps) == SOME_PID);
    CHILD_CHECK(shmpool_reclaim(life->pool, 0) == (ssize_t)pages(N_PAGES));
    CHILD_FAILS(shmpool_reclaim(life->pool, SOME_PID), EBUSY);
    CHILD_CHECK(shmpool_reclaim(life->pool, 0) == 0);
    end(SOME_PID);
    CHILD_CHECK(shmpool_reclaim(life->pool, SOME_PID) == (ssize_t)pages(N_PAGES));
    return shmpool_check(life->pool, stderr);
}

START_TEST(a_dead_process_is_dead_though_its_pid_is_used_again)
{
    struct life *life = life_new();
    ck_status_ok(namespace_run(true, uses_a_pid_again, life));
    ck_pool_is_whole(life->pool);
    pool_drop(life->pool);
}
END_TEST

static int looks_at_namesakes(void *arg)
{
    struct life *life = arg;
    CHILD_CHECK(getpid() == 1);
    take_blocks(life);
    wait_for(&life->ready, 2);
    CHILD_CHECK(shmpool_reclaim(life->pool, 0) == 0);
    CHILD_FAILS(shmpool_reclaim(life->pool, 1), EBUSY);
    CHILD_CHECK(shmpool_recover(life->pool) == 0);
    atomic_fetch_add(&life->go, 1);
    wait_for(&life->go, 2);
    return 0;
}

static int runs_looking_at_its_own_proc(void *life)
{
    CHILD_CHECK(child_ok(namespace_run(true, looks_at_namesakes, life)));
    return 0;
}

static int runs_looking_at_another_proc(void *life)
{
    CHILD_CHECK(child_ok(namespace_run(false, looks_at_namesakes, life)));
    return 0;
}

/* Both are process 1, and neither can look at the other: they are alive for each other, and, for
 * nobody sees their end from outside, for all others and for ever. */
START_TEST(processes_of_one_pid_in_two_namespaces_are_alive_for_each_other)
{
    struct life *life = life_new();
    pid_t one = child_start(runs_looking_at_its_own_proc, life);
    pid_t two =
        child_start(_i == 0 ? runs_looking_at_its_own_proc : runs_looking_at_another_proc, life);
    ck_status_ok(child_wait(one));
    ck_status_ok(child_wait(two));
    ck_assert_int_eq(shmpool_reclaim(life->pool, 0), 0);
    ck_assert_uint_eq(stats_of(life->pool).blocks, (size_t)atomic_load(&life->ready));
    pool_drop(life->pool);
}
END_TEST

static int looks_with_the_outer_proc(void *arg)
{
    struct life *life = arg;
    start_and_wait(life, takes_and_sleeps);
    wait_for(&life->go, 1);
    CHILD_FAILS(shmpool_reclaim(life->pool, SOME_PID), EBUSY);
    CHILD_CHECK(shmpool_reclaim(life->pool, 0) == 0);
    end(SOME_PID);
    CHILD_CHECK(shmpool_reclaim(life->pool, SOME_PID) == (ssize_t)pages(N_PAGES));
    return 0;
}

static int runs_inside(void *life)
{
    CHILD_CHECK(child_ok(namespace_run(false, looks_with_the_outer_proc, life)));
    return 0;
}

static int uses_an_outer_pid_again(void *arg)
{
    struct life *life = arg;
    pid_t namesake = namespace_start_as(SOME_PID, child_sleep, NULL);
    pid_t inside = child_start(runs_inside, life);
    wait_for(&life->ready, 1);
    end(namesake);
    let_ticks_pass();
    CHILD_CHECK(namespace_start_as(SOME_PID, child_sleep, NULL) == SOME_PID);
    atomic_store(&life->go, 1);
    CHILD_CHECK(child_ok(child_wait(inside)));
    end(SOME_PID);
    return 0;
}

/* In a namespace that has no /proc of its own, what that says of a pid is said of another process:
 * here of one that ends, and of its successor. */
START_TEST(a_process_is_not_dead_because_another_namespaces_proc_says_so)
{
    struct life *life = life_new();
    ck_status_ok(namespace_run(true, uses_an_outer_pid_again, life));
    ck_pool_is_whole(life->pool);
    pool_drop(life->pool);
}
END_TEST

TCase *liveness_case(void)
{
    TCase *tcase = contract_case("liveness");
    tcase_add_test(tcase, a_process_whose_first_thread_ended_is_alive);
    tcase_add_test(tcase, a_stopped_process_is_alive);
    tcase_add_test(tcase, a_process_that_became_another_program_is_alive_until_it_ends);
    tcase_add_test(tcase, a_dead_process_is_dead_though_its_pid_is_used_again);
    tcase_add_loop_test(tcase, processes_of_one_pid_in_two_namespaces_are_alive_for_each_other, 0,
                        2);
    tcase_add_test(tcase, a_process_is_not_dead_because_another_namespaces_proc_says_so);
    return tcase;
}
