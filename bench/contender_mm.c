/* OSSP mm. It has a bound of its own, some 64 MiB: the pool is no larger than that. */
#include <mm.h>
#include <stdio.h>

#include "contender.h"

static MM *heap;

static uint64_t create(uint64_t n_pages)
{
    uint64_t most = mm_maxsize() / BENCH_PAGE;
    uint64_t there = n_pages + n_pages / 256 + 64 < most ? n_pages + n_pages / 256 + 64 : most;
    heap = mm_create(there * BENCH_PAGE, NULL);
    if (heap == NULL) {
        fprintf(stderr, "mm: %s\n", mm_error());
        return 0;
    }
    return there - there / 128;
}

static void *alloc(size_t bytes)
{
    return mm_malloc(heap, bytes);
}

static void release(void *block)
{
    mm_free(heap, block);
}

static size_t size(void *block)
{
    return mm_sizeof(heap, block);
}

static void destroy(void)
{
    mm_destroy(heap);
}

const struct contender contender_mm = {
    .name = "mm",
    .create = create,
    .alloc = alloc,
    .release = release,
    .size = size,
    .destroy = destroy,
};
