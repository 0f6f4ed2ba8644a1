#include "crash/stepper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "crash/operand.h"
#include "support/child.h"

enum { BREAKPOINT = 0xCC };

/* The one instruction that stops the child, and a return. */
void stepper_mark(void);
__asm__(".text\n"
        ".globl stepper_mark\n"
        ".type stepper_mark, @function\n"
        "stepper_mark: int3\n"
        "ret\n"
        ".size stepper_mark, . - stepper_mark\n");

static uintptr_t mark(void)
{
    return (uintptr_t)stepper_mark;
}

static void give_up(const char *what, pid_t pid, int status)
{
    fprintf(stderr, "stepper: process %d: %s: %s (%s)\n", (int)pid, what, child_text(status),
            strerror(errno));
    exit(EXIT_FAILURE);
}

static long trace(enum __ptrace_request request, pid_t pid, uintptr_t address, uintptr_t data)
{
    errno = 0;
    long value = ptrace(request, pid, (void *)address, (void *)data);
    if (value == -1 && errno != 0)
        give_up("ptrace", pid, 0);
    return value;
}

static uintptr_t read_next(pid_t pid)
{
    return (uintptr_t)trace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.rip), 0);
}

/* Lets the child go on and waits until it stops at a trap. */
static void go_on(struct stepper *stepper, enum __ptrace_request how)
{
    trace(how, stepper->pid, 0, 0);
    int status = child_wait(stepper->pid);
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
        give_up("no trap", stepper->pid, status);
    stepper->next = read_next(stepper->pid);
}

struct play {
    stepper_body *prepare;
    stepper_body *perform;
    void *arg;
};

