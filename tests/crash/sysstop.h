/* A child process that stands still at every system call, by ptrace: once before it and once after.
 *
 * The child prepares itself, then performs an operation. Its parent leads it from stop to stop and
 * may kill it at any of them: killed before a system call it never makes it, killed after one it
 * has made it and does nothing more. The last two stops belong to the call by which the child says
 * that the operation is over. Processes that the child starts are left alone, or the first of them
 * is led in its place.
 *
 * For any processor. A child that does what it should not ends the test with a sentence. */
#ifndef TESTS_CRASH_SYSSTOP_H
#define TESTS_CRASH_SYSSTOP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef void sysstop_body(void *arg);

/* NULL, or why nothing can be stopped on this machine. */
const char *sysstop_refusal(void);

/* A child that has called prepare(arg) and stands before perform(arg). */
pid_t sysstop_start(sysstop_body *prepare, sysstop_body *perform, void *arg);

/* Leads it to the n-th stop from there. False when the operation is over before. */
bool sysstop_follow(pid_t pid, size_t n);

/* Leads the first process that it starts to the n-th stop of that one and kills it there, then it
 * to the end of the operation. False when that process ended before. */
bool sysstop_kill_started(pid_t pid, size_t n);

void sysstop_kill(pid_t pid);

#endif
