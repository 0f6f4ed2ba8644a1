/* The System V segments that hold pools, by the kernel's word: /proc/sysvipc/shm. */
#ifndef TESTS_SUPPORT_SEGMENTS_H
#define TESTS_SUPPORT_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

struct segment_seen {
    int id;
    mode_t mode;
    size_t size;     /* whole pages */
    size_t resident; /* bytes in memory */
    pid_t creator;
    time_t changed; /* when it was made, or got its mode */
    char name[256]; /* of the pool; empty as long as it is unfinished */
};

/* Visits each that has a key and that this user may look into. */
void segments_each(void (*visit)(void *context, const struct segment_seen *segment), void *context);

/* The segment that holds the pool of this name; false when there is none. */
bool segments_find(const char *name, struct segment_seen *segment);

#endif
