/* The child that works in the caller's place, and the commitments that are not of files. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backend/anonymous.h"
#include "backend/commit.h"
#include "backend/victim.h"
#include "base/error.h"
#include "support/child.h"
#include "support/leftover.h"
#include "support/proc.h"
#include "support/sanitized.h"

enum { BALLAST = 1 << 16, NOBODY = 65534 };

/* Shared with the child. */
struct seen {
    _Atomic int pid;
    _Atomic int adjustment;
    _Atomic int descriptors[2]; /* whether the two of a pipe are open */
    _Atomic int go;
};

static struct seen *seen;

static void set_up(void)
{
    seen = anonymous_shared(sizeof *seen);
    ck_assert_ptr_nonnull(seen);
    leftover_setup();
}

static void tear_down(void)
{
    siginfo_t info;
    leftover_teardown();
    ck_assert(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL) < 0 && errno == ECHILD);
}

static int look_around(const void *arg)
{
    char text[16] = "";
    int fd = open("/proc/self/oom_score_adj", O_RDONLY);
    if (read(fd, text, sizeof text - 1) > 0)
        atomic_store(&seen->adjustment, atoi(text));
    close(fd);
    atomic_store(&seen->pid, getpid());
    for (int i = 0; i < 2; i++)
        atomic_store(&seen->descriptors[i], fcntl(((const int *)arg)[i], F_GETFD) >= 0);
    return ENOTTY;
}

START_TEST(the_work_is_done_by_a_child_that_offers_itself)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(victim_run(look_around, fds, fds[1], BALLAST), ENOTTY);
    ck_assert_int_ne(atomic_load(&seen->pid), getpid());
    ck_assert_int_eq(atomic_load(&seen->adjustment), 1000);
    ck_assert_int_eq(atomic_load(&seen->descriptors[0]), 0);
    ck_assert_int_eq(atomic_load(&seen->descriptors[1]), 1);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

static int end_by(const void *arg)
{
    return (int)syscall(SYS_kill, getpid(), *(const int *)arg);
}

START_TEST(its_death_is_told)
{
    int number = SIGKILL;
    ck_assert_int_eq(victim_run(end_by, &number, -1, BALLAST), VICTIM_ENDED);
}
END_TEST

static volatile sig_atomic_t n_signals;

static void count(int number)
{
    (void)number;
    n_signals++;
}

static int sleep_a_little(const void *arg)
{
    (void)arg;
    struct timespec time = {0, 20000000};
    return nanosleep(&time, NULL) == 0 ? 0 : errno;
}

START_TEST(signals_are_handled_and_end_nothing)
{
    struct sigaction action = {.sa_handler = count}, before;
    struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    sigaction(SIGALRM, &action, &before);
    setitimer(ITIMER_REAL, &often, NULL);
    int result = 0;
    for (int i = 0; i < 10; i++)
        result |= victim_run(sleep_a_little, NULL, -1, BALLAST);
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
    ck_assert_int_eq(result, 0);
    ck_assert_int_gt(n_signals, 1);
}
END_TEST

START_TEST(the_program_sees_no_child)
{
    static const int handlings[] = {SA_NOCLDWAIT, 0};
    for (int i = 0; i < 2; i++) {
        struct sigaction action = {.sa_handler = count, .sa_flags = handlings[i]}, before;
        n_signals = 0;
        sigaction(SIGCHLD, &action, &before);
        ck_assert_int_eq(victim_run(sleep_a_little, NULL, -1, BALLAST), 0);
        sigaction(SIGCHLD, &before, NULL);
        ck_assert_int_eq(n_signals, 0);
        ck_assert(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    }
}
END_TEST

static _Atomic int n_reaped;

static void *reaps_everything(void *stop)
{
    while (atomic_load((_Atomic int *)stop) == 0)
        if (waitpid(-1, NULL, __WALL) > 0)
            atomic_fetch_add(&n_reaped, 1);
    return NULL;
}

/* What it did is not known then: it may all be done again. */
START_TEST(a_program_that_reaps_all_there_is_may_take_its_status)
{
    pthread_t reaper;
    _Atomic int stop = 0;
    ck_assert_int_eq(pthread_create(&reaper, NULL, reaps_everything, &stop), 0);
    int results[] = {0, 0};
    while (atomic_load(&n_reaped) == 0) {
        int result = victim_run(sleep_a_little, NULL, -1, BALLAST);
        ck_assert(result == 0 || result == VICTIM_NONE);
        results[result == 0]++;
    }
    atomic_store(&stop, 1);
    pthread_join(reaper, NULL);
    ck_assert_int_gt(results[0], 0);
}
END_TEST

static int wait_for_ever(const void *arg)
{
    (void)arg;
    atomic_store(&seen->pid, getpid());
    return pause();
}

static int run_for_ever(void *arg)
{
    return victim_run(wait_for_ever, arg, -1, BALLAST);
}

START_TEST(it_ends_with_its_parent)
{
    pid_t parent = child_start(run_for_ever, NULL);
    while (atomic_load(&seen->pid) == 0)
        sched_yield();
    kill(parent, SIGKILL);
    child_wait(parent);
    while (proc_runs(atomic_load(&seen->pid)))
        sched_yield();
}
END_TEST

static int no_work(const void *arg)
{
    (void)arg;
    return 0;
}

static int run_as_first_victim_itself(void *arg)
{
    (void)arg;
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);
    CHILD_CHECK(write(fd, "900", 3) == 3);
    close(fd);
    CHILD_CHECK(victim_run(no_work, NULL, -1, BALLAST) == VICTIM_NONE);
    return 0;
}

