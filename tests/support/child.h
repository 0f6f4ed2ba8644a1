/* Child processes of tests: the one place that forks.
 *
 * A failing ck_assert in a process that the test itself forked is reported as passed unless the
 * parent asserts the child's status. So a child reports by its exit status alone: it checks with
 * CHILD_CHECK, which says where and ends the process with 1, and the test asserts with ck_child_ok.
 * Workers of the library check with CHILD_CHECK too.
 *
 * A child dies with the test that forked it; no child outlives a test that failed. */
#ifndef TESTS_SUPPORT_CHILD_H
#define TESTS_SUPPORT_CHILD_H

#include <check.h>
#include <stdbool.h>
#include <sys/types.h>

typedef int child_body(void *arg);

/* Forks a child that runs body(arg) and ends with its value & 0xff as exit status. Stdio is flushed
 * before, so that nothing is printed twice. Never fails: without a child the caller ends. */
pid_t child_start(child_body *body, void *arg);

/* Waits for this child; its status as waitpid gives it. Interruptions are waited out. */
int child_wait(pid_t child);

/* child_start and child_wait. */
int child_run(child_body *body, void *arg);

/* As child_run, as another user without supplementary groups. Only for root. */
int child_run_as(uid_t uid, gid_t gid, child_body *body, void *arg);

/* Runs this very program in a new process, with these arguments (argv[0] included, NULL at the
 * end): nothing is inherited but the environment and descriptors that are not close-on-exec. */
int child_exec(const char *const argv[]);

/* Whether a wait status says "exit 0"; and what it says, as text for messages. */
bool child_ok(int wait_status);
const char *child_text(int wait_status);

/* Whether the parts of tests that need root can run; says once on stdout that they were not run. */
bool child_can_be_others(void);

/* Sleeps until a signal ends the process, or five minutes have passed: then it ends with 99. */
int child_sleep(void *unused);

void child_fail(const char *file, int line, const char *what) __attribute__((noreturn, cold));

#define CHILD_CHECK(condition)                                                                     \
    do {                                                                                           \
        if (!(condition))                                                                          \
            child_fail(__FILE__, __LINE__, #condition);                                            \
    } while (0)

#define ck_status_ok(wait_status)                                                                  \
    do {                                                                                           \
        int ck_status = (wait_status);                                                             \
        ck_assert_msg(child_ok(ck_status), "%s: %s", #wait_status, child_text(ck_status));         \
    } while (0)

#define ck_child_ok(body, arg) ck_status_ok(child_run(body, arg))

#define ck_child_ok_as(uid, gid, body, arg) ck_status_ok(child_run_as(uid, gid, body, arg))

#endif
