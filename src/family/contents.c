#include "family/contents.h"

#include <errno.h>
#include <string.h>

#include "backend/anonymous.h"
#include "backend/call.h"
#include "base/error.h"
#include "family/address.h"
#include "family/members.h"
#include "family/process.h"

static int refuse_contents(const struct header_shm *header, const char *name, const char *wrong)
{
    if (atomic_load(&header->magic) == LAYOUT_MAGIC && header->version != LAYOUT_VERSION)
        return error_set(EUCLEAN,
                         "%s is of layout version %u, and this library knows version %d: use the "
                         "library that made it, or unlink it",
                         name, (unsigned)header->version, LAYOUT_VERSION);
    return error_set(EUCLEAN, "%s is not a sound pool: %s", name, wrong);
}

int contents_read(const struct shmpool_backend *backend, const struct shmpool_object *object,
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
    /* Asked after the copy: an object only grows, so it is as long as the copy says. */
    if (call_describe(backend, object, &description) != 0)
        return -1;
    const char *wrong = layout_read(layout, &contents->header, description.size);
    if (wrong == NULL && layout->page_size != process_page_size())
        wrong = "it was made on a system with another page size";
    if (wrong != NULL)
        return refuse_contents(&contents->header, name, wrong);
    uint64_t n_pages = (description.size - layout->pages_offset) / layout->page_size;
    contents->n_pages = n_pages < layout->max_pages ? n_pages : layout->max_pages;
    return 0;
}

int contents_map(struct pool *pool, const struct contents *contents, const char *name)
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
    if (!pool->readonly)
        members_arrive(pool);
    return 0;
}
