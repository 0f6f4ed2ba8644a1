/* The life of pools: create, open, release, unlink, and the root by which a later process finds its
 * way in.
 *
 * A pool is complete before anybody can find it: made without a name (or without its magic),
 * mapped, written, committed, entered into the registry, and only then published. Whatever fails is
 * undone in the opposite order. */
#include <bsd/string.h>
#include <errno.h>
#include <shmpool/pool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/anonymous.h"
#include "backend/call.h"
#include "backend/selection.h"
#include "backend/table.h"
#include "base/error.h"
#include "core/layout.h"
#include "family/address.h"
#include "family/identity.h"
#include "family/members.h"
#include "family/names.h"
#include "family/pools.h"
#include "family/process.h"
#include "family/registry.h"

enum {
    CREATE_FLAGS = SHMPOOL_COMMIT | SHMPOOL_PRIVATE | SHMPOOL_DUMP | SHMPOOL_KEEP,
    NAME_TRIES = 8
};

/* What the contract of the backends says of an object's beginning. */
_Static_assert(offsetof(struct header_shm, magic) == 0, "magic");
_Static_assert(offsetof(struct header_shm, name) == SHMPOOL_OBJECT_NAME, "name");
_Static_assert(sizeof((struct header_shm *)0)->name == SHMPOOL_OBJECT_NAME_SIZE, "name");

