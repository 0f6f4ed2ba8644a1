/* Joining: who may, what it gives, and how long it waits. */
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract/contract.h"
#include "support/filter.h"

static int returns(void *arg)
{
    return *(int *)arg;
}

START_TEST(every_exit_status_arrives)
{
    for (int value = 0; value < 256; value++) {
        int status = worker_run(returns, &value, NULL);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == value, "%d: %s", value,
                      child_text(status));
    }
}
END_TEST

START_TEST(a_value_is_cut_to_eight_bits)
{
    static const int values[] = {256, 257, -1, -256, 0x12345678};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        int value = values[i];
        int status = worker_run(returns, &value, NULL);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == (value & 0xff));
    }
}
END_TEST

static int calls_exit(void *arg)
{
    exit(*(int *)arg);
}

static int calls_underscore_exit(void *arg)
{
    _exit(*(int *)arg);
}

START_TEST(a_worker_that_ends_itself_gives_its_status)
{
    int seven = 7;
    ck_assert_int_eq(WEXITSTATUS(worker_run(calls_exit, &seven, NULL)), 7);
    ck_assert_int_eq(WEXITSTATUS(worker_run(calls_underscore_exit, &seven, NULL)), 7);
}
END_TEST

static int dies_of(void *arg)
{
    int number = *(int *)arg;
    signal(number, SIG_DFL);
    prctl(PR_SET_DUMPABLE, 0);
    raise(number);
    return 0;
}

START_TEST(a_death_by_signal_tells_the_signal)
{
    int numbers[] = {SIGKILL, SIGTERM, SIGSEGV, SIGABRT, SIGHUP, SIGPIPE, SIGALRM, SIGUSR2};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        int status = worker_run(dies_of, &numbers[i], NULL);
        ck_assert_msg(WIFSIGNALED(status), "%s", child_text(status));
        ck_assert_int_eq(WTERMSIG(status), numbers[i]);
    }
}
END_TEST

START_TEST(the_status_may_be_left_out)
{
    int three = 3;
    shmpool_worker worker = shmpool_start(returns, &three, NULL);
    ck_ok(shmpool_join(worker, NULL, -1));
}
END_TEST

START_TEST(join_waits_as_long_as_it_is_told)
{
    int status = 1234;
    shmpool_worker worker = shmpool_start(child_sleep, NULL, NULL);
    ck_fails(shmpool_join(worker, &status, 0), EAGAIN);
    ck_fails(shmpool_join(worker, &status, 50), ETIMEDOUT);
    ck_fails(shmpool_join(worker, &status, 1), ETIMEDOUT);
    ck_fails(shmpool_join(worker, &status, -2), EINVAL);
    ck_fails(shmpool_join(worker, &status, INT32_MIN), EINVAL);
    ck_assert_int_eq(status, 1234);
    ck_ok(shmpool_kill(worker, SIGKILL));
    ck_ok(shmpool_join(worker, &status, 30000));
    ck_assert(WIFSIGNALED(status));
}
END_TEST

START_TEST(a_timeout_of_0_finds_a_worker_that_ended)
{
    int nine = 9;
    int status = 0;
    siginfo_t info;
    shmpool_worker worker = shmpool_start(returns, &nine, NULL);
    pid_t pid = shmpool_worker_pid(worker);
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    ck_ok(shmpool_join(worker, &status, 0));
    ck_assert_int_eq(WEXITSTATUS(status), 9);
}
END_TEST

START_TEST(a_result_is_taken_once)
{
    int zero = 0;
    shmpool_worker worker = shmpool_start(returns, &zero, NULL);
    ck_join_ok(worker);
    ck_fails(shmpool_join(worker, NULL, -1), EBADF);
    ck_fails(shmpool_join(worker, NULL, 0), EBADF);
}
END_TEST

/* A worker that joins another one, and tells what it got. */
struct pair {
    shmpool_worker other;
    int status;
    int error;
    _Atomic int go;
    _Atomic int ready;
};

