/* What a worker does: it counts chunks until none is free. */
#ifndef WORDCOUNT_WORKER_H
#define WORDCOUNT_WORKER_H

#include <shmpool.h>

#include "input.h"

struct worker_task {
    shmpool_id pool; /* its root is the job */
    const struct input *input;
    unsigned slot;
    uint32_t worker; /* its number: see chunks.h */
};

/* For shmpool_start; task: struct worker_task. 0, or 1: the slot says why. */
int worker_run(void *task);

#endif
