#include "backend/victim.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    TOO_EXPOSED = 500,   /* a caller half-way up to the child's 1000 may go before it */
    NO_VICTIM_EXIT = 255 /* no errno has this value */
};

static const char adjust_path[] = "/proc/self/oom_score_adj";

/* ---- the child: system calls only ---- */

/* Before any other process, of the cgroup or of the machine. */
static bool offer_itself(void)
{
    static const char most[] = "1000";
    int fd = open(adjust_path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool done = write(fd, most, sizeof most - 1) == sizeof most - 1;
    close(fd);
    return done;
}

/* So that nobody waits for the end of a pipe because of this child. Linux before 5.9 says ENOSYS.
 */
static void close_all_but(int fd)
{
    if (fd < 0) {
        syscall(SYS_close_range, 0U, ~0U, 0U);
        return;
    }
    if (fd > 0)
        syscall(SYS_close_range, 0U, (unsigned)fd - 1, 0U);
    syscall(SYS_close_range, (unsigned)fd + 1, ~0U, 0U);
}

/* Where it cannot be had, all the better that this is the child. */
static void take_ballast(size_t size)
{
    syscall(SYS_mmap, NULL, size, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, (off_t)0);
}

/* The signal follows the thread that cloned: it waits until the child has ended. */
static bool end_with(pid_t parent)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

static _Noreturn void be_victim(pid_t parent, int (*work)(const void *), const void *arg,
                                int keep_fd, size_t ballast)
{
    int result = NO_VICTIM_EXIT;
    if (end_with(parent) && offer_itself()) {
        prctl(PR_SET_DUMPABLE, 0); /* it may end by SIGBUS, and its core is nobody's concern */
        close_all_but(keep_fd);
        take_ballast(ballast);
        result = work(arg);
    }
    for (;;)
        syscall(SYS_exit_group, result);
}

/* ---- the caller ---- */

static bool is_too_exposed(void)
{
    char text[16] = "";
    int fd = open(adjust_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true;
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    return got <= 0 || atoi(text) >= TOO_EXPOSED;
}

/* After unshare(CLONE_NEWPID) by this thread its next child is the first process of a new
 * namespace, and its end is the end of that: not for us to use up. As long as there is none the
 * link leads nowhere; Linux before 4.12 has no such link. */
static bool children_stay_in_namespace(void)
{
    static const char of_children[] = "/proc/thread-self/ns/pid_for_children";
    struct stat own, children;
    if (stat("/proc/thread-self/ns/pid", &own) != 0)
        return false;
    if (stat(of_children, &children) == 0)
        return children.st_ino == own.st_ino;
    return lstat(of_children, &children) != 0;
}

/* Not by a function of the C library: those end the wait when the thread is cancelled. Children
 * without an exit signal need __WALL. */
static int wait_for(pid_t child)
{
    int status;
    long got;
    do
        got = syscall(SYS_wait4, child, &status, __WALL, NULL);
    while (got < 0 && errno == EINTR);
    if (got != child)
        return VICTIM_NONE; /* the program waits by __WALL for whatever ends */
    if (!WIFEXITED(status))
        return VICTIM_ENDED;
    return WEXITSTATUS(status) == NO_VICTIM_EXIT ? VICTIM_NONE : WEXITSTATUS(status);
}

int victim_run(int (*work)(const void *arg), const void *arg, int keep_fd, size_t ballast)
{
    sigset_t all, before;
    if (is_too_exposed() || !children_stay_in_namespace())
        return VICTIM_NONE;
    pid_t parent = getpid();
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    /* All arguments 0: a fork without an exit signal, on every architecture. */
    pid_t child = (pid_t)syscall(SYS_clone, 0L, 0L, 0L, 0L, 0L);
    if (child == 0)
        be_victim(parent, work, arg, keep_fd, ballast);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return child < 0 ? VICTIM_NONE : wait_for(child);
}
