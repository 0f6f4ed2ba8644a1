/* Workers: what they are, what they may do, and what ends them. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "contract/contract.h"
#include "support/namespace.h"

/* What a worker tells of itself to the test, in shared memory. */
struct notes {
    _Atomic int ready;
    _Atomic int go;
    pid_t pid;
    shmpool_worker self;
    shmpool_worker started;
    shmpool_id pool;
    int *block;
    int pipe[2];
    char name[RUN_NAME_SIZE];
};

static int tells_who_it_is(void *arg)
{
    struct notes *notes = arg;
    notes->pid = getpid();
    notes->self = shmpool_self();
    atomic_store(&notes->ready, 1);
    wait_for(&notes->go, 1);
    return 0;
}

START_TEST(a_worker_knows_its_id_and_others_its_pid)
{
    struct notes *notes = shared_memory(sizeof *notes);
    ck_assert_int_eq(shmpool_self(), 0);
    shmpool_worker worker = shmpool_start(tells_who_it_is, notes, NULL);
    ck_assert_int_gt(worker, 0);
    wait_for(&notes->ready, 1);
    ck_assert_int_eq(notes->self, worker);
    ck_assert_int_eq(shmpool_worker_pid(worker), notes->pid);
    ck_assert_int_ne(notes->pid, getpid());
    ck_assert_int_eq(shmpool_self(), 0);
    atomic_store(&notes->go, 1);
    ck_join_ok(worker);
    ck_fails(shmpool_worker_pid(worker), EBADF);
}
END_TEST

/* The worker may well run before its starter does again. */
static int is_known_at_once(void *arg)
{
    (void)arg;
    CHILD_CHECK(shmpool_worker_pid(shmpool_self()) == getpid());
    CHILD_CHECK(shmpool_kill(shmpool_self(), 0) == 0);
    return 0;
}

START_TEST(a_worker_is_known_from_its_first_moment)
{
    for (int i = 0; i < 100; i++)
        ck_worker_ok(is_known_at_once, NULL, NULL);
}
END_TEST

static int is_no_worker(void *arg)
{
    (void)arg;
    return shmpool_self() == 0 ? 0 : 1;
}

static int forks_plainly(void *arg)
{
    CHILD_CHECK(shmpool_self() > 0);
    return child_ok(child_run(is_no_worker, arg)) && shmpool_self() > 0 ? 0 : 1;
}

START_TEST(a_plain_fork_is_no_worker)
{
    ck_child_ok(is_no_worker, NULL);
    ck_worker_ok(forks_plainly, NULL, NULL);
}
END_TEST

START_TEST(the_argument_is_the_workers_own_copy)
{
    struct notes notes = {.go = 1};
    ck_worker_ok(tells_who_it_is, &notes, NULL);
    ck_assert_int_eq(atomic_load(&notes.ready), 0);
    ck_assert_int_eq(notes.pid, 0);
}
END_TEST

static int waits_for_go(void *arg)
{
    struct notes *notes = arg;
    atomic_fetch_add(&notes->ready, 1);
    wait_for(&notes->go, 1);
    return 0;
}

START_TEST(worker_ids_of_running_workers_are_distinct)
{
    enum { MANY = 40 };
    struct notes *notes = shared_memory(sizeof *notes);
    shmpool_worker workers[MANY];
    for (int i = 0; i < MANY; i++) {
        workers[i] = shmpool_start(waits_for_go, notes, NULL);
        ck_assert_int_gt(workers[i], 0);
        for (int j = 0; j < i; j++)
            ck_assert_int_ne(workers[i], workers[j]);
    }
    wait_for(&notes->ready, MANY);
    atomic_store(&notes->go, 1);
    for (int i = 0; i < MANY; i++)
        ck_join_ok(workers[i]);
}
END_TEST

static int creates_a_pool(void *arg)
{
    struct notes *notes = arg;
    struct shmpool_options options = {.name = notes->name};
    notes->pool = shmpool_create(pages(10), &options);
    CHILD_CHECK(notes->pool > 0);
    notes->block = shmpool_alloc(notes->pool, page());
    CHILD_CHECK(notes->block != NULL);
    *notes->block = 99;
    return shmpool_set_root(notes->pool, notes->block);
}

