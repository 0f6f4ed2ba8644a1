#include "chunks.h"

static const uint32_t FREE = 0, FINISHED = UINT32_C(1) << 31; /* the rest is the worker */

static uint32_t state_of(const struct job_shm *job, size_t chunk)
{
    return atomic_load_explicit(&job->chunks[chunk], memory_order_acquire);
}

static bool change(struct job_shm *job, size_t chunk, uint32_t from, uint32_t to)
{
    return atomic_compare_exchange_strong(&job->chunks[chunk], &from, to);
}

/* The counter gives each chunk to one worker. A worker may die between the counter and the claim,
 * and chunks are given back: what the counter has passed is looked through. */
size_t chunks_claim(struct job_shm *job, uint32_t worker)
{
    size_t chunk;
    while ((chunk = atomic_fetch_add(&job->next_chunk, 1)) < job->n_chunks)
        if (change(job, chunk, FREE, worker))
            return chunk;
    for (chunk = 0; chunk < job->n_chunks; chunk++)
        if (state_of(job, chunk) == FREE && change(job, chunk, FREE, worker))
            return chunk;
    return job->n_chunks;
}

/* Release: the counts come before. */
void chunks_finish(struct job_shm *job, size_t chunk, uint32_t worker)
{
    atomic_store_explicit(&job->chunks[chunk], worker | FINISHED, memory_order_release);
}

bool chunks_finished_by(const struct job_shm *job, size_t chunk, uint32_t worker)
{
    return state_of(job, chunk) == (worker | FINISHED);
}

bool chunks_give_back(struct job_shm *job, uint32_t worker)
{
    for (size_t chunk = 0; chunk < job->n_chunks; chunk++)
        if (change(job, chunk, worker, FREE))
            return true;
    return false;
}

size_t chunks_count_finished(const struct job_shm *job)
{
    size_t n = 0;
    for (size_t chunk = 0; chunk < job->n_chunks; chunk++)
        n += (state_of(job, chunk) & FINISHED) != 0;
    return n;
}

bool chunks_any_free(const struct job_shm *job)
{
    for (size_t chunk = 0; chunk < job->n_chunks; chunk++)
        if (state_of(job, chunk) == FREE)
            return true;
    return false;
}
