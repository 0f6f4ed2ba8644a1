/* Creating pools.
 *
 * A pool is complete before anybody can find it: made without a name (or without its magic),
 * mapped, written, committed, entered into the registry, and only then published. Whatever fails is
 * undone in the opposite order. */
#include <bsd/string.h>
#include <errno.h>
#include <pthread.h>
#include <shmpool/pool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/anonymous.h"
#include "backend/call.h"
#include "backend/selection.h"
#include "base/error.h"
#include "core/layout.h"
#include "family/address.h"
#include "family/entry.h"
#include "family/identity.h"
#include "family/mailbox.h"
#include "family/names.h"
#include "family/pools.h"
#include "family/process.h"
#include "family/registry.h"

enum {
    CREATE_FLAGS = SHMPOOL_COMMIT | SHMPOOL_ZERO | SHMPOOL_PRIVATE | SHMPOOL_AUTOTRIM |
                   SHMPOOL_DUMP | SHMPOOL_KEEP,
    NAME_TRIES = 8
};

/* What the contract of the backends says of an object's beginning. */
_Static_assert(offsetof(struct header_shm, magic) == 0, "magic");
_Static_assert(offsetof(struct header_shm, name) == SHMPOOL_OBJECT_NAME, "name");
_Static_assert(sizeof((struct header_shm *)0)->name == SHMPOOL_OBJECT_NAME_SIZE, "name");

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
    if (options->flags & SHMPOOL_HUGE)
        return error_set(EINVAL,
                         "SHMPOOL_HUGE is not to be had: a backend of one's own that keeps its "
                         "objects on hugetlbfs has huge pages (shmpool_backend_register)");
    if (options->flags & ~(unsigned)CREATE_FLAGS)
        return error_set(
            EINVAL,
            "shmpool_create takes SHMPOOL_COMMIT, _ZERO, _PRIVATE, _AUTOTRIM, _DUMP and "
            "_KEEP, not %#x",
            options->flags & ~(unsigned)CREATE_FLAGS);
    if ((options->flags & SHMPOOL_COMMIT) && (options->flags & SHMPOOL_AUTOTRIM))
        return error_set(EINVAL, "SHMPOOL_COMMIT keeps all memory, SHMPOOL_AUTOTRIM gives it back: "
                                 "a pool has one of them");
    if (options->mode & ~(mode_t)0777)
        return error_set(EINVAL, "mode %#o has more than permission bits", (unsigned)options->mode);
    if (options->max_size != 0 && options->max_size < size)
        return error_set(EINVAL, "max_size %zu is smaller than the size %zu", options->max_size,
                         size);
    if ((uintptr_t)options->address % process_page_size() != 0)
        return error_set(EINVAL, "address %p is not aligned to the page size %zu", options->address,
                         (size_t)process_page_size());
    return 0;
}

static int plan_size(struct plan *plan, size_t size, size_t max_size)
{
    char text[ERROR_SIZE_TEXT];
    uint64_t page = process_page_size();
    uint64_t most = max_size > size ? max_size : size;
    if (size == 0)
        return error_set(EINVAL, "a pool of 0 bytes: the smallest has one page");
    if (most > LAYOUT_MOST_BYTES ||
        layout_compute(&plan->layout, page, (most + page - 1) / page) != 0)
        return error_set(
            ENOMEM,
            "a pool of %s with its tables does not fit into 32 TiB: ask for less, or for "
            "a smaller max_size",
            error_size(text, most));
    plan->n_pages = (size + page - 1) / page;
    return 0;
}

/* What shmpool_open takes, "posix:jobs", is no name to create. */
static int read_name(char name[NAME_LIMIT + 1], const char *given)
{
    if (name_read(name, given) == 0)
        return 0;
    if (strchr(given, ':') != NULL && errno == EINVAL)
        error_add("; the backend of a new pool is told by options.backend or SHMPOOL_BACKEND");
    return -1;
}

