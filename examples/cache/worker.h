/* What a worker does: it serves the clients that it accepts, until it is told to end. */
#ifndef CACHE_WORKER_H
#define CACHE_WORKER_H

#include <shmpool.h>

#include "layout.h"

struct worker_task {
    shmpool_id pool;
    struct cache_shm *cache;
    unsigned slot; /* its index */
    int listener;
};

/* For shmpool_start; task: struct worker_task. The signals of signals.h are blocked. 0. */
int worker_run(void *task);

#endif
