/* Boost.Interprocess: rbtree_best_fit, under the mutex that it has for processes. */
#include <boost/interprocess/mem_algo/rbtree_best_fit.hpp>
#include <boost/interprocess/sync/mutex_family.hpp>
#include <new>

#include <sys/mman.h>

#include "contender.h"

namespace
{
using algorithm = boost::interprocess::rbtree_best_fit<boost::interprocess::mutex_family>;

algorithm *heap;
size_t heap_bytes;

uint64_t create(uint64_t n_pages)
{
    void *base = contender_memory(n_pages, &heap_bytes);
    if (base == nullptr)
        return 0;
    heap = new (base) algorithm(heap_bytes, 0);
    return n_pages;
}

void *alloc(size_t bytes)
{
    return heap->allocate(bytes);
}

void release(void *block)
{
    heap->deallocate(block);
}

size_t size(void *block)
{
    return heap->size(block);
}

void destroy()
{
    munmap(heap, heap_bytes);
}
} // namespace

const struct contender contender_boost = {"boost", create, alloc, release, size, destroy, 0};
