/* Growing a pool. The address space is there from the start, for max_size; the object is extended
 * here, and every process sees the new pages as soon as the limit in the header says so. */
#include <errno.h>
#include <pthread.h>
#include <shmpool/pool.h>
#include <string.h>
#include <time.h>

#include "backend/call.h"
#include "base/error.h"
#include "core/growth.h"
#include "core/members.h"
#include "family/members.h"
#include "family/pools.h"
#include "family/process.h"

enum { PATIENCE = 60 /* seconds, for a grower that lives and does not come to its end */ };

static uint64_t seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec;
}

/* A grower takes as long as the system takes to give memory, so whoever comes meanwhile waits. */
static int begin(struct pool *pool)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    struct recovery_world world = members_world(pool);
    uint64_t ident = members_ident(pool);
    uint64_t end = seconds_now() + PATIENCE;
    if (ident == 0)
        return -1;
    while (!growth_begin(&pool->view, ident, &world)) {
        if (seconds_now() >= end)
            return error_set(EAGAIN,
                             "process %u has been making pool %s larger for %d seconds and does "
                             "not come to its end: it may be stopped",
                             (unsigned)ident_pid(atomic_load(&pool->view.header->grower)),
                             pool->name, PATIENCE);
        nanosleep(&nap, NULL);
    }
    return 0;
}

static uint64_t size_for(const struct pool *pool, uint64_t n_pages)
{
    return pool->view.pages - (uintptr_t)pool->base + (n_pages << pool->view.page_shift);
}

static int extend_object(struct pool *pool, uint64_t size)
{
    struct shmpool_description description;
    if (call_describe(pool->backend, &pool->object, &description) != 0)
        return -1;
    return description.size >= size ? 0 : call_resize(pool->backend, &pool->object, size);
}

/* All of the new part is there, or none of it takes memory. */
static int commit_from(struct pool *pool, uint64_t before, uint64_t size)
{
    if (call_commit(pool->backend, &pool->object, pool->base, size) == 0)
        return 0;
    struct shmpool_description object;
    struct error_before failure;
    int code = errno;
    error_remember(&failure);
    if (call_describe(pool->backend, &pool->object, &object) == 0 && object.size > size)
        size = object.size; /* what a grower that died left beyond */
    call_discard(pool->backend, &pool->object, pool->base, before, size - before);
    error_forget_since(&failure);
    errno = code;
    return -1;
}

static int extend(struct pool *pool, uint64_t n_pages)
{
    pools_refresh(pool);
    uint64_t limit = view_limit(&pool->view);
    uint64_t size = size_for(pool, n_pages);
    if (n_pages <= limit)
        return 0;
    if (extend_object(pool, size) != 0)
        return -1;
    if ((pool->flags & SHMPOOL_COMMIT) && commit_from(pool, size_for(pool, limit), size) != 0)
        return -1;
    growth_raise(&pool->view, n_pages);
    pools_refresh(pool);
    return 0;
}

static int grow_alone(struct pool *pool, uint64_t n_pages)
{
    if (begin(pool) != 0)
        return -1;
    int failed = extend(pool, n_pages);
    int code = errno;
    growth_end(&pool->view);
    errno = code;
    return failed;
}

static int refuse_size(const struct pool *pool, size_t total)
{
    char asked[ERROR_SIZE_TEXT], most[ERROR_SIZE_TEXT];
    uint64_t max_size = pool->view.max_pages << pool->view.page_shift;
    return error_set(EINVAL,
                     "pool %s cannot grow to %s: its max_size is %s; create it with a larger one",
                     pool->name, error_size(asked, total), error_size(most, max_size));
}

int shmpool_grow(shmpool_id id, size_t total)
{
    if (process_begin() != 0)
        return -1;
    struct pool *pool = pools_find_writable(id);
    if (pool == NULL)
        return -1;
    uint64_t page = UINT64_C(1) << pool->view.page_shift;
    uint64_t n_pages = total / page + (total % page != 0);
    if (n_pages > pool->view.max_pages)
        return refuse_size(pool, total);
    if (n_pages <= view_limit(&pool->view))
        return 0;
    struct member *member = members_enter(pool);
    if (member == NULL)
        return -1;
    int cancel;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    int failed = grow_alone(pool, n_pages);
    pthread_setcancelstate(cancel, &cancel);
    members_leave(member);
    return failed;
}
