#include "job.h"

#include <string.h>
#include <unistd.h>

#include "arena.h"

/* Words of four letters are the worst that a long text can consist of: five bytes of text give a
 * word and a cell, 64 bytes each. Shorter words are soon all there, longer ones have more text; the
 * rest is slack. */
enum { POOL_BYTES_PER_BYTE = 32 };

enum { BYTES_PER_BUCKET = 256, MIN_BUCKETS = 1 << 12, MAX_BUCKETS = 1 << 24 };

/* A power of two. Real texts have less than a word for each bucket; where there are more, the trees
 * in the buckets grow. */
static size_t choose_buckets(uint64_t bytes)
{
    size_t n = MIN_BUCKETS;
    while (n < MAX_BUCKETS && n < bytes / BYTES_PER_BUCKET)
        n *= 2;
    return n;
}

static size_t header_size(const struct job_plan *plan)
{
    return sizeof(struct job_shm) + plan->n_slots * sizeof(struct slot_shm) +
           plan->n_chunks * sizeof(uint32_t);
}

static uint64_t machine_memory(void)
{
    return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

size_t job_first_size(const struct job_plan *plan)
{
    return header_size(plan) + choose_buckets(plan->bytes) * sizeof(void *) +
           (size_t)plan->n_slots * 4 * ARENA_BLOCK + 4 * ARENA_BLOCK;
}

size_t job_pool_size(const struct job_plan *plan)
{
    uint64_t fixed = job_first_size(plan);
    uint64_t memory = machine_memory();
    if (plan->bytes >= memory / POOL_BYTES_PER_BYTE)
        return fixed + memory;
    return fixed + plan->bytes * POOL_BYTES_PER_BYTE;
}

/* A block is undefined when it is handed out. */
static void *alloc_zeroed(shmpool_id pool, size_t size)
{
    void *block = shmpool_alloc(pool, size);
    return block == NULL ? NULL : memset(block, 0, size);
}

struct job_shm *job_create(shmpool_id pool, const struct job_plan *plan)
{
    struct job_shm *job = alloc_zeroed(pool, header_size(plan));
    if (job == NULL)
        return NULL;
    job->slots = (struct slot_shm *)(job + 1);
    job->n_slots = plan->n_slots;
    job->chunks = (_Atomic uint32_t *)(job->slots + plan->n_slots);
    job->n_chunks = plan->n_chunks;
    job->n_buckets = choose_buckets(plan->bytes);
    job->buckets = alloc_zeroed(pool, job->n_buckets * sizeof *job->buckets);
    if (job->buckets == NULL || shmpool_set_root(pool, job) != 0)
        return NULL;
    return job;
}
