/* This library, through its shared object, as programs have it. */
#include <shmpool.h>
#include <stdio.h>

#include "contender.h"

static shmpool_id pool;

static uint64_t create(uint64_t n_pages)
{
    struct shmpool_options options = {.backend = "memfd"};
    pool = shmpool_create(n_pages * BENCH_PAGE, &options);
    if (pool > 0)
        return n_pages;
    fprintf(stderr, "%s\n", shmpool_errmsg());
    return 0;
}

static void *alloc(size_t bytes)
{
    return shmpool_alloc(pool, bytes);
}

static void release(void *block)
{
    shmpool_free(pool, block);
}

static size_t size(void *block)
{
    return (size_t)shmpool_size_at(pool, block);
}

static void destroy(void)
{
    shmpool_release(pool);
}

const struct contender contender_shmpool = {
    .name = "shmpool",
    .create = create,
    .alloc = alloc,
    .release = release,
    .size = size,
    .destroy = destroy,
};
