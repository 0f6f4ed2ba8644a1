/* A worker of the storm, from its start to its end: one of the library's, or a plain fork of the
 * master. The storm treats both alike. */
#ifndef TESTS_CRASH_STORM_POST_H
#define TESTS_CRASH_STORM_POST_H

#include <shmpool.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct post {
    shmpool_worker worker; /* 0: a plain fork */
    pid_t pid;
    uint32_t number; /* in the ledger */
};

/* Starts work(arg); it dies with the master. False with errno. */
bool post_start(struct post *post, bool by_plain_fork, int (*work)(void *arg), void *arg);

/* False when it has ended. */
bool post_signal(const struct post *post, int number);

/* Waits for its end; its wait status. False with errno. */
bool post_join(const struct post *post, int *status);

#endif
