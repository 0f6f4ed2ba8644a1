#include "workload.h"

#include <stdlib.h>
#include <string.h>

#include "random.h"

enum { BATCH = 256, W2_PAGES = 512, W2_ORDERS = 16 };

static void *alloc_pages(struct job *job, uint32_t n)
{
    void *block = job->contender->alloc((size_t)n * BENCH_PAGE);
    job->n_failures += block == NULL;
    return block;
}

static int room_for_blocks(struct job *job, uint64_t n)
{
    job->blocks = calloc(n, sizeof *job->blocks);
    job->lengths = calloc(n, sizeof *job->lengths);
    return job->blocks != NULL && job->lengths != NULL ? 0 : -1;
}

static uint64_t wanted(const struct job *job)
{
    return job->n_pages * job->percent / 100;
}

/* --- W1 --- */

static int prepare_nothing(struct job *job)
{
    (void)job;
    return 0;
}

static uint64_t pairs(struct job *job)
{
    for (int i = 0; i < BATCH; i++) {
        void *block = alloc_pages(job, 1);
        if (block != NULL)
            job->contender->release(block);
    }
    return BATCH;
}

/* --- W2: lengths holds the orders in which a round is freed --- */

static int prepare_orders(struct job *job)
{
    if (room_for_blocks(job, W2_PAGES * W2_ORDERS) != 0)
        return -1;
    for (uint32_t i = 0; i < W2_PAGES * W2_ORDERS; i++) {
        uint32_t base = i - i % W2_PAGES;
        uint32_t other = base + random_below(&job->random, i % W2_PAGES + 1);
        job->lengths[i] = job->lengths[other];
        job->lengths[other] = i % W2_PAGES;
    }
    return 0;
}

static uint64_t rounds(struct job *job)
{
    const uint32_t *order = job->lengths + (size_t)(job->next++ % W2_ORDERS) * W2_PAGES;
    for (uint32_t i = 0; i < W2_PAGES; i++)
        job->blocks[i] = alloc_pages(job, 1);
    for (uint32_t i = 0; i < W2_PAGES; i++)
        if (job->blocks[order[i]] != NULL)
            job->contender->release(job->blocks[order[i]]);
    return (uint64_t)2 * W2_PAGES;
}

/* --- W3 --- */

static int fill_singly(struct job *job)
{
    if (room_for_blocks(job, wanted(job)) != 0)
        return -1;
    for (uint64_t n = wanted(job); job->n_blocks < n; job->n_blocks++) {
        job->blocks[job->n_blocks] = alloc_pages(job, 1);
        if (job->blocks[job->n_blocks] == NULL)
            return -1;
    }
    return 0;
}

static uint64_t replacement(struct job *job)
{
    void **block = &job->blocks[random_below(&job->random, job->n_blocks)];
    if (*block != NULL)
        job->contender->release(*block);
    *block = alloc_pages(job, 1);
    return 1;
}

static uint64_t replacements(struct job *job)
{
    for (int i = 0; i < BATCH; i++)
        replacement(job);
    return BATCH;
}

/* --- W4, W5, W7 --- */

static uint32_t short_length(struct job *job)
{
    uint32_t random = random_next(&job->random);
    unsigned class = (unsigned)__builtin_ctz(random | 64);
    uint32_t low = UINT32_C(1) << class;
    return class < 6 ? low + ((random >> 8) & (low - 1)) : low;
}

static uint32_t long_length(struct job *job)
{
    return 512 + random_below(&job->random, 4096 - 512 + 1);
}

static void free_one(struct job *job)
{
    uint32_t i = random_below(&job->random, job->n_blocks);
    job->contender->release(job->blocks[i]);
    job->n_live -= job->lengths[i];
    job->n_blocks--;
    job->blocks[i] = job->blocks[job->n_blocks];
    job->lengths[i] = job->lengths[job->n_blocks];
}

static void replace_blocks(struct job *job, uint32_t (*length)(struct job *job), int n)
{
    for (int i = 0; i < n; i++) {
        uint32_t n_pages = length(job);
        while (job->n_live + n_pages > wanted(job) && job->n_blocks > 0)
            free_one(job);
        void *block = alloc_pages(job, n_pages);
        if (block == NULL)
            continue;
        job->blocks[job->n_blocks] = block;
        job->lengths[job->n_blocks++] = n_pages;
        job->n_live += n_pages;
    }
}

static int fill_with(struct job *job, uint32_t (*length)(struct job *job), uint32_t most)
{
    if (room_for_blocks(job, wanted(job)) != 0)
        return -1;
    while (job->n_live + most <= wanted(job) && job->n_failures == 0)
        replace_blocks(job, length, 1);
    job->n_failures = 0;
    return 0;
}

static int fill_short(struct job *job)
{
    return fill_with(job, short_length, 64);
}

static int fill_long(struct job *job)
{
    return fill_with(job, long_length, 4096);
}

static uint64_t short_blocks(struct job *job)
{
    replace_blocks(job, short_length, BATCH);
    return BATCH;
}

static uint64_t long_blocks(struct job *job)
{
    replace_blocks(job, long_length, BATCH);
    return BATCH;
}

static int fill_to_be_asked(struct job *job)
{
    return job->contender->size != NULL ? fill_short(job) : -1;
}

static uint64_t sizes(struct job *job)
{
    for (int i = 0; i < BATCH; i++)
        job->n_failures += job->contender->size(
                               job->blocks[random_below(&job->random, job->n_blocks)]) < BENCH_PAGE;
    return BATCH;
}

static const struct workload workloads[] = {
    {"W1", prepare_nothing, pairs, false},    {"W2", prepare_orders, rounds, false},
    {"W3", fill_singly, replacements, false}, {"W3s", fill_singly, replacement, true},
    {"W4", fill_short, short_blocks, false},  {"W5", fill_long, long_blocks, false},
    {"W7", fill_to_be_asked, sizes, false},
};

const struct workload *workload_named(const char *name)
{
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
        if (strcmp(workloads[i].name, name) == 0)
            return &workloads[i];
    return NULL;
}