START_TEST(a_workers_pool_outlives_it)
{
    struct notes *notes = shared_memory(sizeof *notes);
    run_name(notes->name, "outlives");
    ck_worker_ok(creates_a_pool, notes, NULL);
    if (!backend()->has_names)
        return;
    ck_assert_int_eq(shmpool_open(notes->name, 0), notes->pool);
    ck_assert_ptr_eq(shmpool_root(notes->pool), notes->block);
    ck_assert_int_eq(*notes->block, 99);
    pool_drop(notes->pool);
}
END_TEST

static int uses_the_pool(void *arg)
{
    struct notes *notes = arg;
    CHILD_CHECK(*notes->block == 99);
    CHILD_CHECK(shmpool_of(notes->block) == notes->pool);
    CHILD_CHECK(shmpool_free(notes->pool, notes->block) == 0);
    notes->block = shmpool_alloc(notes->pool, pages(10));
    CHILD_CHECK(notes->block != NULL);
    *notes->block = 100;
    return 0;
}

static int starts_a_worker(void *arg)
{
    struct notes *notes = arg;
    CHILD_CHECK(creates_a_pool(notes) == 0);
    CHILD_CHECK(shmpool_set_root(notes->pool, NULL) == 0);
    CHILD_CHECK(child_ok(worker_run(uses_the_pool, notes, NULL)));
    CHILD_CHECK(*notes->block == 100);
    CHILD_CHECK(shmpool_size_at(notes->pool, notes->block) == (ssize_t)pages(10));
    return shmpool_unlink(notes->pool);
}

START_TEST(workers_create_pools_and_start_workers)
{
    struct notes *notes = shared_memory(sizeof *notes);
    struct shmpool_start_options none = {.inherit = SHMPOOL_INHERIT_NONE};
    run_name(notes->name, "nested");
    ck_worker_ok(starts_a_worker, notes, NULL);
    ck_worker_ok(starts_a_worker, notes, &none);
}
END_TEST

static int nests(void *arg)
{
    int depth = *(int *)arg;
    int less = depth - 1;
    if (depth == 0)
        return 0;
    shmpool_id pool = shmpool_create(page(), NULL);
    CHILD_CHECK(pool > 0);
    CHILD_CHECK(child_ok(worker_run(nests, &less, NULL)));
    CHILD_CHECK(shmpool_unlink(pool) == 0);
    return shmpool_release(pool);
}

START_TEST(workers_of_workers_of_workers_work)
{
    int depth = 8;
    ck_worker_ok(nests, &depth, NULL);
}
END_TEST

START_TEST(kill_ends_a_worker_and_then_knows_it)
{
    static const int signals[] = {SIGTERM, SIGKILL, SIGINT, SIGUSR1, SIGABRT};
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        int status = 0;
        shmpool_worker worker = shmpool_start(child_sleep, NULL, NULL);
        ck_ok(shmpool_kill(worker, 0));
        ck_ok(shmpool_kill(worker, signals[i]));
        ck_ok(shmpool_join(worker, &status, -1));
        ck_assert_msg(WIFSIGNALED(status), "%s", child_text(status));
        ck_assert_int_eq(WTERMSIG(status), signals[i]);
        ck_fails(shmpool_kill(worker, 0), EBADF);
    }
}
END_TEST

START_TEST(a_worker_that_ended_is_ESRCH_until_it_is_joined)
{
    siginfo_t info;
    shmpool_worker worker = shmpool_start(is_no_worker, NULL, NULL);
    pid_t pid = shmpool_worker_pid(worker);
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    ck_fails(shmpool_kill(worker, 0), ESRCH);
    ck_fails(shmpool_kill(worker, SIGTERM), ESRCH);
    int status = worker_join(worker);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}
END_TEST

START_TEST(a_signal_that_does_not_exist_is_EINVAL)
{
    shmpool_worker worker = shmpool_start(child_sleep, NULL, NULL);
    ck_fails(shmpool_kill(worker, -1), EINVAL);
    ck_fails(shmpool_kill(worker, 1000), EINVAL);
    ck_ok(shmpool_kill(worker, SIGKILL));
    worker_join(worker);
}
END_TEST

