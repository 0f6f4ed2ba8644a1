#include "crash/sysstop.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child.h"

enum { SYSTEM_CALL = SIGTRAP | 0x80 }; /* PTRACE_O_TRACESYSGOOD */

static void give_up(const char *what, pid_t pid, int status)
{
    fprintf(stderr, "sysstop: process %d: %s: %s (%s)\n", (int)pid, what, child_text(status),
            strerror(errno));
    exit(EXIT_FAILURE);
}

static void trace(enum __ptrace_request how, pid_t pid, void *data)
{
    if (ptrace(how, pid, NULL, data) != 0)
        give_up("ptrace", pid, 0);
}

static void set_options(pid_t pid, intptr_t more)
{
    trace(PTRACE_SETOPTIONS, pid, (void *)(PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | more));
}

/* Lets the process go on until it stops; the signal that says why. 0: it has ended. */
static int go_on_or_end(pid_t pid, enum __ptrace_request how, int signal)
{
    trace(how, pid, (void *)(intptr_t)signal);
    int status = child_wait(pid);
    return WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
}

static int go_on(pid_t pid, enum __ptrace_request how, int signal)
{
    signal = go_on_or_end(pid, how, signal);
    if (signal == 0)
        give_up("did not come to the end of the operation", pid, 0);
    return signal;
}

static void go_on_to(int wanted, pid_t pid)
{
    int signal = go_on(pid, PTRACE_CONT, 0);
    while (signal != wanted)
        signal = go_on(pid, PTRACE_CONT, signal);
}

struct play {
    sysstop_body *prepare;
    sysstop_body *perform;
    void *arg;
};

static int run_play(void *arg)
{
    const struct play *play = arg;
    pid_t self = getpid();
    CHILD_CHECK(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
    kill(self, SIGSTOP);
    play->prepare(play->arg);
    kill(self, SIGSTOP);
    play->perform(play->arg);
    kill(self, SIGSTOP);
    return 0;
}

pid_t sysstop_start(sysstop_body *prepare, sysstop_body *perform, void *arg)
{
    struct play play = {prepare, perform, arg};
    pid_t pid = child_start(run_play, &play);
    int status = child_wait(pid);
    if (!WIFSTOPPED(status))
        give_up("no start", pid, status);
    set_options(pid, 0);
    go_on_to(SIGSTOP, pid);
    return pid;
}

/* False when the process comes to an end, or to the mark, before. */
static bool lead(pid_t pid, size_t n)
{
    int signal = 0;
    while (n > 0) {
        signal = go_on_or_end(pid, PTRACE_SYSCALL, signal);
        if (signal == 0 || signal == SIGSTOP)
            return false;
        if (signal == SYSTEM_CALL) {
            signal = 0;
            n--;
        }
    }
    return true;
}

bool sysstop_follow(pid_t pid, size_t n)
{
    return lead(pid, n);
}

/* Attached from its first moment on, before which it stops. */
static pid_t first_started_by(pid_t pid)
{
    unsigned long started = 0;
    set_options(pid, PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE);
    go_on_to(SIGTRAP, pid);
    trace(PTRACE_GETEVENTMSG, pid, &started);
    set_options(pid, 0);
    child_wait((pid_t)started);
    set_options((pid_t)started, 0);
    return (pid_t)started;
}

bool sysstop_kill_started(pid_t pid, size_t n)
{
    pid_t started = first_started_by(pid);
    trace(PTRACE_CONT, pid, NULL);
    bool lasted = lead(started, n);
    if (lasted)
        sysstop_kill(started);
    int status = child_wait(pid);
    for (; WIFSTOPPED(status) && WSTOPSIG(status) != SIGSTOP; status = child_wait(pid))
        trace(PTRACE_CONT, pid, (void *)(intptr_t)WSTOPSIG(status));
    if (!WIFSTOPPED(status))
        give_up("did not come to the end of the operation", pid, status);
    return lasted;
}

void sysstop_kill(pid_t pid)
{
    kill(pid, SIGKILL);
    int status = child_wait(pid);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        give_up("killed", pid, status);
}

static int try_it(void *unused)
{
    (void)unused;
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : 1;
}

const char *sysstop_refusal(void)
{
    if (child_ok(child_run(try_it, NULL)))
        return NULL;
    return "ptrace is forbidden here: allow it (kernel.yama.ptrace_scope, or the container's "
           "filter of system calls)";
}