static int make_plan(struct plan *plan, size_t size, const struct shmpool_options *options)
{
    static const struct shmpool_options defaults;
    if (options == NULL)
        options = &defaults;
    if (check_options(options, size) != 0 || plan_size(plan, size, options->max_size) != 0)
        return -1;
    plan->generated = options->name == NULL;
    if (!plan->generated && read_name(plan->name, options->name) != 0)
        return -1;
    plan->mode = options->mode != 0 ? options->mode : 0600;
    plan->flags = options->flags;
    plan->address = options->address;
    plan->backend = backend_choose(options->backend);
    if (plan->backend == NULL)
        return -1;
    if ((plan->flags & SHMPOOL_COMMIT) && !(plan->backend->capabilities & SHMPOOL_BACKEND_COMMIT))
        return error_set(ENOTSUP, "backend %s cannot commit memory", plan->backend->name);
    if ((plan->flags & SHMPOOL_AUTOTRIM) && plan->backend->discard == NULL)
        return error_set(ENOTSUP, "backend %s cannot give memory back to the system",
                         plan->backend->name);
    return 0;
}

static int map_new(struct pool *pool, const struct plan *plan)
{
    pool->mapping_size = plan->layout.mapping_size;
    pool->base =
        plan->address != NULL
            ? address_map_at(pool->backend, &pool->object, plan->address, pool->mapping_size, 0)
            : address_map_new(pool->backend, &pool->object, pool->mapping_size);
    if (pool->base == NULL && plan->address != NULL && (errno == ENOMEM || errno == EPERM))
        error_add("; it was to lie at %p: NULL leaves the place to the library", plan->address);
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
    header->creator_key = self.key;
    header->family = registry_mark().inode;
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
    atomic_store(&pool->view.there, plan->n_pages);
    write_header(pool, plan);
    return 0;
}

/* Before it is published, so that a sibling that opens it the moment it is gets the same ID. */
static shmpool_id make_known(struct pool *pool, const struct plan *plan)
{
    process_lock();
    shmpool_id id = entry_register(pool, plan->name, pool->view.header);
    if (id > 0 && entry_enter(id, pool, plan->name) != 0) {
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
    struct pool *pool = entry_place(id);
    atomic_store(&pool->view.header->magic, LAYOUT_MAGIC);
    return call_publish(pool->backend, &pool->object, plan->name);
}

static void post(shmpool_id id)
{
    process_lock();
    mailbox_post(id, entry_place(id));
    process_unlock();
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
    uint64_t size = plan->n_pages * process_page_size();
    if (errno == ENOSPC || errno == ENOMEM)
        error_add(". A pool of %s was asked for, which has %s of tables on top",
                  error_size(asked, size),
                  error_size(tables, layout_object_size(&plan->layout, plan->n_pages) - size));
}

static shmpool_id complete(struct pool *pool, const struct plan *plan)
{
    if (make_object(pool, plan) != 0)
        return -1;
    shmpool_id id = write_pool(pool, plan) == 0 ? make_known(pool, plan) : -1;
    if (id > 0 && publish(id, plan) == 0) {
        post(id);
        return id;
    }
    if (id > 0)
        entry_undo(id);
    undo_object(pool);
    return -1;
}

/* Not on the stack: a child that is forked meanwhile finds it among the unfinished ones, and gives
 * this thread's stack to another. */
static shmpool_id create_planned(const struct plan *plan)
{
    struct pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return error_set(ENOMEM, "no memory for the process's own data of a pool");
    pool->backend = plan->backend;
    pool->flags = plan->flags;
    shmpool_id id = complete(pool, plan);
    int saved = errno;
    free(pool);
    errno = saved;
    return id;
}

static shmpool_id create(size_t size, const struct shmpool_options *options)
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

/* A thread that is cancelled on the way would leave the object to nobody. */
shmpool_id shmpool_create(size_t size, const struct shmpool_options *options)
{
    int cancel;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    shmpool_id id = create(size, options);
    pthread_setcancelstate(cancel, &cancel);
    return id;
}
