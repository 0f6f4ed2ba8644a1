/* Opening pools by name. What a name leads to is not trusted: it is looked at, its header read once
 * and checked, and mapped where that says, if nothing is there. */
#include <errno.h>
#include <shmpool/pool.h>
#include <string.h>

#include "backend/anonymous.h"
#include "backend/call.h"
#include "base/error.h"
#include "core/layout.h"
#include "family/address.h"
#include "family/entry.h"
#include "family/members.h"
#include "family/names.h"
#include "family/pools.h"
#include "family/process.h"
#include "family/registry.h"

/* What stands in an object that nobody vouches for: its header, copied once and checked as a copy,
 * never the original, and how many pages there are by the word of the system. */
struct contents {
    struct header_shm header;
    struct layout layout;
    uint64_t n_pages;
};

static int refuse_contents(const struct header_shm *header, const char *name, const char *wrong)
{
    if (atomic_load(&header->magic) == LAYOUT_MAGIC && header->version != LAYOUT_VERSION)
        return error_set(EUCLEAN,
                         "%s is of layout version %u, and this library knows version %d: use the "
                         "library that made it, or unlink it",
                         name, (unsigned)header->version, LAYOUT_VERSION);
    return error_set(EUCLEAN, "%s is not a sound pool: %s", name, wrong);
}

static int read_contents(const struct shmpool_backend *backend, const struct shmpool_object *object,
                         struct contents *contents, const char *name)
{
    struct shmpool_description description;
    struct layout *layout = &contents->layout;
    if (call_describe(backend, object, &description) != 0)
        return -1;
    if (description.size < process_page_size())
        return error_set(EUCLEAN, "%s is not a pool: it is shorter than a page", name);
    void *mapped = call_map(backend, object, NULL, process_page_size(), SHMPOOL_MAP_RDONLY);
    if (mapped == NULL)
        return -1;
    memcpy(&contents->header, mapped, sizeof contents->header);
    call_unmap(backend, object, mapped, process_page_size());
    const char *wrong = layout_read(layout, &contents->header, description.size);
    if (wrong == NULL && layout->page_size != process_page_size())
        wrong = "it was made on a system with another page size";
    if (wrong != NULL)
        return refuse_contents(&contents->header, name, wrong);
    uint64_t n_pages = (description.size - layout->pages_offset) / layout->page_size;
    contents->n_pages = n_pages < layout->max_pages ? n_pages : layout->max_pages;
    return 0;
}

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

static int map_opened(struct pool *pool, const struct contents *contents, const char *name)
{
    const struct header_shm *header = &contents->header;
    void *address = (void *)(uintptr_t)header->address;
    pool->flags = header->flags;
    pool->mapping_size = contents->layout.mapping_size;
    pool->base = address_map_at(pool->backend, &pool->object, address, pool->mapping_size,
                                pool->readonly ? SHMPOOL_MAP_RDONLY : 0);
    if (pool->base == NULL && (errno == EPERM || errno == EINVAL))
        return error_set(EUCLEAN, "%s is not a sound pool: nothing may be mapped at its address %p",
                         name, address);
    if (pool->base == NULL)
        return -1;
    if (!(header->flags & SHMPOOL_DUMP))
        mapping_keep_out_of_dumps(pool->base, pool->mapping_size);
    view_init(&pool->view, &contents->layout, pool->base);
    atomic_store(&pool->view.there, contents->n_pages);
    return 0;
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
    if (map_opened(pool, contents, name) == 0) {
        if (entry_enter(id, pool, name) == 0)
            return id;
        call_unmap(pool->backend, &pool->object, pool->base, pool->mapping_size);
    }
    int saved = errno;
    registry_unuse(id);
    errno = saved;
    return -1;
}

static shmpool_id open_with(const struct shmpool_backend *backend, const char *name, unsigned flags)
{
    struct pool pool = {.backend = backend, .readonly = (flags & SHMPOOL_RDONLY) != 0};
    struct contents contents;
    shmpool_id id = -1;
    if (!(backend->capabilities & SHMPOOL_BACKEND_NAMES))
        return error_set(ENOTSUP, "backend %s has no names by which a pool could be opened",
                         backend->name);
    process_lock();
    int failed = call_open(backend, &pool.object, name, pool.readonly ? SHMPOOL_MAP_RDONLY : 0);
    if (failed == 0 && read_contents(backend, &pool.object, &contents, name) == 0)
        id = enter_opened(&pool, &contents, name, flags);
    if (failed == 0 && id == -1)
        call_close(backend, &pool.object);
    process_unlock();
    return id > 0 ? id : -1;
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
