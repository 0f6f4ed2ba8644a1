/* Attaching: mapping a pool of the family that this process lacks, by its ID.
 *
 * The registry says what the ID stands for and gives no right: what it says is looked at like any
 * name that comes from outside, and the object found must be the one that was entered. */
#include <errno.h>
#include <shmpool/pool.h>
#include <stdbool.h>

#include "backend/call.h"
#include "backend/selection.h"
#include "base/error.h"
#include "family/collector.h"
#include "family/contents.h"
#include "family/entry.h"
#include "family/letter.h"
#include "family/mailbox.h"
#include "family/members.h"
#include "family/names.h"
#include "family/patience.h"
#include "family/pools.h"
#include "family/process.h"
#include "family/registry.h"
#include "family/rights.h"

/* ---- may this process? ---- */

/* The pool's entry in this process, if it had the pool before. */
static const struct pool *had_before(shmpool_id id)
{
    const struct pool *pool = atomic_load(&pools_table[(uint32_t)id % REGISTRY_ENTRIES]);
    return pool != NULL && atomic_load(&pool->id) == id ? pool : NULL;
}

static int refuse(shmpool_id id, const struct known_resource *known)
{
    if (known->flags & SHMPOOL_PRIVATE)
        return error_set(EACCES,
                         "pool %d (%s) is private: it is granted when a worker is started, and "
                         "never attached",
                         (int)id, known->name);
    return error_set(EACCES,
                     "pool %d (%s) was not granted to this worker, which was started with a list, "
                     "and neither it nor a process that it started created it",
                     (int)id, known->name);
}

static int check_right(shmpool_id id, const struct known_resource *known, unsigned flags)
{
    const struct pool *had = had_before(id);
    if (!(known->flags & SHMPOOL_PRIVATE) && rights_cover(&known->creator))
        return 0;
    if (had == NULL)
        return refuse(id, known);
    if (had->readonly && !(flags & SHMPOOL_RDONLY))
        return error_set(EACCES,
                         "pool %d (%s) was granted to this process for reading only: attach it "
                         "with SHMPOOL_RDONLY",
                         (int)id, known->name);
    return 0;
}

/* ---- the object ---- */

/* The last user of a pool without a name gives the label up with it. */
static int refuse_unlinked(const struct pool *pool, const struct known_resource *known)
{
    if (!(pool->backend->capabilities & SHMPOOL_BACKEND_NAMES))
        return error_set(ENOENT,
                         "pool %s was unlinked or released by its last user: nobody finds it any "
                         "more",
                         known->name);
    return error_set(ENOENT, "pool %s was unlinked: who has it keeps it, nobody finds it any more",
                     known->name);
}

static int hold_object(shmpool_id id, struct pool *pool, const struct known_resource *known)
{
    char name[NAME_LIMIT + 1];
    pool->backend = backend_choose(known->backend);
    if (pool->backend == NULL || name_read(name, known->name) != 0)
        return -1;
    if (known->unlinked)
        return refuse_unlinked(pool, known);
    if (pool->backend->capabilities & SHMPOOL_BACKEND_NAMES)
        return call_open(pool->backend, &pool->object, name,
                         pool->readonly ? SHMPOOL_MAP_RDONLY : 0);
    if (mailbox_fetch(id, known, pool->backend, &pool->object) != 0)
        return -1;
    if (!pool->readonly || call_restrict_access(pool->backend, &pool->object) == 0)
        return 0;
    call_close(pool->backend, &pool->object);
    return -1;
}

static int check_same(const struct pool *pool, const struct contents *contents,
                      const struct known_resource *known)
{
    if (pool->object.device == known->device && pool->object.inode == known->inode &&
        contents->header.serial == known->serial)
        return 0;
    return error_set(ENOENT, "the name %s stands for another pool by now", known->name);
}

/* What no name leads to is removed by nobody. */
static int check_stays(const struct pool *pool, const struct contents *contents,
                       const struct known_resource *known)
{
    return pool->backend->capabilities & SHMPOOL_BACKEND_NAMES
               ? collector_check(pool->backend, &pool->object, &contents->header, known->name)
               : 0;
}

