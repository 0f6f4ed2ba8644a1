/* Opening pools by name. What a name leads to is not trusted: it is looked at, its header read once
 * and checked, and mapped where that says, if nothing is there. */
#include <errno.h>
#include <shmpool/pool.h>
#include <string.h>

#include "backend/call.h"
#include "base/error.h"
#include "family/collector.h"
#include "family/contents.h"
#include "family/entry.h"
#include "family/members.h"
#include "family/names.h"
#include "family/open.h"
#include "family/pools.h"
#include "family/process.h"
#include "family/registry.h"

/* A pool that is mapped here already stays as it is; the new hold on its object is given up. */
static int is_here_already(shmpool_id id, struct pool *opened, unsigned flags, int *failed)
{
    struct pool *pool = entry_place(id);
    if (pool == NULL || atomic_load(&pool->id) != id || atomic_load(&pool->state) != POOL_MAPPED)
        return 0;
    call_close(opened->backend, &opened->object);
    *failed = 0;
    if (pool->readonly && !(flags & SHMPOOL_RDONLY))
        *failed =
            error_set(EROFS, "pool %s is read-only in this process: release it first", pool->name);
    return 1;
}

/* The ID that the family has for the object, or a new one; under process_lock. */
static shmpool_id enter_opened(struct pool *pool, const struct contents *contents, const char *name,
                               unsigned flags)
{
    struct pool known = *pool;
    int failed;
    known.base = (void *)(uintptr_t)contents->header.address;
    known.mapping_size = contents->layout.mapping_size;
    shmpool_id id = entry_register(&known, name, &contents->header);
    if (id < 0)
        return -1;
    if (is_here_already(id, pool, flags, &failed))
        return failed == 0 ? id : -2;
    if (!pools_index_is_free(id)) {
        registry_unuse(id);
        return error_set(EMFILE,
                         "pool %s has ID %d in this family, whose place another pool takes "
                         "in this process",
                         name, (int)id);
    }
    if (contents_map(pool, contents, name) == 0) {
        if (entry_enter(id, pool, name) == 0)
            return id;
        call_unmap(pool->backend, &pool->object, pool->base, pool->mapping_size);
    }
    int saved = errno;
    registry_unuse(id);
    errno = saved;
    return -1;
}

shmpool_id open_held(struct pool *pool, const char *name, int is_named, unsigned flags)
{
    struct contents contents;
    shmpool_id id = -1;
    if (contents_read(pool->backend, &pool->object, &contents, name) == 0 &&
        (!is_named || collector_check(pool->backend, &pool->object, &contents.header, name) == 0))
        id = enter_opened(pool, &contents, name, flags);
    if (id == -1)
        call_close(pool->backend, &pool->object);
    return id > 0 ? id : -1;
}

static shmpool_id open_with(const struct shmpool_backend *backend, const char *name, unsigned flags)
{
    struct pool pool = {.backend = backend, .readonly = (flags & SHMPOOL_RDONLY) != 0};
    shmpool_id id = -1;
    if (!(backend->capabilities & SHMPOOL_BACKEND_NAMES))
        return error_set(ENOTSUP, "backend %s has no names by which a pool could be opened",
                         backend->name);
    process_lock();
    if (call_open(backend, &pool.object, name, pool.readonly ? SHMPOOL_MAP_RDONLY : 0) == 0)
        id = open_held(&pool, name, 1, flags);
    process_unlock();
    return id;
}

shmpool_id shmpool_open(const char *name, unsigned flags)
{
    if (process_begin() != 0)
        return -1;
    if (flags & ~(unsigned)SHMPOOL_RDONLY)
        return error_set(EINVAL, "shmpool_open takes SHMPOOL_RDONLY, not %#x",
                         flags & ~(unsigned)SHMPOOL_RDONLY);
    struct error_before before;
    error_remember(&before);
    shmpool_id id = name_try(name, open_with, flags);
    struct pool *pool = id > 0 ? pools_find(id) : NULL;
    if (pool != NULL && !pool->readonly)
        members_recover(pool);
    if (id > 0)
        error_forget_since(&before);
    return id;
}