static int run_play(void *arg)
{
    const struct play *play = arg;
    CHILD_CHECK(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
    raise(SIGSTOP);
    play->prepare(play->arg);
    for (;;) {
        stepper_mark();
        play->perform(play->arg);
    }
}

struct stepper stepper_start(stepper_body *prepare, stepper_body *perform, void *arg)
{
    struct play play = {prepare, perform, arg};
    struct stepper stepper = {.pid = child_start(run_play, &play)};
    int status = child_wait(stepper.pid);
    if (!WIFSTOPPED(status))
        give_up("no start", stepper.pid, status);
    trace(PTRACE_SETOPTIONS, stepper.pid, 0, PTRACE_O_EXITKILL);
    go_on(&stepper, PTRACE_CONT);
    return stepper;
}

static bool run_to(struct stepper *stepper, uintptr_t at, size_t n);

bool stepper_step(struct stepper *stepper)
{
    const uint64_t code = (uint64_t)trace(PTRACE_PEEKTEXT, stepper->pid, stepper->next, 0);
    const size_t repeated = operand_repeated((const uint8_t *)&code);
    if (repeated > 0)
        return run_to(stepper, stepper->next + repeated, 1);
    go_on(stepper, PTRACE_SINGLESTEP);
    return stepper->next != mark();
}

static bool is_own(uintptr_t address)
{
    extern const char __executable_start[], etext[]; /* the linker's */
    return address >= (uintptr_t)__executable_start && address < (uintptr_t)etext;
}

bool stepper_step_own(struct stepper *stepper)
{
    if (!stepper_step(stepper))
        return false;
    if (is_own(stepper->next))
        return true;
    uintptr_t stack =
        (uintptr_t)trace(PTRACE_PEEKUSER, stepper->pid, offsetof(struct user, regs.rsp), 0);
    uintptr_t back = (uintptr_t)trace(PTRACE_PEEKDATA, stepper->pid, stack, 0);
    return run_to(stepper, back, 1);
}

void stepper_finish(struct stepper *stepper)
{
    go_on(stepper, PTRACE_CONT);
    if (stepper->next != mark() + 1)
        give_up("a trap that is none of ours", stepper->pid, 0);
}

void stepper_kill(struct stepper *stepper)
{
    kill(stepper->pid, SIGKILL);
    int status = child_wait(stepper->pid);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        give_up("killed", stepper->pid, status);
}

bool stepper_may_access(const struct stepper *stepper, uintptr_t base, size_t n)
{
    struct user_regs_struct registers;
    uint64_t code[2];
    trace(PTRACE_GETREGS, stepper->pid, 0, (uintptr_t)&registers);
    code[0] = (uint64_t)trace(PTRACE_PEEKTEXT, stepper->pid, stepper->next, 0);
    code[1] = (uint64_t)trace(PTRACE_PEEKTEXT, stepper->pid, stepper->next + 8, 0);
    return operand_may_lie_in((const uint8_t *)code, &registers, base, n);
}

/* Runs natively until the instruction at `at` comes for the n-th time. */
static bool run_to(struct stepper *stepper, uintptr_t at, size_t n)
{
    uintptr_t code = (uintptr_t)trace(PTRACE_PEEKTEXT, stepper->pid, at, 0);
    uintptr_t broken = (code & ~(uintptr_t)0xFF) | BREAKPOINT;
    for (; n > 0; n--) {
        trace(PTRACE_POKETEXT, stepper->pid, at, broken);
        go_on(stepper, PTRACE_CONT);
        trace(PTRACE_POKETEXT, stepper->pid, at, code);
        if (stepper->next == mark() + 1)
            return false;
        stepper->next = at;
        trace(PTRACE_POKEUSER, stepper->pid, offsetof(struct user, regs.rip), at);
        if (n > 1)
            stepper_step(stepper);
    }
    return true;
}

/* The boundary before k, or k, from which k is the soonest reached from the mark: every time that
 * a breakpoint is met costs two stops, every step one. */
static size_t stopover(const struct track *track, size_t k)
{
    size_t best = k;
    size_t best_cost = 2 * track->times[k];
    for (size_t i = k; i > 0 && k - i < best_cost; i--) {
        size_t cost = 2 * track->times[i] + (k - i);
        if (cost < best_cost) {
            best_cost = cost;
            best = i;
        }
    }
    return best;
}

bool stepper_follow(struct stepper *stepper, const struct track *track, size_t k)
{
    if (k == 0)
        return true;
    size_t near = stopover(track, k);
    if (!run_to(stepper, track->next[near], track->times[near]))
        return false;
    for (; near < k; near++)
        if (!(track->own ? stepper_step_own(stepper) : stepper_step(stepper))) {
            stepper_finish(stepper);
            return false;
        }
    return true;
}

static void nothing(void *unused)
{
    (void)unused;
}

static int try_it(void *unused)
{
    (void)unused;
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : 1;
}

const char *stepper_refusal(void)
{
    if (!child_ok(child_run(try_it, NULL)))
        return "ptrace is forbidden here: allow it (kernel.yama.ptrace_scope, or the container's "
               "filter of system calls)";
    struct stepper stepper = stepper_start(nothing, nothing, NULL);
    uintptr_t before = stepper.next;
    bool steps = stepper_step(&stepper) && stepper.next != before;
    stepper_kill(&stepper);
    return steps ? NULL : "this machine does not step single instructions";
}

/* How often the instruction has come since the mark; at the mark itself no instruction has. */
static size_t times_before(const struct track *track, uintptr_t next)
{
    for (size_t i = track->n; i > 1; i--)
        if (track->next[i - 1] == next)
            return track->times[i - 1];
    return 0;
}

void track_add(struct track *track, const struct stepper *stepper)
{
    if (track->n == track->room) {
        track->room = track->room == 0 ? 256 : 2 * track->room;
        track->next = realloc(track->next, track->room * sizeof *track->next);
        track->times = realloc(track->times, track->room * sizeof *track->times);
        if (track->next == NULL || track->times == NULL)
            abort();
    }
    track->next[track->n] = stepper->next;
    track->times[track->n] = times_before(track, stepper->next) + 1;
    track->n++;
}

void track_drop(struct track *track)
{
    free(track->next);
    free(track->times);
    *track = (struct track){0};
}