/* Starts a worker that holds the writing end of the pipe, and dies beside it. */
static int starts_and_dies(struct notes *notes, unsigned flags, int (*run)(void *))
{
    struct shmpool_start_options options = {.flags = flags};
    notes->started = shmpool_start(run, notes, &options);
    CHILD_CHECK(notes->started > 0);
    wait_for(&notes->ready, 1);
    raise(SIGKILL);
    return 1;
}

static int sleeps(void *arg)
{
    struct notes *notes = arg;
    atomic_store(&notes->ready, 1);
    return child_sleep(NULL);
}

static int starter_of_a_bound_worker(void *arg)
{
    return starts_and_dies(arg, SHMPOOL_DIE_WITH_STARTER, sleeps);
}

/* Reads until the last writer is gone; the number of bytes. */
static int drain(const int pipe[2])
{
    char byte;
    int n = 0;
    close(pipe[1]);
    while (read(pipe[0], &byte, 1) == 1)
        n++;
    close(pipe[0]);
    return n;
}

START_TEST(a_bound_worker_dies_with_its_starter)
{
    struct notes *notes = shared_memory(sizeof *notes);
    ck_assert_int_eq(pipe(notes->pipe), 0);
    int status = child_run(starter_of_a_bound_worker, notes);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ck_assert_int_eq(drain(notes->pipe), 0);
    ck_ok(shmpool_join(notes->started, &status, -1));
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
END_TEST

static void *starts_a_bound_worker(void *arg)
{
    struct notes *notes = arg;
    struct shmpool_start_options options = {.flags = SHMPOOL_DIE_WITH_STARTER};
    notes->started = shmpool_start(tells_who_it_is, notes, &options);
    return NULL;
}

START_TEST(a_bound_worker_outlives_the_thread_that_started_it)
{
    struct notes *notes = shared_memory(sizeof *notes);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, starts_a_bound_worker, notes), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_gt(notes->started, 0);
    wait_for(&notes->ready, 1);
    ck_fails(shmpool_join(notes->started, NULL, 50), ETIMEDOUT);
    atomic_store(&notes->go, 1);
    ck_join_ok(notes->started);
}
END_TEST

struct nest {
    int depth;
    int descriptors; /* of the starter; 0: not to be compared */
};

static int nests_bound_workers(void *arg)
{
    const struct nest *nest = arg;
    struct shmpool_start_options bound = {.flags = SHMPOOL_DIE_WITH_STARTER};
    struct nest next = {nest->depth - 1, proc_count_descriptors()};
    CHILD_CHECK(nest->descriptors == 0 || nest->descriptors == next.descriptors);
    return nest->depth == 0 || child_ok(worker_run(nests_bound_workers, &next, &bound)) ? 0 : 1;
}

START_TEST(bound_workers_of_bound_workers_have_no_more_descriptors)
{
    struct nest nest = {.depth = 5};
    struct shmpool_start_options bound = {.flags = SHMPOOL_DIE_WITH_STARTER};
    ck_worker_ok(nests_bound_workers, &nest, &bound);
}
END_TEST

static int writes_when_its_starter_is_gone(void *arg)
{
    struct notes *notes = arg;
    pid_t starter = getppid();
    atomic_store(&notes->ready, 1);
    while (getppid() == starter)
        usleep(1000);
    return write(notes->pipe[1], "x", 1) == 1 ? 33 : 1;
}

static int starter_of_a_free_worker(void *arg)
{
    return starts_and_dies(arg, 0, writes_when_its_starter_is_gone);
}

START_TEST(another_worker_lives_on_and_can_be_joined)
{
    struct notes *notes = shared_memory(sizeof *notes);
    ck_assert_int_eq(pipe(notes->pipe), 0);
    int status = child_run(starter_of_a_free_worker, notes);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ck_assert_int_eq(drain(notes->pipe), 1);
    ck_ok(shmpool_join(notes->started, &status, -1));
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 33, "%s", child_text(status));
}
END_TEST

static int prints(void *arg)
{
    printf("worker;");
    return arg != NULL;
}

