/* The Apache Portable Runtime's relocatable memory, under a process-shared pthread mutex. */
#include <apr_general.h>
#include <apr_proc_mutex.h>
#include <apr_rmm.h>
#include <stdio.h>
#include <sys/mman.h>

#include "contender.h"

static apr_rmm_t *heap;
static void *base;
static size_t base_bytes;

static uint64_t create(uint64_t n_pages)
{
    static apr_anylock_t lock = {.type = apr_anylock_procmutex};
    apr_pool_t *pool;
    base = contender_memory(n_pages, &base_bytes);
    if (base == NULL)
        return 0;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS ||
        apr_proc_mutex_create(&lock.lock.pm, NULL, APR_LOCK_PROC_PTHREAD, pool) != APR_SUCCESS ||
        apr_rmm_init(&heap, &lock, base, base_bytes, pool) != APR_SUCCESS) {
        fprintf(stderr, "apr: no relocatable memory of %zu bytes\n", base_bytes);
        return 0;
    }
    return n_pages;
}

static void *alloc(size_t bytes)
{
    apr_rmm_off_t offset = apr_rmm_malloc(heap, bytes);
    return offset != 0 ? apr_rmm_addr_get(heap, offset) : NULL;
}

static void release(void *block)
{
    apr_rmm_free(heap, apr_rmm_offset_get(heap, block));
}

static void destroy(void)
{
    munmap(base, base_bytes);
}

const struct contender contender_apr = {
    .name = "apr",
    .create = create,
    .alloc = alloc,
    .release = release,
    .destroy = destroy,
};
