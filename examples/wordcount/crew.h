/* The master's side: starts the workers, waits for them, and replaces those that die.
 *
 * Everything is decided by the states of the chunks: a worker that was killed is joined, its chunk
 * is given back, and as long as a chunk is free another worker is started in its slot. */
#ifndef WORDCOUNT_CREW_H
#define WORDCOUNT_CREW_H

#include <shmpool.h>

#include "input.h"
#include "layout.h"
#include "progress.h"

struct crew_order {
    shmpool_id pool;
    size_t pool_size;
    struct job_shm *job; /* as many workers as it has slots */
    const struct input *input;
};

/* Has all chunks counted. 0, or -1: stderr says why, unless a signal was noted; no worker is left
 * in any case. */
int crew_run(const struct crew_order *order, struct progress *progress);

/* What SIGBUS means. */
#define CREW_NO_MEMORY "no memory is left for the pool: see df /dev/shm, or try -b memfd"

/* Says that the pool is too small, and what can be done. */
void crew_say_pool_full(size_t pool_size);

#endif
