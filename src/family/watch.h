/* Waiting for the end of one process, and signalling that one and no other.
 *
 * Through a pidfd, which was never seen to be wrong: it becomes readable when the last thread is
 * gone, zombie or not, and stands for one process for ever. Where the kernel has none, or a filter
 * of system calls keeps it from us, the process is looked at in /proc again and again. */
#ifndef SHMPOOL_FAMILY_WATCH_H
#define SHMPOOL_FAMILY_WATCH_H

#include <stdint.h>
#include <sys/types.h>

struct watch {
    int pidfd; /* -1: by looking */
    pid_t pid;
    uint64_t start;
};

/* Begins to watch the process that has this pid and began then. start may be cut to its low 30
 * bits; 0: not known. 0, or -1 with errno and no sentence: ESRCH when that process is dead. The
 * caller ends a watch that was begun. */
int watch_begin(struct watch *watch, uint64_t start, pid_t pid);
void watch_end(struct watch *watch);

/* 1 when the process has ended. Waits up to timeout_ms, -1 for ever. */
int watch_wait(const struct watch *watch, int timeout_ms);

/* 0, or -1 with errno and no sentence: ESRCH when the process has ended. Where there is no pidfd
 * the process must be a child of the caller, whom no other thread reaps meanwhile, else ENOTSUP. */
int watch_signal(const struct watch *watch, int signal);

#endif