static int joins_the_other(void *arg)
{
    struct pair *pair = arg;
    atomic_store(&pair->ready, 1);
    if (shmpool_join(pair->other, &pair->status, -1) != 0)
        pair->error = errno;
    return 0;
}

static int returns_41_on_go(void *arg)
{
    struct pair *pair = arg;
    wait_for(&pair->go, 1);
    return 41;
}

START_TEST(a_sibling_may_join)
{
    struct pair *pair = shared_memory(sizeof *pair);
    pair->other = shmpool_start(returns_41_on_go, pair, NULL);
    shmpool_worker joiner = shmpool_start(joins_the_other, pair, NULL);
    wait_for(&pair->ready, 1);
    atomic_store(&pair->go, 1);
    ck_join_ok(joiner);
    ck_assert_int_eq(pair->error, 0);
    ck_assert_msg(WIFEXITED(pair->status) && WEXITSTATUS(pair->status) == 41, "%s",
                  child_text(pair->status));
    ck_fails(shmpool_join(pair->other, NULL, -1), EBADF);
}
END_TEST

START_TEST(a_sibling_learns_of_a_death_by_signal)
{
    struct pair *pair = shared_memory(sizeof *pair);
    pair->other = shmpool_start(child_sleep, NULL, NULL);
    shmpool_worker joiner = shmpool_start(joins_the_other, pair, NULL);
    wait_for(&pair->ready, 1);
    ck_ok(shmpool_kill(pair->other, SIGKILL));
    ck_join_ok(joiner);
    ck_assert_int_eq(pair->error, 0);
    ck_assert(WIFSIGNALED(pair->status) && WTERMSIG(pair->status) == SIGKILL);
}
END_TEST

/* Users other than root, or none. */
struct strangers {
    uid_t dies;
    uid_t joins;
    struct pair pair;
    bool is_told_as_unknown;
};

static void become_user(uid_t user)
{
    if (user != 0)
        CHILD_CHECK(setresuid(user, user, user) == 0);
}

static int hides_and_dies(void *arg)
{
    struct strangers *strangers = arg;
    int number = SIGSEGV;
    become_user(strangers->dies);
    wait_for(&strangers->pair.go, 1);
    return dies_of(&number);
}

static int joins_what_it_cannot_see(void *arg)
{
    struct strangers *strangers = arg;
    become_user(strangers->joins);
    joins_the_other(&strangers->pair);
    strangers->is_told_as_unknown = strstr(shmpool_errmsg(), "may not look") != NULL;
    atomic_store(&strangers->pair.ready, 2);
    return 0;
}

/* The starter does not reap before the other has joined. */
static void dies_unseen(struct strangers *strangers)
{
    struct pair *pair = &strangers->pair;
    atomic_store(&pair->go, 0);
    atomic_store(&pair->ready, 0);
    pair->other = shmpool_start(hides_and_dies, strangers, NULL);
    shmpool_worker joiner = shmpool_start(joins_what_it_cannot_see, strangers, NULL);
    wait_for(&pair->ready, 1);
    atomic_store(&pair->go, 1);
    wait_for(&pair->ready, 2);
    ck_join_ok(joiner);
    ck_assert_int_eq(pair->error, 0);
    ck_assert_msg(WIFSIGNALED(pair->status), "%s", child_text(pair->status));
    ck_assert_int_eq(WTERMSIG(pair->status), strangers->is_told_as_unknown ? SIGKILL : SIGSEGV);
}

/* The kernel says 0 of its exit code. */
START_TEST(a_death_that_a_sibling_may_not_look_at_is_no_exit)
{
    struct strangers *strangers = shared_memory(sizeof *strangers);
    dies_unseen(strangers);
    if (!child_can_be_others())
        return;
    strangers->dies = 12345;
    strangers->joins = 12345;
    dies_unseen(strangers);
    strangers->joins = 12346;
    dies_unseen(strangers);
    ck_assert(strangers->is_told_as_unknown);
}
END_TEST

