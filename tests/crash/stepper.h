/* A child process that is run one instruction at a time, by ptrace.
 *
 * The child prepares itself, then performs an operation again and again, with a mark before each
 * time. At the mark it stops. From there its parent leads it: instruction by instruction, or
 * natively to a boundary that an earlier run has passed, or to the mark again. Between two
 * instructions it can be left standing, or killed. A boundary is named by the instruction that
 * comes next and how often that has come since the mark; children forked from one parent have
 * their code at the same addresses, so a name that one run noted is good for the next run.
 *
 * Only on x86-64. A child that does what it should not ends the test with a sentence. */
#ifndef TESTS_CRASH_STEPPER_H
#define TESTS_CRASH_STEPPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef void stepper_body(void *arg);

struct stepper {
    pid_t pid;
    uintptr_t next; /* the address of the instruction that comes next */
};

/* NULL, or why nothing can be stepped on this machine. */
const char *stepper_refusal(void);

/* A child that has called prepare(arg) and stands at the mark before its first perform(arg). */
struct stepper stepper_start(stepper_body *prepare, stepper_body *perform, void *arg);

/* Runs one instruction, one that repeats itself to its end: the library clears tables of its own by
 * such ones, never those of a pool. False when the child stands at the mark again: the operation is
 * over. */
bool stepper_step(struct stepper *stepper);

/* The same, but what a call out of this program does, into libc and the system, is one step. */
bool stepper_step_own(struct stepper *stepper);

/* Runs natively until it stands at the mark again. */
void stepper_finish(struct stepper *stepper);

void stepper_kill(struct stepper *stepper);

/* Whether the instruction that comes next may read or write the n bytes from base on. */
bool stepper_may_access(const struct stepper *stepper, uintptr_t base, size_t n);

/* The boundaries that a run has passed, in order. All zero: none. */
struct track {
    uintptr_t *next;
    size_t *times; /* that the instruction has come by then, this time included */
    size_t n;
    size_t room;
    bool own; /* the run was stepped by stepper_step_own */
};

void track_add(struct track *track, const struct stepper *stepper);
void track_drop(struct track *track);

/* Runs from the mark to boundary k of the track, natively for most of the way. False when the run
 * took another way and stands at the mark again. */
bool stepper_follow(struct stepper *stepper, const struct track *track, size_t k);

#endif