static int prints_before_and_after(void *arg)
{
    CHILD_CHECK(freopen(arg, "w", stdout) != NULL);
    CHILD_CHECK(setvbuf(stdout, NULL, _IOFBF, 65536) == 0);
    printf("before;");
    CHILD_CHECK(child_ok(worker_run(prints, NULL, NULL)));
    printf("between;");
    CHILD_CHECK(child_ok(worker_run(prints, NULL, NULL)));
    printf("after;");
    return 0;
}

START_TEST(buffered_text_appears_once_and_in_order)
{
    char path[] = "/tmp/shmpool-test-XXXXXX";
    char text[256] = "";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_child_ok(prints_before_and_after, path);
    ck_assert_int_gt(read(fd, text, sizeof text - 1), 0);
    close(fd);
    unlink(path);
    ck_assert_str_eq(text, "before;worker;between;worker;after;");
}
END_TEST

static int exits_with_5(void *arg)
{
    (void)arg;
    return 5;
}

static struct notes *exit_notes;

static void note_exit(void)
{
    atomic_fetch_add(&exit_notes->ready, 1);
}

START_TEST(atexit_handlers_do_not_run_in_workers)
{
    exit_notes = shared_memory(sizeof *exit_notes);
    ck_assert_int_eq(atexit(note_exit), 0);
    ck_assert_int_eq(WEXITSTATUS(worker_run(exits_with_5, NULL, NULL)), 5);
    ck_assert_int_eq(atomic_load(&exit_notes->ready), 0);
}
END_TEST

START_TEST(the_programs_own_children_are_left_to_it)
{
    int status = 0;
    pid_t own = child_start(exits_with_5, NULL);
    for (int i = 0; i < 5; i++)
        ck_worker_ok(forks_plainly, NULL, NULL);
    ck_assert_int_eq(waitpid(own, &status, 0), own);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 5);
}
END_TEST

static int allocates_and_waits(void *arg)
{
    struct notes *notes = arg;
    CHILD_CHECK(shmpool_alloc(notes->pool, pages(10)) != NULL);
    atomic_store(&notes->ready, 1);
    for (;;)
        pause();
}

static int starts_with_few_descriptors(void *arg)
{
    struct notes *notes = arg;
    struct rlimit limit = {200, 200};
    char *const argv[] = {(char *)"/bin/true", NULL};
    int last = -1;
    CHILD_CHECK(WEXITSTATUS(worker_run(exits_with_5, NULL, NULL)) == 5);
    CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    shmpool_worker early = shmpool_start(exits_with_5, NULL, NULL);
    for (int fd; (fd = dup(STDERR_FILENO)) >= 0;)
        last = fd;
    CHILD_FAILS(shmpool_join(early, NULL, -1), EMFILE);
    CHILD_CHECK(strstr(shmpool_errmsg(), "ulimit -n") != NULL);
    CHILD_FAILS(shmpool_start(exits_with_5, NULL, NULL), EMFILE);
    CHILD_FAILS(shmpool_spawn(argv[0], argv, NULL, NULL), EMFILE);
    close(last);
    CHILD_FAILS(shmpool_spawn(argv[0], argv, NULL, NULL), EMFILE);
    CHILD_CHECK(strstr(shmpool_errmsg(), "ulimit -n") != NULL);
    shmpool_worker worker = shmpool_start(allocates_and_waits, notes, NULL);
    CHILD_CHECK(worker > 0);
    wait_for(&notes->ready, 1);
    CHILD_CHECK(WEXITSTATUS(worker_join(early)) == 5);
    CHILD_CHECK(shmpool_kill(worker, 0) == 0);
    CHILD_FAILS(shmpool_join(worker, NULL, 0), EAGAIN);
    pid_t pid = shmpool_worker_pid(worker);
    CHILD_CHECK(shmpool_kill(worker, SIGKILL) == 0 && WTERMSIG(worker_join(worker)) == SIGKILL);
    CHILD_CHECK(shmpool_reclaim(notes->pool, pid) == (ssize_t)pages(10));
    return 0;
}

