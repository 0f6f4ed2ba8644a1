#include "family/entry.h"

#include <bsd/string.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "backend/table.h"
#include "base/error.h"
#include "family/names.h"
#include "family/rights.h"

struct pool *entry_place(shmpool_id id)
{
    unsigned index = (uint32_t)id % REGISTRY_ENTRIES;
    struct pool *pool = atomic_load(&pools_table[index]);
    if (pool == NULL) {
        pool = calloc(1, sizeof *pool);
        if (pool == NULL) {
            error_set(ENOMEM, "no memory for the process's own data of a pool");
            return NULL;
        }
        atomic_store(&pools_table[index], pool);
        pools_raise_mark(index + 1);
    }
    return pool;
}

/* Names are readable for the life of the process, so they are never freed. */
struct kept_name {
    struct kept_name *next;
    char text[NAME_LIMIT + 1];
};

static struct kept_name *kept_names;

static char *keep_name(const char *name)
{
    struct kept_name *kept = malloc(offsetof(struct kept_name, text) + strlen(name) + 1);
    if (kept == NULL)
        return NULL;
    strcpy(kept->text, name);
    kept->next = kept_names;
    kept_names = kept;
    return kept->text;
}

int entry_enter(shmpool_id id, const struct pool *made, const char *name)
{
    struct pool *pool = entry_place(id);
    if (pool == NULL)
        return -1;
    char *text = atomic_load(&pool->id) == id ? pool->name : keep_name(name);
    if (text == NULL)
        return error_set(ENOMEM, "no memory for the pool's name");
    pool->readonly = made->readonly;
    pool->flags = made->flags;
    pool->view = made->view;
    pool->base = made->base;
    pool->mapping_size = made->mapping_size;
    pool->backend = made->backend;
    pool->object = made->object;
    pool->name = text;
    pool->row = 0;
    pool->ident = 0;
    pool->members = NULL;
    pool->spare = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    atomic_store(&pool->id, id);
    atomic_store(&pool->state, POOL_MAPPED);
    atomic_store(&pool->plain, pool->readonly || (pool->flags & POOL_KEEPS_USED) ? 0 : id);
    return 0;
}

void entry_undo(shmpool_id id)
{
    struct pool *pool = entry_place(id);
    int saved = errno;
    atomic_store(&pool->plain, 0);
    atomic_store(&pool->state, POOL_ABSENT);
    atomic_store(&pool->id, 0);
    registry_drop(id);
    errno = saved;
}

_Static_assert((int)TABLE_NAME_LIMIT < (int)LAYOUT_BACKEND_SIZE, "a backend's name and a zero");

static void fill_resource(struct resource_shm *resource, const struct pool *pool, const char *name,
                          const struct header_shm *header)
{
    resource->flags = header->flags;
    resource->serial = header->serial;
    resource->address = (uint64_t)(uintptr_t)pool->base;
    resource->mapping_size = pool->mapping_size;
    resource->device = pool->object.device;
    resource->inode = pool->object.inode;
    resource->creator = rights_chain();
    strlcpy(resource->backend, pool->backend->name, sizeof resource->backend);
    strlcpy(resource->name, name, sizeof resource->name);
}

shmpool_id entry_register(const struct pool *pool, const char *name,
                          const struct header_shm *header)
{
    struct resource_shm *resource;
    shmpool_id id = registry_take(&resource);
    if (id < 0)
        return -1;
    fill_resource(resource, pool, name, header);
    return registry_complete(id);
}
