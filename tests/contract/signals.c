/* Signals: a handler may call in at any moment, EINTR never comes out, and who is stopped holds
 * nobody up. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract/contract.h"
#include "support/sanitized.h"

enum { N_KEPT = 64 };

/* What the handler works with; it runs in the test's only thread. */
static struct {
    shmpool_id pool;
    char *landmark; /* a block that is always there */
    size_t length;
    suseconds_t period; /* of the storm, microseconds */
    void *kept[N_KEPT]; /* blocks that the handler got and did not free yet */
    int n_kept;
    volatile int n_calls;
    int n_inside; /* that met a call of the thread */
    int n_wrong;
} handler;

static void expect(int right)
{
    handler.n_wrong += !right;
}

/* A call that changes the pool works or is EDEADLK; what it did not do can be done later. */
static void allocate_and_free_in_handler(void)
{
    size_t n = (size_t)handler.n_calls % 50 + 1;
    void *block = shmpool_alloc(handler.pool, pages(n));
    if (block == NULL) {
        handler.n_inside += errno == EDEADLK;
        expect(errno == EDEADLK || errno == ENOSPC);
        return;
    }
    expect(shmpool_size_at(handler.pool, block) == (ssize_t)pages(n));
    if (handler.n_kept < N_KEPT && handler.n_calls % 3 == 0)
        handler.kept[handler.n_kept++] = block;
    else
        expect(shmpool_free(handler.pool, block) == 0);
}

/* The next signal comes so many microseconds after this one was dealt with: the thread gets on in
 * between, however slow it is. */
