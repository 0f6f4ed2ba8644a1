/* What a pool's users do with it as a whole: release, unlink, its name, and the root by which a
 * later process finds its way in. */
#include <errno.h>
#include <shmpool/pool.h>
#include <stdatomic.h>
#include <stdint.h>

#include "backend/call.h"
#include "base/error.h"
#include "family/mailbox.h"
#include "family/members.h"
#include "family/names.h"
#include "family/pools.h"
#include "family/process.h"
#include "family/registry.h"

/* ---- release and unlink ---- */

int shmpool_release(shmpool_id id)
{
    int saved = errno;
    if (process_begin() != 0)
        return -1;
    struct pool *pool = pools_find(id);
    if (pool == NULL)
        return -1;
    process_lock();
    members_release(pool);
    int may_go = !(pool->backend->capabilities & SHMPOOL_BACKEND_NAMES) && !members_are_there(pool);
    pools_drop(pool);
    registry_unuse(id);
    if (may_go)
        mailbox_forsake(id);
    process_unlock();
    errno = saved;
    return 0;
}

/* Without a name there is only the label in the registry to give up. */
static int give_up_label(const struct pool *pool, struct resource_shm *resource)
{
    int saved = errno;
    if (resource == NULL || !registry_unlink(resource))
        return error_set(ENOENT, "the label of pool %s was given up already", pool->name);
    process_lock();
    mailbox_sweep();
    process_unlock();
    errno = saved;
    return 0;
}

int shmpool_unlink(shmpool_id id)
{
    if (process_begin() != 0)
        return -1;
    struct pool *pool = pools_find(id);
    if (pool == NULL)
        return -1;
    struct resource_shm *resource = registry_resource(id);
    if (!(pool->backend->capabilities & SHMPOOL_BACKEND_NAMES))
        return give_up_label(pool, resource);
    if (name_remove(pool->backend, &pool->object, pool->name) != 0)
        return -1;
    if (resource != NULL)
        atomic_store(&resource->unlinked, 1);
    return 0;
}

static int unlink_with(const struct shmpool_backend *backend, const char *name, unsigned flags)
{
    (void)flags;
    if (!(backend->capabilities & SHMPOOL_BACKEND_NAMES))
        return error_set(ENOTSUP, "backend %s has no names that could be removed", backend->name);
    return call_unlink(backend, NULL, name);
}

int shmpool_unlink_name(const char *name)
{
    struct error_before before;
    if (process_begin() != 0)
        return -1;
    error_remember(&before);
    int result = name_try(name, unlink_with, 0);
    if (result == 0)
        error_forget_since(&before);
    return result;
}

const char *shmpool_name(shmpool_id id)
{
    struct pool *pool = pools_find(id);
    return pool != NULL ? pool->name : NULL;
}

/* ---- the root ---- */

int shmpool_set_root(shmpool_id id, void *object)
{
    struct pool *pool = pools_find_writable(id);
    if (pool == NULL)
        return -1;
    _Atomic uint64_t *root = &pool->view.header->root;
    uint64_t none = 0;
    if (object == NULL) {
        atomic_store(root, 0);
        return 0;
    }
    if (pools_holding((uintptr_t)object, 1) != pool)
        return error_set(EINVAL, "the root %p does not lie in pool %s", object, pool->name);
    if (!atomic_compare_exchange_strong(root, &none, (uintptr_t)object - (uintptr_t)pool->base))
        return error_set(EEXIST, "pool %s has a root already: clear it with NULL first",
                         pool->name);
    return 0;
}

void *shmpool_root(shmpool_id id)
{
    struct pool *pool = pools_find(id);
    if (pool == NULL)
        return NULL;
    uint64_t root = atomic_load(&pool->view.header->root);
    if (root == 0) {
        error_set(ENOENT, "pool %s has no root", pool->name);
        return NULL;
    }
    if (root >= pool->mapping_size || pools_holding((uintptr_t)pool->base + root, 1) != pool) {
        error_set(EUCLEAN, "the root of pool %s does not lie in its pages", pool->name);
        return NULL;
    }
    return (char *)pool->base + root;
}