START_TEST(of_several_that_join_one_worker_one_gets_the_result)
{
    enum { JOINERS = 4 };
    struct pair *pairs = shared_memory(sizeof *pairs * JOINERS);
    shmpool_worker joiners[JOINERS];
    shmpool_worker other = shmpool_start(returns_41_on_go, &pairs[0], NULL);
    for (int i = 0; i < JOINERS; i++) {
        pairs[i].other = other;
        joiners[i] = shmpool_start(joins_the_other, &pairs[i], NULL);
    }
    for (int i = 0; i < JOINERS; i++)
        wait_for(&pairs[i].ready, 1);
    atomic_store(&pairs[0].go, 1);
    int winners = 0;
    for (int i = 0; i < JOINERS; i++) {
        ck_join_ok(joiners[i]);
        ck_assert(pairs[i].error == 0 || pairs[i].error == EBADF);
        winners += pairs[i].error == 0 && WEXITSTATUS(pairs[i].status) == 41;
    }
    ck_assert_int_eq(winners, 1);
    ck_fails(shmpool_join(other, NULL, 0), EBADF);
}
END_TEST

static int joins_itself(void *arg)
{
    (void)arg;
    CHILD_FAILS(shmpool_join(shmpool_self(), NULL, -1), EDEADLK);
    CHILD_FAILS(shmpool_join(shmpool_self(), NULL, 0), EDEADLK);
    return 0;
}

START_TEST(a_worker_cannot_join_itself)
{
    ck_worker_ok(joins_itself, NULL, NULL);
}
END_TEST

static int leaves_a_worker_behind(void *arg)
{
    struct pair *pair = arg;
    pair->other = shmpool_start(returns_41_on_go, pair, NULL);
    return pair->other > 0 ? 0 : 1;
}

START_TEST(a_worker_whose_starter_is_gone_can_be_joined)
{
    struct pair *pair = shared_memory(sizeof *pair);
    ck_worker_ok(leaves_a_worker_behind, pair, NULL);
    ck_fails(shmpool_join(pair->other, NULL, 0), EAGAIN);
    atomic_store(&pair->go, 1);
    ck_ok(shmpool_join(pair->other, &pair->status, -1));
    ck_assert_msg(WIFEXITED(pair->status) && WEXITSTATUS(pair->status) == 41, "%s",
                  child_text(pair->status));
}
END_TEST

START_TEST(a_worker_that_somebody_else_reaped_gives_its_own_status)
{
    int eleven = 11;
    int status = 0;
    shmpool_worker worker = shmpool_start(returns, &eleven, NULL);
    pid_t pid = shmpool_worker_pid(worker);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    status = 0;
    ck_ok(shmpool_join(worker, &status, -1));
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 11, "%s", child_text(status));
}
END_TEST

START_TEST(a_signal_that_somebody_else_took_is_told_as_unknown)
{
    int status = 0;
    shmpool_worker worker = shmpool_start(child_sleep, NULL, NULL);
    pid_t pid = shmpool_worker_pid(worker);
    ck_ok(shmpool_kill(worker, SIGTERM));
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_ok(shmpool_join(worker, &status, -1));
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ck_says("signal");
}
END_TEST

static int exits(void *code)
{
    _exit(*(int *)code);
}

/* Only what run returns is noted by the worker itself. */
START_TEST(an_exit_that_somebody_else_took_is_told_as_unknown)
{
    int eleven = 11;
    int status = 0;
    shmpool_worker worker = shmpool_start(exits, &eleven, NULL);
    ck_assert_int_eq(waitpid(shmpool_worker_pid(worker), &status, 0), shmpool_worker_pid(worker));
    ck_ok(shmpool_join(worker, &status, -1));
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ck_says("exit of its own");
}
END_TEST

START_TEST(joining_works_where_SIGCHLD_is_ignored)
{
    int twelve = 12;
    int status = 0;
    signal(SIGCHLD, SIG_IGN);
    shmpool_worker worker = shmpool_start(returns, &twelve, NULL);
    ck_ok(shmpool_join(worker, &status, -1));
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 12, "%s", child_text(status));
    signal(SIGCHLD, SIG_DFL);
}
END_TEST

