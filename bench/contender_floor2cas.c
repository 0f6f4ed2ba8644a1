/* The machine's own floor: each call is one compare-and-swap, on a line that is this process's own
 * and hot. No allocator that takes a page from shared memory can do less. */
#include <stdatomic.h>

#include "contender.h"

static _Alignas(64) _Atomic uint64_t word;

static uint64_t create(uint64_t n_pages)
{
    return n_pages;
}

static void swap(uint64_t from, uint64_t to)
{
    atomic_compare_exchange_strong_explicit(&word, &from, to, memory_order_acq_rel,
                                            memory_order_relaxed);
}

static void *alloc(size_t bytes)
{
    (void)bytes;
    swap(0, 1);
    return (void *)&word;
}

static void release(void *block)
{
    (void)block;
    swap(1, 0);
}

static void destroy(void)
{
}

const struct contender contender_floor2cas = {
    .name = "floor2cas",
    .create = create,
    .alloc = alloc,
    .release = release,
    .destroy = destroy,
    .is_private = 1,
};
