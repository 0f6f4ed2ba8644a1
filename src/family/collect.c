/* Removing what is left over: pools whose family is dead, and objects that nobody finishes.
 *
 * That the creator and its family are dead is for ever, so it is looked at first. Whether somebody
 * else uses the pool may change any moment: the pool is claimed (collector.h), then the system is
 * asked whether this process is the only one that has it, and what opens it from then on sees the
 * claim. Wherever a collector dies, the pool is there as before or it is gone. */
#include <errno.h>
#include <shmpool/inspect.h>
#include <stdbool.h>
#include <time.h>

#include "backend/call.h"
#include "backend/selection.h"
#include "base/error.h"
#include "family/collector.h"
#include "family/contents.h"
#include "family/holders.h"
#include "family/names.h"
#include "family/process.h"
#include "family/standing.h"

enum { TRIES = 20 /* for those who look at the pool for a moment, a millisecond apart */ };

/* A pool that may be left over, held and mapped for a look. */
struct leftover {
    const struct shmpool_backend *backend;
    const char *name;
    struct shmpool_object object;
    struct contents contents;
    struct header_shm *header;
};

/* ---- whether it is needed ---- */

static int check_forsaken(const struct leftover *leftover)
{
    const struct header_shm *header = &leftover->contents.header;
    if (header->flags & SHMPOOL_KEEP)
        return error_set(EBUSY, "pool %s is kept (SHMPOOL_KEEP): unlink it by its name",
                         leftover->name);
    if (!standing_is_forsaken(header))
        return error_set(EBUSY,
                         "pool %s may be needed: its creator, process %u, or another process of "
                         "that family lives, or nobody can tell",
                         leftover->name, (unsigned)header->creator_pid);
    return 0;
}

static void add_users(const struct leftover *leftover)
{
    struct holders holders;
    struct error_before before;
    pid_t first;
    int code = errno;
    bool is_built_in = backend_is_built_in(leftover->backend->name);
    error_remember(&before);
    if (holders_read(&holders, 0) != 0) {
        error_forget_since(&before);
        return;
    }
    size_t n = holders_of(&holders, is_built_in ? leftover->object.device : 0,
                          leftover->object.inode, &first);
    holders_end(&holders);
    errno = code;
    if (n > 1)
        error_add("; %zu processes have it mapped, this one counted", n);
}

static int check_alone(struct leftover *leftover)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    int failed = -1;
    for (int i = 0; i < TRIES && failed != 0; i++) {
        if (i > 0)
            nanosleep(&nap, NULL);
        failed = call_alone(leftover->backend, &leftover->object);
        if (failed != 0 && errno != EBUSY)
            return -1;
    }
    if (failed != 0)
        add_users(leftover);
    return failed;
}

/* ---- removing ---- */

static int remove_claimed(struct leftover *leftover)
{
    if (check_alone(leftover) == 0 &&
        name_remove(leftover->backend, &leftover->object, leftover->name) == 0)
        return 0;
    int code = errno;
    collector_withdraw(leftover->header);
    errno = code;
    return -1;
}

static int remove_mapped(struct leftover *leftover, bool pretend)
{
    if (pretend)
        return check_alone(leftover);
    if (collector_claim(leftover->header, leftover->name) != 0)
        return -1;
    return remove_claimed(leftover);
}

static int remove_held(struct leftover *leftover, bool pretend)
{
    size_t page = process_page_size();
    if (contents_read(leftover->backend, &leftover->object, &leftover->contents, leftover->name) !=
            0 ||
        check_forsaken(leftover) != 0)
        return -1;
    leftover->header = call_map(leftover->backend, &leftover->object, NULL, page, 0);
    if (leftover->header == NULL)
        return -1;
    int failed = remove_mapped(leftover, pretend);
    int code = errno;
    call_unmap(leftover->backend, &leftover->object, leftover->header, page);
    errno = code;
    return failed;
}

static int remove_named(const struct shmpool_backend *backend, const struct shmpool_listed *listed,
                        bool pretend)
{
    char name[NAME_LIMIT + 1];
    struct leftover leftover = {.backend = backend, .name = name};
    if (!(backend->capabilities & SHMPOOL_BACKEND_NAMES))
        return error_set(ENOTSUP, "a pool of backend %s ends with its last user: nothing is left",
                         backend->name);
    if (listed->name == NULL)
        return error_set(ENOENT, "%s has no name by which it could be removed", listed->where);
    if (name_read(name, listed->name) != 0 || call_open(backend, &leftover.object, name, 0) != 0)
        return -1;
    int failed = leftover.object.device == listed->device && leftover.object.inode == listed->inode
                     ? remove_held(&leftover, pretend)
                     : error_set(ENOENT, "pool %s is another one by now", name);
    call_close(backend, &leftover.object);
    return failed;
}

int shmpool_collect(const struct shmpool_listed *listed, unsigned flags)
{
    bool pretend = (flags & SHMPOOL_PRETEND) != 0;
    if (process_begin() != 0)
        return -1;
    if (listed == NULL || listed->backend == NULL)
        return error_set(EINVAL, "there is nothing to collect: the entry or its backend is NULL");
    if (flags & ~(unsigned)SHMPOOL_PRETEND)
        return error_set(EINVAL, "shmpool_collect takes SHMPOOL_PRETEND, not %#x",
                         flags & ~(unsigned)SHMPOOL_PRETEND);
    const struct shmpool_backend *backend = backend_choose(listed->backend);
    if (backend == NULL)
        return -1;
    process_lock();
    int result = listed->state == SHMPOOL_UNFINISHED
                     ? call_remove_unfinished(backend, listed->device, listed->inode, pretend)
                     : remove_named(backend, listed, pretend);
    process_unlock();
    return result;
}
