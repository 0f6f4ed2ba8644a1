/* What the workloads know of an allocator: one small table of functions for each.
 *
 * The master calls create before it forks the workers, which then call the rest. Memory is counted
 * in pages of BENCH_PAGE bytes, whatever the contender makes of it. */
#ifndef BENCH_CONTENDER_H
#define BENCH_CONTENDER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { BENCH_PAGE = 4096 };

struct contender {
    const char *name;
    /* Memory for that many pages, shared with children. The pages it has, or 0: stderr says why. */
    uint64_t (*create)(uint64_t n_pages);
    void *(*alloc)(size_t bytes);
    void (*release)(void *block);
    size_t (*size)(void *block); /* NULL: it cannot tell */
    void (*destroy)(void);
    int is_private; /* each process has memory of its own, without a bound */
};

extern const struct contender contender_shmpool, contender_floor2cas, contender_boost,
    contender_apr, contender_mm, contender_malloc;

/* Shared memory without a name for n_pages and 1/256 more, for what an allocator adds to them;
 * bytes gets its size. NULL: stderr says why. */
void *contender_memory(uint64_t n_pages, size_t *bytes);

#ifdef __cplusplus
}
#endif

#endif
