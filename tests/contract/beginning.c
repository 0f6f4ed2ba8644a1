/* A process's first call, which makes the family's registry: it changes nothing when it succeeds,
 * says why when it does not, and is nobody's to wait for in a child forked meanwhile. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "contract/contract.h"
#include "support/sanitized.h"

static _Atomic pid_t held; /* a process that gets no memory file before it is released */
static _Atomic int reached, released;

/* The library's as well: its first call makes one. */
int memfd_create(const char *name, unsigned flags)
{
    while (atomic_load(&held) == getpid() && !atomic_load(&released)) {
        atomic_store(&reached, 1);
        usleep(1000);
    }
    return (int)syscall(SYS_memfd_create, name, flags);
}

static void *makes_the_first_call(void *unused)
{
    (void)unused;
    return shmpool_self() == 0 ? &held : NULL;
}

static int allocates(void *arg)
{
    const shmpool_id *pool = arg;
    void *block = shmpool_alloc(*pool, page());
    CHILD_CHECK(block != NULL && shmpool_free(*pool, block) == 0);
    return 0;
}

static int works(void)
{
    shmpool_id pool = shmpool_create(page(), NULL);
    CHILD_CHECK(pool > 0 && allocates(&pool) == 0);
    CHILD_CHECK(child_ok(child_run(allocates, &pool)));
    CHILD_CHECK(shmpool_unlink(pool) == 0 && shmpool_release(pool) == 0);
    return 0;
}

static pid_t fork_by_clone(void)
{
    return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static pid_t (*const kinds[])(void) = {fork, _Fork, fork_by_clone};

enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

static int forks_meanwhile(void *arg)
{
    pid_t (*const *kind)(void) = arg;
    pthread_t thread;
    void *result;
    atomic_store(&held, getpid());
    alarm(60);
    CHILD_CHECK(pthread_create(&thread, NULL, makes_the_first_call, NULL) == 0);
    while (!atomic_load(&reached))
        sched_yield();
    pid_t child = (*kind)();
    if (child == 0) {
        alarm(60);
        _exit(works());
    }
    CHILD_CHECK(child > 0 && child_ok(child_wait(child)));
    atomic_store(&released, 1);
    CHILD_CHECK(pthread_join(thread, &result) == 0 && result == &held);
    return works();
}

START_TEST(a_child_forked_during_the_first_call_makes_its_own)
{
    ck_child_ok(forks_meanwhile, (void *)&kinds[_i]);
}
END_TEST

static int begins_with_few_descriptors(void *arg)
{
    const struct rlimit limit = {*(const unsigned *)arg, 20};
    CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    errno = 0;
    CHILD_CHECK(shmpool_self() == 0 && errno == 0);
    CHILD_CHECK(strcmp(shmpool_errmsg(), "no failure yet") == 0);
    return 0;
}

START_TEST(a_first_call_that_succeeds_changes_no_errno)
{
    for (unsigned limit = 3; limit <= 20; limit++)
        ck_child_ok(begins_with_few_descriptors, &limit);
}
END_TEST

static int begins_without_address_space(void *unused)
{
    (void)unused;
    const struct rlimit limit = {4096, 4096};
    CHILD_CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    CHILD_FAILS(shmpool_create(page(), NULL), ENOMEM);
    CHILD_CHECK(strstr(shmpool_errmsg(), "RLIMIT_AS allows this process 4.0 KiB") != NULL);
    CHILD_FAILS(shmpool_open("beginning", 0), ENOMEM);
    CHILD_CHECK(strstr(shmpool_errmsg(), "(ulimit -v)") != NULL);
    return 0;
}

enum { NOBODY = 65534 };

/* Who may lock anything becomes somebody else first. */
static int begins_without_lockable_memory(void *unused)
{
    (void)unused;
    const struct rlimit limit = {64 << 10, 64 << 10};
    CHILD_CHECK(geteuid() != 0 || setresuid(NOBODY, NOBODY, NOBODY) == 0);
    CHILD_CHECK(setrlimit(RLIMIT_MEMLOCK, &limit) == 0 && mlockall(MCL_FUTURE) == 0);
    CHILD_FAILS(shmpool_create(page(), NULL), ENOMEM);
    CHILD_CHECK(strstr(shmpool_errmsg(), "RLIMIT_MEMLOCK allows it 64 KiB") != NULL);
    return 0;
}

static int begins_without_thread_keys(void *unused)
{
    (void)unused;
    pthread_key_t key;
    while (pthread_key_create(&key, NULL) == 0)
        ;
    CHILD_FAILS(shmpool_create(page(), NULL), EAGAIN);
    CHILD_CHECK(strstr(shmpool_errmsg(), "(PTHREAD_KEYS_MAX)") != NULL);
    return 0;
}

START_TEST(a_first_call_that_fails_names_the_limit)
{
    if (!SANITIZED) {
        ck_child_ok(begins_without_address_space, NULL);
        ck_child_ok(begins_without_lockable_memory, NULL);
    }
    ck_child_ok(begins_without_thread_keys, NULL);
}
END_TEST

static int begins_without_large_files(void *unused)
{
    (void)unused;
    char *const argv[] = {"true", NULL};
    const struct rlimit limit = {1 << 20, 1 << 20};
    CHILD_CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    shmpool_id pool = shmpool_create(page(), NULL);
    CHILD_CHECK(pool > 0 && allocates(&pool) == 0);
    CHILD_FAILS(shmpool_spawn("/bin/true", argv, NULL, NULL), EBADF);
    CHILD_CHECK(strstr(shmpool_errmsg(), "ulimit -f") != NULL);
    CHILD_CHECK(shmpool_unlink(pool) == 0);
    return 0;
}

START_TEST(a_first_call_without_room_for_a_file_leaves_workers_that_are_no_programs)
{
    ck_child_ok(begins_without_large_files, NULL);
}
END_TEST

/* Without the fixture of the others, which makes the first call. */
TCase *beginning_case(void)
{
    TCase *tcase = tcase_create("beginning");
    tcase_add_loop_test(tcase, a_child_forked_during_the_first_call_makes_its_own, 0,
                        SANITIZED ? 1 : N_KINDS);
    tcase_add_test(tcase, a_first_call_that_succeeds_changes_no_errno);
    tcase_add_test(tcase, a_first_call_that_fails_names_the_limit);
    tcase_add_test(tcase, a_first_call_without_room_for_a_file_leaves_workers_that_are_no_programs);
    return tcase;
}