static int waits_without_pidfds(void *code)
{
    int status = 0;
    int seven = 7;
    CHILD_CHECK(filter_syscall(SYS_pidfd_open, *(int *)code) == 0);
    shmpool_worker worker = shmpool_start(returns, &seven, NULL);
    CHILD_CHECK(shmpool_join(worker, &status, -1) == 0 && WEXITSTATUS(status) == 7);

    worker = shmpool_start(child_sleep, NULL, NULL);
    CHILD_FAILS(shmpool_join(worker, NULL, 0), EAGAIN);
    CHILD_FAILS(shmpool_join(worker, NULL, 50), ETIMEDOUT);
    CHILD_CHECK(shmpool_kill(worker, SIGTERM) == 0);
    CHILD_CHECK(shmpool_join(worker, &status, -1) == 0);
    CHILD_CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    return 0;
}

START_TEST(joining_works_where_there_are_no_pidfds)
{
    int codes[] = {ENOSYS, EPERM};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        ck_child_ok(waits_without_pidfds, &codes[i]);
}
END_TEST

static int keeps_a_page_and_sleeps(void *pool)
{
    CHILD_CHECK(shmpool_alloc(*(shmpool_id *)pool, page()) != NULL);
    return child_sleep(NULL);
}

static int reclaims_without_pidfds(void *argument)
{
    shmpool_id pool = *(shmpool_id *)argument;
    CHILD_CHECK(filter_syscall(SYS_pidfd_open, ENOSYS) == 0);
    shmpool_worker worker = shmpool_start(keeps_a_page_and_sleeps, &pool, NULL);
    pid_t pid = shmpool_worker_pid(worker);
    while (stats_of(pool).blocks == 0)
        usleep(1000);
    CHILD_FAILS(shmpool_reclaim(pool, pid), EBUSY);
    CHILD_CHECK(kill(pid, SIGKILL) == 0);
    CHILD_CHECK(shmpool_join(worker, NULL, -1) == 0);
    CHILD_CHECK(shmpool_reclaim(pool, pid) == (ssize_t)page());
    return 0;
}

START_TEST(the_dead_are_told_from_the_living_where_there_are_no_pidfds)
{
    shmpool_id pool = pool_new(4);
    ck_child_ok(reclaims_without_pidfds, &pool);
    ck_pool_is_whole(pool);
    pool_drop(pool);
}
END_TEST

TCase *join_case(void)
{
    TCase *tcase = contract_case("join");
    tcase_add_test(tcase, every_exit_status_arrives);
    tcase_add_test(tcase, a_value_is_cut_to_eight_bits);
    tcase_add_test(tcase, a_worker_that_ends_itself_gives_its_status);
    tcase_add_test(tcase, a_death_by_signal_tells_the_signal);
    tcase_add_test(tcase, the_status_may_be_left_out);
    tcase_add_test(tcase, join_waits_as_long_as_it_is_told);
    tcase_add_test(tcase, a_timeout_of_0_finds_a_worker_that_ended);
    tcase_add_test(tcase, a_result_is_taken_once);
    tcase_add_test(tcase, a_sibling_may_join);
    tcase_add_test(tcase, a_sibling_learns_of_a_death_by_signal);
    tcase_add_test(tcase, a_death_that_a_sibling_may_not_look_at_is_no_exit);
    tcase_add_test(tcase, of_several_that_join_one_worker_one_gets_the_result);
    tcase_add_test(tcase, a_worker_cannot_join_itself);
    tcase_add_test(tcase, a_worker_whose_starter_is_gone_can_be_joined);
    tcase_add_test(tcase, a_worker_that_somebody_else_reaped_gives_its_own_status);
    tcase_add_test(tcase, a_signal_that_somebody_else_took_is_told_as_unknown);
    tcase_add_test(tcase, an_exit_that_somebody_else_took_is_told_as_unknown);
    tcase_add_test(tcase, joining_works_where_SIGCHLD_is_ignored);
    tcase_add_test(tcase, joining_works_where_there_are_no_pidfds);
    tcase_add_test(tcase, the_dead_are_told_from_the_living_where_there_are_no_pidfds);
    return tcase;
}
