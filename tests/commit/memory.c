/* Memory itself runs short: the machine's, as /proc/meminfo tells it. Where that says that there is
 * little, the library takes memory in a child, which is killed here at random moments, as the
 * kernel would do it. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commit/commit.h"
#include "support/random.h"
#include "support/sanitized.h"

#define MIB ((size_t)1 << 20)

/* More than a machine has, and as much as a sanitizer leaves addresses for. */
static int ask_for_everything(void *arg)
{
    const size_t size = (size_t)1 << (SANITIZED ? 39 : 44);
    char bytes[40];
    (void)arg;
    snprintf(bytes, sizeof bytes, "%zu bytes", size);
    CHILD_CHECK(attempt(page(), 0, NULL) == MADE);
    struct state before = state_now(false);
    for (int i = 0; i < 20; i++)
        CHILD_CHECK(attempt(size, 0, "of which") == REFUSED);
    CHILD_CHECK(strstr(shmpool_errmsg(), bytes) != NULL);
    check_same(&before, false);
    return 0;
}

START_TEST(what_can_never_fit_is_refused_before_anything_is_taken)
{
    ck_child_ok(ask_for_everything, NULL);
}
END_TEST

static volatile sig_atomic_t n_child_signals;

static void count_child_signal(int number)
{
    (void)number;
    n_child_signals++;
}

/* The program has a child of its own and waits for any: it never gets another. */
static int create_with_little_memory(void *arg)
{
    (void)arg;
    unsigned n[2] = {0, 0};
    struct sigaction action = {.sa_handler = count_child_signal};
    if (!own_folder("size=64m") || !own_meminfo(1024 * MIB, 8 * MIB))
        return 0;
    struct random random = random_stream(random_seed(), 20);
    CHILD_CHECK(attempt(page(), 0, NULL) == MADE);
    struct state before = state_now(true);
    pid_t child = child_start(child_sleep, NULL);
    CHILD_CHECK(sigaction(SIGCHLD, &action, NULL) == 0);
    for (int i = 0; i < 1000; i++) {
        n[attempt(random_between(&random, 1, 6 * MIB), ENOMEM, "are free for it")]++;
        CHILD_CHECK(waitpid(-1, NULL, WNOHANG) == 0);
    }
    CHILD_CHECK(n[MADE] > 0 && n[REFUSED] > 0 && n_child_signals == 0);
    kill(child, SIGKILL);
    CHILD_CHECK(waitpid(-1, NULL, 0) == child);
    check_same(&before, true);
    return 0;
}

START_TEST(little_memory_is_an_error_and_the_program_sees_no_child)
{
    ck_child_ok(create_with_little_memory, NULL);
}
END_TEST

/* Where no process is left, the caller takes the memory itself and keeps away from the limit. */
static int create_without_processes(void *arg)
{
    (void)arg;
    unsigned n[2] = {0, 0};
    const struct rlimit none = {0, 0};
    if (!own_folder("size=64m,mode=1777") || !own_meminfo(1024 * MIB, 16 * MIB))
        return 0;
    CHILD_CHECK(geteuid() != 0 || setresuid(65534, 65534, 65534) == 0);
    CHILD_CHECK(setrlimit(RLIMIT_NPROC, &none) == 0);
    CHILD_CHECK(attempt(page(), 0, NULL) == MADE);
    struct state before = state_now(true);
    for (size_t i = 0; i < 120; i++)
        n[attempt((i % 12 + 1) * MIB, ENOMEM, "memory has no room for ")]++;
    CHILD_CHECK(n[MADE] > 0);
    check_same(&before, true);
    return 0;
}

START_TEST(without_processes_memory_is_taken_with_care)
{
    ck_child_ok(create_without_processes, NULL);
}
END_TEST

/* ---- the child is killed ---- */

static _Atomic int killing;
static _Atomic unsigned n_killed;

/* The first child of the process, by the kernel's word; 0 when there is none. */
static pid_t find_child(void)
{
    char path[64];
    int child = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "re");
    CHILD_CHECK(file != NULL);
    if (fscanf(file, "%d", &child) != 1)
        child = 0;
    fclose(file);
    return child;
}

static void *kill_children(void *arg)
{
    struct random random = random_stream(random_seed(), 21);
    while (atomic_load(&killing)) {
        pid_t child = find_child();
        if (child == 0)
            continue;
        usleep((useconds_t)random_between(&random, 0, 2000));
        if (kill(child, SIGKILL) == 0)
            atomic_fetch_add(&n_killed, 1);
    }
    return arg;
}

static int create_while_children_die(void *arg)
{
    (void)arg;
    pthread_t killer;
    unsigned n[2] = {0, 0};
    if (!own_folder("size=64m") || !own_meminfo(1024 * MIB, 40 * MIB))
        return 0;
    if (access("/proc/thread-self/children", F_OK) != 0) {
        not_run("this kernel does not list children");
        return 0;
    }
    CHILD_CHECK(attempt(page(), 0, NULL) == MADE);
    struct state before = state_now(true);
    atomic_store(&killing, 1);
    CHILD_CHECK(pthread_create(&killer, NULL, kill_children, NULL) == 0);
    for (int i = 0; i < 3000 && (i < 100 || n[REFUSED] < 20); i++)
        n[attempt(4 * MIB, ENOMEM, "seemed free for it until the kernel refused")]++;
    atomic_store(&killing, 0);
    pthread_join(killer, NULL);
    CHILD_CHECK(n[REFUSED] >= 20 && atomic_load(&n_killed) >= n[REFUSED]);
    check_same(&before, true);
    return 0;
}

START_TEST(the_kernels_kill_is_an_error)
{
    ck_child_ok(create_while_children_die, NULL);
}
END_TEST

static void constrain(void)
{
    part = PART_MEMORY;
}

TCase *memory_case(void)
{
    TCase *tcase = tcase_create("memory");
    tcase_add_checked_fixture(tcase, constrain, NULL);
    tcase_add_test(tcase, what_can_never_fit_is_refused_before_anything_is_taken);
    tcase_add_test(tcase, little_memory_is_an_error_and_the_program_sees_no_child);
    tcase_add_test(tcase, without_processes_memory_is_taken_with_care);
    tcase_add_test(tcase, the_kernels_kill_is_an_error);
    return tcase;
}