/* Nobody could tell later whose pid it was. */
START_TEST(a_worker_whose_start_cannot_be_read_is_not_started)
{
    struct notes *notes = shared_memory(sizeof *notes);
    notes->pool = pool_new(20);
    ck_child_ok(starts_with_few_descriptors, notes);
    pool_drop(notes->pool);
}
END_TEST

static int returns_0(void *arg)
{
    (void)arg;
    return 0;
}

/* Processes that begin in one tick of the clock are not told apart. */
static void let_ticks_pass(void)
{
    const struct timespec ticks = {.tv_nsec = 50 * 1000 * 1000};
    nanosleep(&ticks, NULL);
}

static int takes_a_worker_and_uses_its_pid(void *arg)
{
    siginfo_t info;
    int status;
    shmpool_worker taken = shmpool_start(returns_0, NULL, NULL);
    pid_t pid = shmpool_worker_pid(taken);
    CHILD_CHECK(taken > 0 && child_ok(child_wait(pid)));
    let_ticks_pass();
    CHILD_CHECK(namespace_start_as(pid, exits_with_5, arg) == pid);
    CHILD_CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
    CHILD_CHECK(child_ok(worker_run(returns_0, NULL, NULL)));
    CHILD_CHECK(shmpool_join(taken, &status, -1) == 0 && child_ok(status));
    CHILD_CHECK(waitpid(pid, &status, WNOHANG) == pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 5 ? 0 : 1;
}

START_TEST(a_child_that_has_the_pid_of_a_worker_is_left_to_the_program)
{
    ck_status_ok(namespace_run(true, takes_a_worker_and_uses_its_pid, NULL));
}
END_TEST

START_TEST(thousands_of_workers_use_nothing_up)
{
    shmpool_worker last = 0;
    for (int i = 0; i < 4200; i++) { /* more than the registry has places */
        shmpool_worker worker = shmpool_start(exits_with_5, NULL, NULL);
        ck_assert_msg(worker > 0, "worker %d: %s", i, shmpool_errmsg());
        ck_assert_int_ne(worker, last);
        ck_assert_int_eq(WEXITSTATUS(worker_join(worker)), 5);
        last = worker;
    }
}
END_TEST

TCase *workers_case(void)
{
    TCase *tcase = contract_case("workers");
    tcase_add_test(tcase, a_worker_knows_its_id_and_others_its_pid);
    tcase_add_test(tcase, a_worker_is_known_from_its_first_moment);
    tcase_add_test(tcase, a_plain_fork_is_no_worker);
    tcase_add_test(tcase, the_argument_is_the_workers_own_copy);
    tcase_add_test(tcase, worker_ids_of_running_workers_are_distinct);
    tcase_add_test(tcase, a_workers_pool_outlives_it);
    tcase_add_test(tcase, workers_create_pools_and_start_workers);
    tcase_add_test(tcase, workers_of_workers_of_workers_work);
    tcase_add_test(tcase, kill_ends_a_worker_and_then_knows_it);
    tcase_add_test(tcase, a_worker_that_ended_is_ESRCH_until_it_is_joined);
    tcase_add_test(tcase, a_signal_that_does_not_exist_is_EINVAL);
    tcase_add_test(tcase, a_bound_worker_dies_with_its_starter);
    tcase_add_test(tcase, a_bound_worker_outlives_the_thread_that_started_it);
    tcase_add_test(tcase, bound_workers_of_bound_workers_have_no_more_descriptors);
    tcase_add_test(tcase, another_worker_lives_on_and_can_be_joined);
    tcase_add_test(tcase, buffered_text_appears_once_and_in_order);
    tcase_add_test(tcase, atexit_handlers_do_not_run_in_workers);
    tcase_add_test(tcase, the_programs_own_children_are_left_to_it);
    tcase_add_test(tcase, a_worker_whose_start_cannot_be_read_is_not_started);
    tcase_add_test(tcase, a_child_that_has_the_pid_of_a_worker_is_left_to_the_program);
    if (strcmp(backend()->name, "memfd") == 0) /* no pool takes part: one suite is enough */
        tcase_add_test(tcase, thousands_of_workers_use_nothing_up);
    return tcase;
}
