/* The job: its size, and setting it up in a pool. */
#ifndef WORDCOUNT_JOB_H
#define WORDCOUNT_JOB_H

#include <shmpool.h>

#include "layout.h"

/* What is known of a job before it starts. */
struct job_plan {
    uint64_t bytes; /* of all files */
    size_t n_chunks;
    unsigned n_slots;
};

/* What every text needs: the job itself, and some blocks for each worker. */
size_t job_first_size(const struct job_plan *plan);

/* A pool of this many bytes suffices for any text of that length. Only what is used of it takes
 * memory; so it is generous, but never more than the machine has. */
size_t job_pool_size(const struct job_plan *plan);

/* Lays the empty job out in the pool and makes it the pool's root. NULL and errno: see
 * shmpool_errmsg. */
struct job_shm *job_create(shmpool_id pool, const struct job_plan *plan);

#endif