static void set_alarm(suseconds_t delay)
{
    const struct itimerval timer = {{0, 0}, {0, delay}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void on_alarm(int number)
{
    int code = errno;
    (void)number;
    handler.n_calls++;
    allocate_and_free_in_handler();
    if (handler.n_kept > 0 && shmpool_free(handler.pool, handler.kept[handler.n_kept - 1]) == 0)
        handler.n_kept--;
    expect(shmpool_size_at(handler.pool, handler.landmark) == (ssize_t)pages(handler.length));
    expect(shmpool_of(handler.landmark) == handler.pool);
    set_alarm(handler.period);
    errno = code;
}

static void count_only(int number)
{
    (void)number;
    handler.n_calls++;
    set_alarm(handler.period);
}

/* Without SA_RESTART. */
static void storm_start(void (*function)(int), suseconds_t period)
{
    struct sigaction action = {.sa_handler = function};
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    handler.period = period;
    set_alarm(period);
}

static void storm_stop(void)
{
    signal(SIGALRM, SIG_IGN);
    set_alarm(0);
    signal(SIGALRM, SIG_DFL);
}

static void handler_begin(size_t n_pages)
{
    handler.pool = pool_new(n_pages);
    handler.length = 70;
    handler.landmark = shmpool_alloc(handler.pool, pages(handler.length));
    ck_assert_ptr_nonnull(handler.landmark);
}

static void handler_end(void)
{
    ck_assert_int_gt(handler.n_calls, 0);
    ck_assert_int_eq(handler.n_wrong, 0);
    while (handler.n_kept > 0)
        ck_ok(shmpool_free(handler.pool, handler.kept[--handler.n_kept]));
    ck_ok(shmpool_free(handler.pool, handler.landmark));
    ck_pool_is_whole(handler.pool);
    pool_drop(handler.pool);
}

START_TEST(a_handler_may_call_in_at_any_moment)
{
    handler_begin(1000);
    storm_start(on_alarm, 20);
    for (size_t i = 0; handler.n_calls < 5000; i++) {
        char *one = shmpool_alloc(handler.pool, pages(i % 100 + 1));
        char *two = shmpool_alloc(handler.pool, 1);
        ck_quiet(one != NULL && two != NULL);
        one[pages(i % 100 + 1) - 1] = 1;
        ck_ok(shmpool_free(handler.pool, one));
        ck_ok(shmpool_free(handler.pool, two));
    }
    storm_stop();
    handler_end();
}
END_TEST

START_TEST(a_handler_may_meet_publish_recover_and_reclaim)
{
    handler_begin(1000);
    void **table = shmpool_alloc(handler.pool, 1);
    ck_assert_ptr_nonnull(table);
    storm_start(on_alarm, 50);
    while (handler.n_calls < 1000) {
        void *block = shmpool_alloc(handler.pool, pages(40));
        ck_quiet(block != NULL);
        *table = NULL;
        ck_ok(shmpool_publish(handler.pool, block, table));
        ck_ok(shmpool_recover(handler.pool));
        ck_quiet(shmpool_reclaim(handler.pool, 0) == 0);
        ck_ok(shmpool_free(handler.pool, block));
    }
    storm_stop();
    ck_ok(shmpool_free(handler.pool, table));
    handler_end();
}
END_TEST

static int lives_a_moment(void *arg)
{
    (void)arg;
    signal(SIGALRM, SIG_DFL);
    usleep(3000);
    return 7;
}

START_TEST(EINTR_never_comes_out)
{
    handler.n_calls = 0;
    storm_start(count_only, 100);
    for (int i = 0; i < 100; i++) {
        int status = 0;
        struct shmpool_options options = {.flags = i % 2 == 0 ? SHMPOOL_COMMIT : 0};
        shmpool_id pool = shmpool_create(pages(2000), &options);
        ck_ok(pool);
        shmpool_worker worker = shmpool_start(lives_a_moment, NULL, NULL);
        ck_ok(worker);
        ck_ok(shmpool_join(worker, &status, i % 3 == 0 ? 30000 : -1));
        ck_quiet(WIFEXITED(status) && WEXITSTATUS(status) == 7);
        if (backend()->has_names)
            ck_quiet(shmpool_open(shmpool_name(pool), 0) == pool);
        pool_drop(pool);
    }
    storm_stop();
    ck_assert_int_gt(handler.n_calls, 0);
}
END_TEST

START_TEST(signals_do_not_shorten_a_time_limit)
{
    shmpool_worker worker = shmpool_start(child_sleep, NULL, NULL);
    storm_start(count_only, 1000);
    ck_fails(shmpool_join(worker, NULL, 50), ETIMEDOUT);
    ck_assert_int_gt(handler.n_calls, 0);
    storm_stop();
    ck_ok(shmpool_kill(worker, SIGKILL));
    worker_join(worker);
}
END_TEST

static void ck_mask(void)
{
    sigset_t now;
    CHILD_CHECK(sigprocmask(SIG_SETMASK, NULL, &now) == 0);
    CHILD_CHECK(sigismember(&now, SIGUSR1) == 1);
    CHILD_CHECK(sigismember(&now, SIGTERM) == 0 && sigismember(&now, SIGALRM) == 0);
}

static int has_the_starters_mask(void *arg)
{
    (void)arg;
    ck_mask();
    return 0;
}

START_TEST(the_signal_mask_is_left_as_it_was)
{
    struct shmpool_options options = {.flags = SHMPOOL_COMMIT};
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    ck_assert_int_eq(sigprocmask(SIG_SETMASK, &mask, NULL), 0);
    shmpool_id pool = shmpool_create(pages(10), &options);
    ck_ok(pool);
    ck_mask();
    ck_worker_ok(has_the_starters_mask, NULL, NULL);
    ck_mask();
    pool_drop(pool);
    ck_mask();
}
END_TEST

struct busy {
    shmpool_id pool;
    _Atomic int steps;
};

static int works_for_ever(void *arg)
{
    struct busy *busy = arg;
    for (size_t n = 1;; n = n % 90 + 1) {
        void *block = shmpool_alloc(busy->pool, pages(n));
        CHILD_CHECK(block != NULL && shmpool_free(busy->pool, block) == 0);
        atomic_fetch_add(&busy->steps, 1);
    }
}

/* All lengths, while the other one stands still wherever it was. */
static void ck_room_for_all(shmpool_id pool)
{
    for (size_t n = 1; n <= 100; n++) {
        void *block = shmpool_alloc(pool, pages(n));
        ck_quiet(block != NULL);
        ck_ok(shmpool_free(pool, block));
    }
    ck_quiet(shmpool_check(pool, stderr) == 0);
    ck_quiet(stats_of(pool).blocks <= 1);
}

static void wait_until_stopped(pid_t pid)
{
    siginfo_t info;
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0);
}

START_TEST(a_stopped_member_holds_nobody_up)
{
    struct busy *busy = shared_memory(sizeof *busy);
    busy->pool = pool_new(1000);
    shmpool_worker worker = shmpool_start(works_for_ever, busy, NULL);
    pid_t pid = shmpool_worker_pid(worker);
    for (int i = 0; i < 100; i++) {
        wait_for(&busy->steps, atomic_load(&busy->steps) + 1);
        ck_ok(shmpool_kill(worker, SIGSTOP));
        wait_until_stopped(pid);
        ck_room_for_all(busy->pool);
        if (i % 10 == 0)
            ck_quiet(shmpool_reclaim(busy->pool, pid) < 0 && errno == EBUSY);
        ck_fails(shmpool_join(worker, NULL, 0), EAGAIN);
        if (i < 99)
            ck_ok(shmpool_kill(worker, SIGCONT));
    }
    ck_ok(shmpool_kill(worker, SIGKILL));
    ck_assert(WIFSIGNALED(worker_join(worker)));
    ck_quiet(shmpool_reclaim(busy->pool, pid) >= 0);
    ck_pool_is_whole(busy->pool);
    pool_drop(busy->pool);
}
END_TEST

#ifdef __x86_64__
static struct {
    shmpool_id pool;
    int steps;
    int allocated;
    int wrong;
} trapped;

/* Whoever has got a block is a member. */
static void allocates_in_a_trap(int signal)
{
    struct shmpool_stats stats;
    int saved = errno;
    (void)signal;
    trapped.steps++;
    void *block = shmpool_alloc(trapped.pool, 1);
    if (block != NULL) {
        trapped.allocated++;
        trapped.wrong += shmpool_stats(trapped.pool, &stats) != 0 || stats.members == 0;
        trapped.wrong += shmpool_free(trapped.pool, block) != 0;
    } else {
        trapped.wrong += errno != EDEADLK;
    }
    errno = saved;
}

/* From one to the other there is a trap at each instruction of the thread. */
static void begins_to_step(void *unused)
{
    (void)unused;
    __asm__ volatile("pushfq; orl $0x100,(%%rsp); popfq" ::: "memory", "cc");
}

static void steps_no_more(void *unused)
{
    (void)unused;
    __asm__ volatile("pushfq; andl $~0x100,(%%rsp); popfq" ::: "memory", "cc");
}

/* Destructors run in the order in which their keys were made: the library's between these. */
static pthread_key_t older_key;
static pthread_key_t younger_key;

__attribute__((constructor)) static void make_older_key(void)
{
    pthread_key_create(&older_key, begins_to_step);
}

static void *ends_as_a_member(void *arg)
{
    ck_ok(shmpool_free(trapped.pool, shmpool_alloc(trapped.pool, 1)));
    pthread_setspecific(older_key, &trapped);
    pthread_setspecific(younger_key, &trapped);
    return arg;
}

static int ends_a_thread_under_traps(void *arg)
{
    struct sigaction action = {.sa_handler = allocates_in_a_trap};
    pthread_t thread;
    CHILD_CHECK(sigaction(SIGTRAP, &action, NULL) == 0);
    CHILD_CHECK(pthread_create(&thread, NULL, ends_as_a_member, arg) == 0);
    CHILD_CHECK(pthread_join(thread, NULL) == 0);
    CHILD_CHECK(trapped.steps > 100 && trapped.allocated > 0 && trapped.wrong == 0);
    CHILD_CHECK(shmpool_check(trapped.pool, stderr) == 0);
    return 0;
}

START_TEST(a_handler_may_come_while_its_thread_ends)
{
    trapped.pool = pool_new(10);
    ck_assert_int_eq(pthread_key_create(&younger_key, steps_no_more), 0);
    ck_child_ok(ends_a_thread_under_traps, NULL);
    pool_drop(trapped.pool);
}
END_TEST
#endif

TCase *signals_case(void)
{
    TCase *tcase = contract_case("signals");
    tcase_add_test(tcase, a_handler_may_call_in_at_any_moment);
    tcase_add_test(tcase, a_handler_may_meet_publish_recover_and_reclaim);
    tcase_add_test(tcase, EINTR_never_comes_out);
    tcase_add_test(tcase, signals_do_not_shorten_a_time_limit);
    tcase_add_test(tcase, the_signal_mask_is_left_as_it_was);
    tcase_add_test(tcase, a_stopped_member_holds_nobody_up);
#ifdef __x86_64__
    if (!SANITIZED)
        tcase_add_test(tcase, a_handler_may_come_while_its_thread_ends);
#endif
    return tcase;
}