/* ---- attaching ---- */

static int map_here(shmpool_id id, struct pool *pool, const struct known_resource *known)
{
    struct contents contents;
    if (contents_read(pool->backend, &pool->object, &contents, known->name) != 0 ||
        check_same(pool, &contents, known) != 0 || check_stays(pool, &contents, known) != 0 ||
        contents_map(pool, &contents, known->name) != 0)
        return -1;
    if (entry_enter(id, pool, known->name) == 0)
        return 0;
    call_unmap(pool->backend, &pool->object, pool->base, pool->mapping_size);
    return -1;
}

static int attach_known(shmpool_id id, const struct known_resource *known, unsigned flags)
{
    struct pool pool = {.readonly = (flags & SHMPOOL_RDONLY) != 0};
    if (!pools_index_is_free(id))
        return error_set(EMFILE, "pool %d (%s) would take a place that another pool has here",
                         (int)id, known->name);
    if (hold_object(id, &pool, known) != 0)
        return -1;
    if (map_here(id, &pool, known) == 0)
        return 0;
    call_close(pool.backend, &pool.object);
    return -1;
}

/* What can be had again is released first; what cannot would be lost. */
static int refuse_writing(shmpool_id id, const struct pool *had)
{
    struct known_resource known;
    bool can_be_had = registry_know(id, &known) == 0 && !(known.flags & SHMPOOL_PRIVATE) &&
                      !known.unlinked && rights_cover(&known.creator);
    return error_set(EROFS,
                     can_be_had
                         ? "pool %d (%s) is read-only in this process: release it first"
                         : "pool %d (%s) is read-only in this process and stays so: leave it "
                           "to a process that has it in full",
                     (int)id, had->name);
}

/* The use is noted first: an entry that is there afterwards stays. */
static int attach(shmpool_id id, unsigned flags)
{
    struct known_resource known;
    const struct pool *had = had_before(id);
    if (had != NULL && atomic_load(&had->state) == POOL_MAPPED)
        return !had->readonly || (flags & SHMPOOL_RDONLY) ? 0 : refuse_writing(id, had);
    if (registry_know(id, &known) != 0)
        return error_set(EBADF, "there is no pool %d in this family of processes", (int)id);
    if (check_right(id, &known, flags) != 0)
        return -1;
    registry_use(id);
    int result = registry_know(id, &known) == 0
                     ? attach_known(id, &known, flags)
                     : error_set(EBADF, "pool %d was given up meanwhile", (int)id);
    if (result != 0) {
        int code = errno;
        registry_unuse(id);
        errno = code;
    }
    return result;
}

static int has_name(shmpool_id id)
{
    struct known_resource known;
    const struct shmpool_backend *backend =
        registry_know(id, &known) == 0 ? backend_choose(known.backend) : NULL;
    return backend != NULL && (backend->capabilities & SHMPOOL_BACKEND_NAMES);
}

/* Somebody who is about to remove the pool takes no time; for the mailbox it was waited already. */
static int attach_again(shmpool_id id, unsigned flags)
{
    struct patience patience = patience_begin();
    int result;
    do {
        process_lock();
        result = attach(id, flags);
        process_unlock();
    } while (result != 0 && errno == EAGAIN && has_name(id) && patience_naps(&patience));
    return result;
}

int shmpool_attach(shmpool_id id, unsigned flags)
{
    struct error_before before;
    if (process_begin() != 0)
        return -1;
    if (flags & ~(unsigned)SHMPOOL_RDONLY)
        return error_set(EINVAL, "shmpool_attach takes SHMPOOL_RDONLY, not %#x",
                         flags & ~(unsigned)SHMPOOL_RDONLY);
    error_remember(&before);
    if (letter_retry(id) < 0)
        return -1;
    if (attach_again(id, flags) != 0)
        return -1;
    struct pool *pool = pools_find(id);
    if (pool != NULL && !pool->readonly)
        members_recover(pool);
    error_forget_since(&before);
    return 0;
}