static int run_undumpable(void *arg)
{
    (void)arg;
    CHILD_CHECK(prctl(PR_SET_DUMPABLE, 0) == 0);
    CHILD_CHECK(victim_run(no_work, NULL, -1, BALLAST) == (geteuid() == 0 ? 0 : VICTIM_NONE));
    return 0;
}

static int run_without_processes(void *arg)
{
    (void)arg;
    const struct rlimit none = {0, 0};
    CHILD_CHECK(geteuid() != 0 || setresuid(NOBODY, NOBODY, NOBODY) == 0);
    CHILD_CHECK(setrlimit(RLIMIT_NPROC, &none) == 0);
    CHILD_CHECK(victim_run(no_work, NULL, -1, BALLAST) == VICTIM_NONE);
    return 0;
}

static int run_before_a_new_namespace(void *arg)
{
    (void)arg;
    if (unshare(CLONE_NEWPID) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0)
        return 0;
    CHILD_CHECK(victim_run(no_work, NULL, -1, BALLAST) == VICTIM_NONE);
    return 0;
}

/* The namespace is still to be had by this thread's next child. */
static void *runs_in_a_thread(void *arg)
{
    (void)arg;
    if (unshare(CLONE_NEWPID) != 0)
        return NULL;
    CHILD_CHECK(victim_run(no_work, NULL, -1, BALLAST) == VICTIM_NONE);
    pid_t child = fork();
    CHILD_CHECK(child >= 0);
    if (child == 0)
        _exit(getpid() == 1 ? 0 : 1);
    CHILD_CHECK(child_ok(child_wait(child)));
    return NULL;
}

static int run_in_a_thread_before_a_new_namespace(void *arg)
{
    pthread_t thread;
    if (geteuid() != 0 && unshare(CLONE_NEWUSER) != 0)
        return 0;
    CHILD_CHECK(pthread_create(&thread, NULL, runs_in_a_thread, arg) == 0);
    CHILD_CHECK(pthread_join(thread, NULL) == 0);
    return 0;
}

START_TEST(where_a_child_is_no_shield_nothing_is_done)
{
    ck_child_ok(run_as_first_victim_itself, NULL);
    ck_child_ok(run_undumpable, NULL);
    ck_child_ok(run_without_processes, NULL);
    ck_child_ok(run_before_a_new_namespace, NULL);
    ck_child_ok(run_in_a_thread_before_a_new_namespace, NULL);
}
END_TEST

/* ---- ranges ---- */

static size_t pages(size_t n)
{
    return n * (size_t)sysconf(_SC_PAGESIZE);
}

START_TEST(a_range_is_taken_and_keeps_what_is_there)
{
    unsigned char there[100];
    char *range = anonymous_shared(pages(100));
    ck_assert_ptr_nonnull(range);
    range[pages(50)] = 'x';
    ck_assert_int_eq(commit_range(range, pages(100)), 0);
    ck_assert_int_eq(mincore(range, pages(100), there), 0);
    for (int i = 0; i < 100; i++)
        ck_assert_msg(there[i] & 1, "page %d", i);
    ck_assert_int_eq(range[pages(50)], 'x');
    anonymous_unmap(range, pages(100));
}
END_TEST

START_TEST(a_range_that_cannot_fit_is_an_error)
{
    size_t size = (size_t)1 << (SANITIZED ? 40 : 44); /* the address space of a sanitizer */
    char *range = anonymous_shared(size);
    ck_assert_ptr_nonnull(range);
    ck_assert(commit_range(range, size) == -1 && errno == ENOMEM);
    anonymous_unmap(range, size);
}
END_TEST

static int commits_without_descriptors(void *range)
{
    int lowest = dup(STDIN_FILENO);
    const struct rlimit none = {(rlim_t)lowest, (rlim_t)lowest};
    close(lowest);
    CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    CHILD_CHECK(commit_range(range, pages(100)) == -1 && errno == EMFILE);
    CHILD_CHECK(strstr(error_sentence(), "ulimit -n") != NULL);
    return 0;
}

/* The limits cannot be read then, and beyond them the kernel would end who asks. */
START_TEST(without_a_descriptor_nothing_is_taken_blindly)
{
    unsigned char there[100];
    char *range = anonymous_shared(pages(100));
    ck_assert_ptr_nonnull(range);
    ck_child_ok(commits_without_descriptors, range);
    ck_assert_int_eq(mincore(range, pages(100), there), 0);
    for (int i = 0; i < 100; i++)
        ck_assert_msg((there[i] & 1) == 0, "page %d", i);
    anonymous_unmap(range, pages(100));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("victim");
    TCase *tcase = tcase_create("victim");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, the_work_is_done_by_a_child_that_offers_itself);
    tcase_add_test(tcase, its_death_is_told);
    tcase_add_test(tcase, signals_are_handled_and_end_nothing);
    tcase_add_test(tcase, the_program_sees_no_child);
    tcase_add_test(tcase, a_program_that_reaps_all_there_is_may_take_its_status);
    tcase_add_test(tcase, it_ends_with_its_parent);
    tcase_add_test(tcase, where_a_child_is_no_shield_nothing_is_done);
    tcase_add_test(tcase, a_range_is_taken_and_keeps_what_is_there);
    tcase_add_test(tcase, a_range_that_cannot_fit_is_an_error);
    tcase_add_test(tcase, without_a_descriptor_nothing_is_taken_blindly);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
