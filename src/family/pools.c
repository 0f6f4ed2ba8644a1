#include "family/pools.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/anonymous.h"
#include "backend/call.h"
#include "base/error.h"
#include "family/letter.h"
#include "family/process.h"
#include "family/rights.h"

_Atomic(struct pool *) pools_table[REGISTRY_ENTRIES];
static _Atomic unsigned mark; /* places from here on were never used */

void pools_raise_mark(unsigned wanted)
{
    unsigned seen = atomic_load(&mark);
    while (seen < wanted && !atomic_compare_exchange_weak(&mark, &seen, wanted))
        ;
}

static struct pool *mapped(shmpool_id id)
{
    struct pool *pool = atomic_load(&pools_table[(uint32_t)id % REGISTRY_ENTRIES]);
    return pool != NULL && atomic_load(&pool->id) == id && atomic_load(&pool->state) == POOL_MAPPED
               ? pool
               : NULL;
}

static void refuse_lacking(shmpool_id id, const struct known_resource *known)
{
    if (!(known->flags & SHMPOOL_PRIVATE) && rights_cover(&known->creator))
        error_set(EACCES, "pool %d (%s) is not mapped in this process: shmpool_attach maps it",
                  (int)id, known->name);
    else
        error_set(EACCES,
                  "pool %d (%s) is not granted to this process: list it when the worker is started",
                  (int)id, known->name);
}

/* A spawned program finds its grants at its first call, be it this one. */
struct pool *pools_refuse(shmpool_id id)
{
    if (process_begin() != 0)
        return NULL;
    if (mapped(id) == NULL && letter_retry(id) < 0)
        return NULL;
    if (mapped(id) != NULL)
        return mapped(id);
    struct pool *pool = id > 0 ? atomic_load(&pools_table[(uint32_t)id % REGISTRY_ENTRIES]) : NULL;
    struct known_resource known;
    if (pool != NULL && atomic_load(&pool->id) == id)
        error_set(EACCES, "pool %d (%s) was released in this process: attach it, or open it again",
                  (int)id, pool->name);
    else if (registry_know(id, &known) == 0)
        refuse_lacking(id, &known);
    else
        error_set(EBADF, "there is no pool %d in this family of processes", (int)id);
    return NULL;
}

struct pool *pools_refuse_writing(const struct pool *pool)
{
    error_set(
        EROFS,
        "pool %d (%s) is read-only in this process: leave it to a process that has it in full",
        (int)atomic_load(&pool->id), pool->name);
    return NULL;
}

void pools_each(void (*visit)(void *context, struct pool *pool), void *context)
{
    unsigned end = atomic_load_explicit(&mark, memory_order_acquire);
    for (unsigned i = 0; i < end; i++) {
        struct pool *pool = atomic_load_explicit(&pools_table[i], memory_order_acquire);
        if (pool != NULL && atomic_load_explicit(&pool->state, memory_order_acquire) == POOL_MAPPED)
            visit(context, pool);
    }
}

struct holding {
    uintptr_t address;
    size_t n;
    struct pool *pool;
};

static int is_inside(const struct holding *holding, const struct pool *pool, uintptr_t offset)
{
    uint64_t size = view_limit(&pool->view) << pool->view.page_shift;
    return offset < size && holding->n <= size - offset;
}

static void is_holding(void *context, struct pool *pool)
{
    struct holding *holding = context;
    uintptr_t offset = holding->address - pool->view.pages;
    uint64_t most = pool->view.max_pages << pool->view.page_shift;
    if (holding->address < pool->view.pages || offset >= most)
        return; /* found out without touching a pool that another thread may be releasing */
    if (!is_inside(holding, pool, offset))
        pools_refresh(pool);
    if (is_inside(holding, pool, offset))
        holding->pool = pool;
}

struct pool *pools_holding(uintptr_t address, size_t n)
{
    struct holding holding = {address, n, NULL};
    pools_each(is_holding, &holding);
    return holding.pool;
}

void pools_refresh(struct pool *pool)
{
    struct view *view = &pool->view;
    struct shmpool_description description;
    struct error_before before;
    uint64_t known = atomic_load(&view->there);
    uint64_t offset = view->pages - (uintptr_t)pool->base;
    if (atomic_load(&view->header->limit) <= known || known == view->max_pages)
        return;
    error_remember(&before);
    int failed = call_describe(pool->backend, &pool->object, &description);
    error_forget_since(&before);
    if (failed || description.size < offset)
        return;
    uint64_t n = (description.size - offset) >> view->page_shift;
    n = n < view->max_pages ? n : view->max_pages;
    while (known < n && !atomic_compare_exchange_weak(&view->there, &known, n))
        ;
}

void pools_drop(struct pool *pool)
{
    atomic_store(&pool->plain, 0);
    atomic_store(&pool->state, POOL_RELEASED);
    call_unmap(pool->backend, &pool->object, pool->base, pool->mapping_size);
    call_close(pool->backend, &pool->object);
    pool->members = NULL;
}

int pools_make_readonly(struct pool *pool)
{
    if (call_map(pool->backend, &pool->object, pool->base, pool->mapping_size,
                 SHMPOOL_MAP_RDONLY | SHMPOOL_MAP_REPLACE) == NULL)
        return -1;
    if (!(pool->flags & SHMPOOL_DUMP))
        mapping_keep_out_of_dumps(pool->base, pool->mapping_size);
    pool->readonly = 1;
    atomic_store(&pool->plain, 0);
    return call_restrict_access(pool->backend, &pool->object);
}

static struct pool *unfinished;

void pools_add_unfinished(struct pool *pool)
{
    pool->next_unfinished = unfinished;
    unfinished = pool;
}

void pools_remove_unfinished(struct pool *pool)
{
    for (struct pool **link = &unfinished; *link != NULL; link = &(*link)->next_unfinished)
        if (*link == pool) {
            *link = pool->next_unfinished;
            return;
        }
}

void pools_drop_unfinished(void)
{
    for (struct pool *pool = unfinished; pool != NULL; pool = pool->next_unfinished)
        pools_drop(pool);
    unfinished = NULL;
}

int pools_index_is_free(shmpool_id id)
{
    struct pool *pool = atomic_load(&pools_table[(uint32_t)id % REGISTRY_ENTRIES]);
    return pool == NULL || atomic_load(&pool->state) != POOL_MAPPED;
}

static void note_use(void *context, struct pool *pool)
{
    (void)context;
    registry_use(atomic_load(&pool->id));
}

void pools_note_uses(void)
{
    pools_each(note_use, NULL);
}

static void renew_pool(void *context, struct pool *pool)
{
    (void)context;
    pool->row = 0;
    pool->ident = 0;
    pool->members = NULL;
    pool->spare = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

/* Whoever was at work on an unfinished pool is not here. */
void pools_renew(void)
{
    pools_each(renew_pool, NULL);
    pools_drop_unfinished();
}
