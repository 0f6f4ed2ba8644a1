#include "support/child.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    abort();
}

pid_t child_start(child_body *body, void *arg)
{
    fflush(NULL);
    pid_t parent = getpid();
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child > 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(98);
    int value = body(arg);
    fflush(NULL);
    _exit(value & 0xff);
}

int child_wait(pid_t child)
{
    int status = -1;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            die("waitpid");
    }
    return status;
}

int child_run(child_body *body, void *arg)
{
    return child_wait(child_start(body, arg));
}

struct other_user {
    uid_t uid;
    gid_t gid;
    child_body *body;
    void *arg;
};

static int become_and_run(void *arg)
{
    const struct other_user *user = arg;
    CHILD_CHECK(setgroups(0, NULL) == 0);
    CHILD_CHECK(setresgid(user->gid, user->gid, user->gid) == 0);
    CHILD_CHECK(setresuid(user->uid, user->uid, user->uid) == 0);
    return user->body(user->arg);
}

int child_run_as(uid_t uid, gid_t gid, child_body *body, void *arg)
{
    struct other_user user = {uid, gid, body, arg};
    return child_run(become_and_run, &user);
}

static int exec_self(void *arg)
{
    char *const *argv = arg;
    CHILD_CHECK(execv("/proc/self/exe", argv) == 0);
    return 1;
}

int child_exec(const char *const argv[])
{
    union {
        const char *const *in;
        void *out;
    } list = {argv};
    return child_run(exec_self, list.out);
}

bool child_ok(int wait_status)
{
    return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
}

const char *child_text(int wait_status)
{
    static char text[64];
    if (WIFEXITED(wait_status))
        snprintf(text, sizeof text, "exit status %d", WEXITSTATUS(wait_status));
    else if (WIFSIGNALED(wait_status))
        snprintf(text, sizeof text, "signal %d (%s)", WTERMSIG(wait_status),
                 strsignal(WTERMSIG(wait_status)));
    else
        snprintf(text, sizeof text, "wait status 0x%x", (unsigned)wait_status);
    return text;
}

bool child_can_be_others(void)
{
    static bool told;
    if (geteuid() == 0)
        return true;
    if (!told)
        printf("not root: the parts with other users were not run\n");
    told = true;
    return false;
}

int child_sleep(void *unused)
{
    (void)unused;
    for (int second = 0; second < 300; second++)
        sleep(1);
    return 99;
}

void child_fail(const char *file, int line, const char *what)
{
    int code = errno;
    dprintf(STDERR_FILENO, "%s:%d: process %d: failed: %s (errno %d: %s)\n", file, line,
            (int)getpid(), what, code, strerror(code));
    _exit(1);
}
