/* The workloads, as one process does them.
 *
 *   W1   allocate a page and free it; counted in pairs
 *   W2   allocate 512 pages one by one and free them in random order; counted in calls
 *   W3   replace a random one of the single pages that fill the pool; counted in replacements
 *   W3s  the same, each of them timed with the clock's own time: the slowest of a thousand
 *   W4   free random blocks until there is room and allocate one of 1-64 pages, half of them of one
 *        page, a quarter of 2-3, and so on; counted in blocks
 *   W5   as W4, with blocks of 512-4096 pages
 *   W7   the size of a random block by its address, in a pool filled as for W4; counted in calls
 *
 * Filled means: to the given percentage of this process's share of the pool. */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include <stdbool.h>

#include "contender.h"

struct job {
    const struct contender *contender;
    uint64_t n_pages; /* this process's share */
    unsigned percent; /* of it are filled */
    uint64_t random;  /* the seed, not 0 */
    /* the rest is the workload's own */
    void **blocks;
    uint32_t *lengths; /* in pages */
    uint32_t n_blocks;
    uint32_t next; /* W2: the permutation whose turn it is */
    uint64_t n_live;
    uint64_t n_failures; /* allocations that gave nothing */
};

struct workload {
    const char *name;
    int (*prepare)(struct job *job);    /* 0, or -1: not for this contender, or no memory */
    uint64_t (*batch)(struct job *job); /* a few hundred operations: how many, exactly */
    bool one_by_one;                    /* a batch is one operation, and the slowest count */
};

/* NULL when there is none of that name. */
const struct workload *workload_named(const char *name);

#endif
