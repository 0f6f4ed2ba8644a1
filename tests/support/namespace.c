#include "support/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REFUSED = 77 };

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return done;
}

/* The number by which a namespace shows all users and groups that it does not know. */
static unsigned other_than_unknown(unsigned id)
{
    return id == 65534 ? 1 : id;
}

/* Whoever changed the user owns what /proc has of the process only when that may be dumped. */
static bool enter_as_user(int flags)
{
    char users[64], groups[64];
    unsigned user = geteuid();
    unsigned group = getegid();
    prctl(PR_SET_DUMPABLE, 1);
    snprintf(users, sizeof users, "%u %u 1", other_than_unknown(user), user);
    snprintf(groups, sizeof groups, "%u %u 1", other_than_unknown(group), group);
    return unshare(CLONE_NEWUSER | flags) == 0 && write_text("/proc/self/setgroups", "deny") &&
           write_text("/proc/self/uid_map", users) && write_text("/proc/self/gid_map", groups);
}

bool namespace_enter(int flags)
{
    flags |= CLONE_NEWNS;
    return (unshare(flags) == 0 || enter_as_user(flags)) &&
           mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

struct first {
    bool own_proc;
    child_body *body;
    void *arg;
};

static void run_as_first(const struct first *first)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (first->own_proc && mount("proc", "/proc", "proc", 0, NULL) != 0)
        _exit(REFUSED);
    int value = first->body(first->arg);
    fflush(NULL);
    _exit(value & 0xff);
}

static int enter_and_run(void *arg)
{
    if (!namespace_enter(CLONE_NEWPID))
        return REFUSED;
    fflush(NULL);
    pid_t first = fork();
    CHILD_CHECK(first >= 0);
    if (first == 0)
        run_as_first(arg);
    int status = child_wait(first);
    CHILD_CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

int namespace_run(bool own_proc, child_body *body, void *arg)
{
    struct first first = {own_proc, body, arg};
    int status = child_run(enter_and_run, &first);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != REFUSED)
        return status;
    printf("this system allows no process namespaces of one's own: not run\n");
    return 0;
}

pid_t namespace_start_as(pid_t pid, child_body *body, void *arg)
{
    struct clone_args arguments = {
        .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&pid, .set_tid_size = 1};
    fflush(NULL);
    pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child < 0 && (errno == ENOSYS || errno == EPERM || errno == EINVAL))
        _exit(REFUSED);
    CHILD_CHECK(child >= 0);
    if (child > 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int value = body(arg);
    fflush(NULL);
    _exit(value & 0xff);
}