static uint64_t page_size(void)
{
    return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* ---- the process's table ---- */

/* The table's place for an ID, with a pool that nobody uses in it; NULL with ENOMEM. */
static struct pool *place_for(shmpool_id id)
{
    _Atomic(struct pool *) *place = &pools_table[(uint32_t)id % REGISTRY_ENTRIES];
    struct pool *pool = atomic_load(place);
    if (pool == NULL) {
        pool = calloc(1, sizeof *pool);
        if (pool == NULL) {
            error_set(ENOMEM, "no memory for the process's own data of a pool");
            return NULL;
        }
        atomic_store(place, pool);
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

/* Puts a mapped pool into the process's table; under process_lock. */
static int enter(shmpool_id id, const struct pool *made, const char *name)
{
    struct pool *pool = place_for(id);
    if (pool == NULL)
        return -1;
    char *text = atomic_load(&pool->id) == id ? pool->name : keep_name(name);
    if (text == NULL)
        return error_set(ENOMEM, "no memory for the pool's name");
    pool->readonly = made->readonly;
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
    return 0;
}

/* The ID was never given out: as if it had not been taken. */
static void undo_enter(shmpool_id id)
{
    struct pool *pool = place_for(id);
    int saved = errno;
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
    strlcpy(resource->backend, pool->backend->name, sizeof resource->backend);
    strlcpy(resource->name, name, sizeof resource->name);
}

/* ---- create ---- */

struct plan {
    char name[NAME_LIMIT + 1];
    int generated;
    mode_t mode;
    unsigned flags;
    void *address;
    const struct shmpool_backend *backend;
    struct layout layout;
    uint64_t n_pages;
};

static int check_options(const struct shmpool_options *options, size_t size)
{
    for (size_t i = 0; i < sizeof options->reserved / sizeof options->reserved[0]; i++)
        if (options->reserved[i] != 0)
            return error_set(EINVAL, "reserved field %zu of the options is not zero", i);
    if (options->flags & ~(unsigned)CREATE_FLAGS)
        return error_set(EINVAL,
                         "shmpool_create takes SHMPOOL_COMMIT, _PRIVATE, _DUMP and _KEEP, not %#x",
                         options->flags & ~(unsigned)CREATE_FLAGS);
    if (options->mode & ~(mode_t)0777)
        return error_set(EINVAL, "mode %#o has more than permission bits", (unsigned)options->mode);
    if (options->max_size != 0 && options->max_size < size)
        return error_set(EINVAL, "max_size %zu is smaller than the size %zu", options->max_size,
                         size);
    if ((uintptr_t)options->address % page_size() != 0)
        return error_set(EINVAL, "address %p is not aligned to the page size %zu", options->address,
                         (size_t)page_size());
    return 0;
}

static int plan_size(struct plan *plan, size_t size, size_t max_size)
{
    char text[ERROR_SIZE_TEXT];
    uint64_t page = page_size();
    uint64_t most = max_size > size ? max_size : size;
    if (size == 0)
        return error_set(EINVAL, "a pool of 0 bytes: the smallest has one page");
    if (most > LAYOUT_MOST_BYTES ||
        layout_compute(&plan->layout, page, (most + page - 1) / page) != 0)
        return error_set(ENOMEM, "a pool of %s with its tables does not fit into 32 TiB",
                         error_size(text, most));
    plan->n_pages = (size + page - 1) / page;
    return 0;
}

static int make_plan(struct plan *plan, size_t size, const struct shmpool_options *options)
{
    static const struct shmpool_options defaults;
    if (options == NULL)
        options = &defaults;
    if (check_options(options, size) != 0 || plan_size(plan, size, options->max_size) != 0)
        return -1;
    plan->generated = options->name == NULL;
    if (!plan->generated && name_read(plan->name, options->name) != 0)
        return -1;
    plan->mode = options->mode != 0 ? options->mode : 0600;
    plan->flags = options->flags;
    plan->address = options->address;
    plan->backend = backend_choose(options->backend);
    if (plan->backend == NULL)
        return -1;
    if ((plan->flags & SHMPOOL_COMMIT) && !(plan->backend->capabilities & SHMPOOL_BACKEND_COMMIT))
        return error_set(ENOTSUP, "backend %s cannot commit memory", plan->backend->name);
    return 0;
}

static int map_new(struct pool *pool, const struct plan *plan)
{
    pool->mapping_size = plan->layout.mapping_size;
    pool->base =
        plan->address != NULL
            ? address_map_at(pool->backend, &pool->object, plan->address, pool->mapping_size, 0)
            : address_map_new(pool->backend, &pool->object, pool->mapping_size);
    return pool->base != NULL ? 0 : -1;
}

/* Everything but the magic. */
static void write_header(const struct pool *pool, const struct plan *plan)
{
    struct header_shm *header = pool->view.header;
    struct identity self = identity_self();
    layout_write(&plan->layout, header);
    header->address = (uint64_t)(uintptr_t)pool->base;
    header->flags = plan->flags;
    header->mode = plan->mode;
    header->creator_pid = (uint32_t)self.pid;
    header->creator_start = self.start;
    if (getentropy(&header->serial, sizeof header->serial) != 0)
        header->serial = header->address;
    identity_origin(header->creator_boot, &header->creator_namespace);
    strlcpy(header->backend, pool->backend->name, sizeof header->backend);
    strlcpy(header->name, plan->name, sizeof header->name);
    atomic_store(&header->limit, plan->n_pages);
}

static int write_pool(struct pool *pool, const struct plan *plan)
{
    uint64_t size = layout_object_size(&plan->layout, plan->n_pages);
    if ((plan->flags & SHMPOOL_COMMIT) &&
        call_commit(pool->backend, &pool->object, pool->base, size) != 0)
        return -1;
    if (!(plan->flags & SHMPOOL_DUMP))
        mapping_keep_out_of_dumps(pool->base, pool->mapping_size);
    view_init(&pool->view, &plan->layout, pool->base);
    write_header(pool, plan);
    return 0;
}

/* Takes an ID for a complete pool, so that a sibling that opens it the moment it is published gets
 * the same. */
static shmpool_id register_pool(const struct pool *pool, const char *name,
                                const struct header_shm *header)
{
    struct resource_shm *resource;
    shmpool_id id = registry_take(&resource);
    if (id < 0)
        return -1;
    fill_resource(resource, pool, name, header);
    return registry_complete(id);
}

static shmpool_id make_known(struct pool *pool, const struct plan *plan)
{
    process_lock();
    shmpool_id id = register_pool(pool, plan->name, pool->view.header);
    if (id > 0 && enter(id, pool, plan->name) != 0) {
        registry_drop(id);
        id = -1;
    }
    if (id > 0)
        pools_remove_unfinished(pool);
    process_unlock();
    return id;
}

/* By the pool in the table: its hold on the object is the one that lasts. The magic is stored when
 * nothing else can fail: an object that cannot be nameless is found from that moment on. */
static int publish(shmpool_id id, const struct plan *plan)
{
    struct pool *pool = place_for(id);
    atomic_store(&pool->view.header->magic, LAYOUT_MAGIC);
    return call_publish(pool->backend, &pool->object, plan->name);
}

/* A fork never finds an object that nobody knows of: until it is in the table it is unfinished. */
static int make_object(struct pool *pool, const struct plan *plan)
{
    uint64_t size = layout_object_size(&plan->layout, plan->n_pages);
    process_lock();
    int failed = call_create(pool->backend, &pool->object, plan->name, size,
                             plan->layout.mapping_size, plan->mode);
    if (failed == 0) {
        failed = map_new(pool, plan);
        if (failed == 0) {
            pools_add_unfinished(pool);
        } else {
            call_close(pool->backend, &pool->object);
        }
    }
    process_unlock();
    return failed;
}

static void undo_object(struct pool *pool)
{
    int saved = errno;
    process_lock();
    pools_remove_unfinished(pool);
    call_unmap(pool->backend, &pool->object, pool->base, pool->mapping_size);
    call_close(pool->backend, &pool->object);
    process_unlock();
    errno = saved;
}

/* The backend knows the object's size; the caller asked for less. */
static void tell_what_was_asked(const struct plan *plan)
{
    char asked[ERROR_SIZE_TEXT], tables[ERROR_SIZE_TEXT];
    uint64_t size = plan->n_pages * page_size();
    if (errno == ENOSPC || errno == ENOMEM)
        error_add(". A pool of %s was asked for, which has %s of tables on top",
                  error_size(asked, size),
                  error_size(tables, layout_object_size(&plan->layout, plan->n_pages) - size));
}

static shmpool_id create_planned(const struct plan *plan)
{
    struct pool pool = {.backend = plan->backend};
    if (make_object(&pool, plan) != 0)
        return -1;
    shmpool_id id = write_pool(&pool, plan) == 0 ? make_known(&pool, plan) : -1;
    if (id > 0 && publish(id, plan) == 0)
        return id;
    if (id > 0)
        undo_enter(id);
    undo_object(&pool);
    return -1;
}

shmpool_id shmpool_create(size_t size, const struct shmpool_options *options)
{
    struct plan plan;
    struct error_before before;
    error_remember(&before);
    if (process_begin() != 0 || make_plan(&plan, size, options) != 0)
        return -1;
    for (int i = 0;; i++) {
        if (plan.generated)
            name_generate(plan.name);
        shmpool_id id = create_planned(&plan);
        if (id > 0)
            error_forget_since(&before);
        else
            tell_what_was_asked(&plan);
        if (id > 0 || !plan.generated || errno != EEXIST || i == NAME_TRIES)
            return id;
    }
}

/* ---- open ---- */

/* The object's header, copied once; what the copy says is checked, never the original. */
static int read_header(const struct shmpool_backend *backend, const struct shmpool_object *object,
                       struct layout *layout, struct header_shm *header, const char *name)
{
    struct shmpool_description description;
    if (call_describe(backend, object, &description) != 0)
        return -1;
    if (description.size < page_size())
        return error_set(EUCLEAN, "%s is not a pool: it is shorter than a page", name);
    void *mapped = call_map(backend, object, NULL, page_size(), SHMPOOL_MAP_RDONLY);
    if (mapped == NULL)
        return -1;
    memcpy(header, mapped, sizeof *header);
    call_unmap(backend, object, mapped, page_size());
    const char *wrong = layout_read(layout, header, description.size);
    if (wrong == NULL && layout->page_size != page_size())
        wrong = "it was made on a system with another page size";
    return wrong == NULL ? 0 : error_set(EUCLEAN, "%s is not a sound pool: %s", name, wrong);
}

/* A pool that is mapped here already stays as it is; the new hold on its object is given up. */
static int is_here_already(shmpool_id id, struct pool *opened, unsigned flags, int *failed)
{
    struct pool *pool = place_for(id);
    if (pool == NULL || atomic_load(&pool->id) != id || atomic_load(&pool->state) != POOL_MAPPED)
        return 0;
    call_close(opened->backend, &opened->object);
    *failed = 0;
    if (pool->readonly && !(flags & SHMPOOL_RDONLY))
        *failed =
            error_set(EROFS, "pool %s is read-only in this process: release it first", pool->name);
    return 1;
}

static int map_opened(struct pool *pool, const struct layout *layout,
                      const struct header_shm *header)
{
    void *address = (void *)(uintptr_t)header->address;
    pool->mapping_size = layout->mapping_size;
    pool->base = address_map_at(pool->backend, &pool->object, address, pool->mapping_size,
                                pool->readonly ? SHMPOOL_MAP_RDONLY : 0);
    if (pool->base == NULL)
        return -1;
    if (!(header->flags & SHMPOOL_DUMP))
        mapping_keep_out_of_dumps(pool->base, pool->mapping_size);
    view_init(&pool->view, layout, pool->base);
    return 0;
}

/* The ID that the family has for the object, or a new one; under process_lock. */
static shmpool_id enter_opened(struct pool *pool, const struct layout *layout,
                               const struct header_shm *header, const char *name, unsigned flags)
{
    struct pool known = *pool;
    int failed;
    known.base = (void *)(uintptr_t)header->address;
    known.mapping_size = layout->mapping_size;
    shmpool_id id = register_pool(&known, name, header);
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
    if (map_opened(pool, layout, header) == 0) {
        if (enter(id, pool, name) == 0)
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
    struct layout layout;
    struct header_shm header;
    shmpool_id id = -1;
    if (!(backend->capabilities & SHMPOOL_BACKEND_NAMES))
        return error_set(ENOTSUP, "backend %s has no names by which a pool could be opened",
                         backend->name);
    process_lock();
    int failed = call_open(backend, &pool.object, name, pool.readonly ? SHMPOOL_MAP_RDONLY : 0);
    if (failed == 0 && read_header(backend, &pool.object, &layout, &header, name) == 0)
        id = enter_opened(&pool, &layout, &header, name, flags);
    if (failed == 0 && id == -1)
        call_close(backend, &pool.object);
    process_unlock();
    return id > 0 ? id : -1;
}

/* Tries the backends that a name may mean; all say ENOENT: so does the whole. */
static int try_backends(const char *given,
                        int (*attempt)(const struct shmpool_backend *backend, const char *name,
                                       unsigned flags),
                        unsigned flags)
{
    char name[NAME_LIMIT + 1];
    const struct shmpool_backend *backend;
    const char *variable = secure_getenv("SHMPOOL_BACKEND");
    if (given == NULL)
        return error_set(EINVAL, "the name is NULL");
    if (name_split(name, &backend, given) != 0)
        return -1;
    if (backend == NULL && variable != NULL && variable[0] != '\0') {
        backend = backend_choose(NULL);
        if (backend == NULL)
            return -1;
    }
    if (backend != NULL)
        return attempt(backend, name, flags);
    int result = -1;
    int asked = 0;
    for (size_t i = 0; i < backend_count() && result < 0 && (asked == 0 || errno == ENOENT); i++)
        if (backend_at(i)->capabilities & SHMPOOL_BACKEND_NAMES) {
            result = attempt(backend_at(i), name, flags);
            asked++;
        }
    return result;
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
    shmpool_id id = try_backends(name, open_with, flags);
    struct pool *pool = id > 0 ? pools_find(id) : NULL;
    if (pool != NULL && !pool->readonly)
        members_recover(pool);
    if (id > 0)
        error_forget_since(&before);
    return id;
}

/* ---- release and unlink ---- */

int shmpool_release(shmpool_id id)
{
    if (process_begin() != 0)
        return -1;
    struct pool *pool = pools_find(id);
    if (pool == NULL)
        return -1;
    process_lock();
    members_release(pool);
    pools_drop(pool);
    registry_unuse(id);
    process_unlock();
    return 0;
}

/* Without a name there is only the label in the registry to give up. */
static int give_up_label(const struct pool *pool, struct resource_shm *resource)
{
    if (resource != NULL && atomic_exchange(&resource->unlinked, 1) == 0)
        return 0;
    return error_set(ENOENT, "the label of pool %s was given up already", pool->name);
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
    if (call_unlink(pool->backend, &pool->object, pool->name) != 0)
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
    return process_begin() != 0 ? -1 : try_backends(name, unlink_with, 0);
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
    if (root >= pool->mapping_size) {
        error_set(EUCLEAN, "the root of pool %s points out of it", pool->name);
        return NULL;
    }
    return (char *)pool->base + root;
}
