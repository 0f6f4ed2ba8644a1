#include "family/watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "family/identity.h"

enum { SHORTEST_NAP = 1, LONGEST_NAP = 16 /* ms, between two looks into /proc */ };

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void nap(int64_t ms)
{
    struct timespec time = {.tv_sec = 0, .tv_nsec = (long)(ms * 1000000)};
    nanosleep(&time, NULL);
}

/* Filters of older container managers answer EPERM for what they do not know. */
static int no_pidfd_here(int error)
{
    return error == ENOSYS || error == EPERM;
}

/* A signal of 0 that finds nobody is certain, as the contrary is not: it finds zombies. */
static int is_gone(const struct watch *watch)
{
    if (kill(watch->pid, 0) != 0 && errno == ESRCH)
        return 1;
    return identity_has_ended(watch->pid, watch->start);
}

static int refuse_gone(void)
{
    errno = ESRCH;
    return -1;
}

int watch_begin(struct watch *watch, uint64_t start, pid_t pid)
{
    *watch = (struct watch){.pidfd = pidfd_open(pid, 0), .pid = pid, .start = start};
    if (watch->pidfd < 0) {
        if (no_pidfd_here(errno))
            return is_gone(watch) ? refuse_gone() : 0;
        /* EINVAL, ENOENT: the number is a thread's by now, so no process has it. */
        return errno == EINVAL || errno == ENOENT ? refuse_gone() : -1;
    }
    /* Read after the pidfd was opened: an equal start time means that it is of that process. */
    if (identity_began_otherwise(pid, start)) {
        watch_end(watch);
        return refuse_gone();
    }
    return 0;
}

void watch_end(struct watch *watch)
{
    if (watch->pidfd >= 0)
        close(watch->pidfd);
    watch->pidfd = -1;
}

/* 1 when it has ended; else after the time, or earlier. */
static int wait_once(const struct watch *watch, int64_t ms, int64_t *longest)
{
    struct pollfd wanted = {.fd = watch->pidfd, .events = POLLIN};
    int ready = watch->pidfd >= 0 ? poll(&wanted, 1, (int)ms) : 0;
    if (ready == 1 && (wanted.revents & POLLIN))
        return 1;
    /* A program may close what it does not know; then as where there is none. */
    if (watch->pidfd >= 0 && (wanted.revents & POLLNVAL) == 0)
        return 0;
    if (is_gone(watch))
        return 1;
    nap(ms < 0 || ms > *longest ? *longest : ms);
    *longest = *longest < LONGEST_NAP ? *longest * 2 : LONGEST_NAP;
    return 0;
}

int watch_wait(const struct watch *watch, int timeout_ms)
{
    int64_t end = now_ms() + timeout_ms;
    int64_t longest = SHORTEST_NAP;
    for (;;) {
        int64_t left = timeout_ms < 0 ? -1 : end - now_ms();
        int over = timeout_ms >= 0 && left <= 0;
        if (wait_once(watch, over ? 0 : left, &longest))
            return 1;
        if (over)
            return 0;
    }
}

static int is_child(const struct watch *watch)
{
    siginfo_t info;
    return waitid(P_PID, (id_t)watch->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

int watch_signal(const struct watch *watch, int signal)
{
    if (watch_wait(watch, 0))
        return refuse_gone();
    if (watch->pidfd >= 0)
        return pidfd_send_signal(watch->pidfd, signal, NULL, 0);
    if (is_child(watch))
        return kill(watch->pid, signal);
    errno = ENOTSUP;
    return -1;
}
