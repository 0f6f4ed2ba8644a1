#include "family/collector.h"

#include <errno.h>
#include <stdbool.h>

#include "backend/call.h"
#include "base/error.h"
#include "core/members.h"
#include "family/identity.h"
#include "family/mark.h"
#include "family/registry.h"

/* A domain that has no key is nobody's: a collector stores the key first. */
static uint64_t key_of(const struct header_shm *header, uint64_t ident)
{
    unsigned domain = ident_domain(ident);
    return domain >= 1 && domain <= LAYOUT_COLLECTOR_KEYS
               ? atomic_load(&header->collector_keys[domain - 1])
               : 0;
}

/* Of another PID namespace only the family is known. Until a collector has stored its own, that of
 * an earlier one may stand there; who reads that has the pool already, so the collector will not be
 * alone. */
static bool is_alive(const struct header_shm *header, uint64_t ident)
{
    uint64_t key = key_of(header, ident);
    if (key == 0 || identity_is_dead(key, ident_start(ident), (pid_t)ident_pid(ident)))
        return false;
    return key == identity_self().key || !mark_is_dead(atomic_load(&header->collector_family));
}

/* The number of this process's key; 0: there is no room for it. */
static unsigned domain_of(struct header_shm *header, uint64_t key)
{
    for (unsigned i = 0; i < LAYOUT_COLLECTOR_KEYS; i++) {
        uint64_t seen = 0;
        if (atomic_compare_exchange_strong(&header->collector_keys[i], &seen, key) || seen == key)
            return i + 1;
    }
    return 0;
}

int collector_claim(struct header_shm *header, const char *name)
{
    struct identity self = identity_self();
    unsigned domain = domain_of(header, self.key);
    uint64_t holder = atomic_load(&header->collector);
    uint64_t own = ident_of(domain, self.start, (uint32_t)self.pid);
    if (domain == 0)
        return error_set(EUCLEAN,
                         "the header of pool %s has no room for another collector: remove "
                         "the pool by its name",
                         name);
    if ((holder != 0 && is_alive(header, holder)) ||
        !atomic_compare_exchange_strong(&header->collector, &holder, own))
        return error_set(EBUSY, "process %u is about to remove pool %s",
                         (unsigned)ident_pid(holder), name);
    atomic_store(&header->collector_family, registry_mark().inode);
    return 0;
}

void collector_withdraw(struct header_shm *header)
{
    atomic_store(&header->collector, 0);
}

static int refuse_claimed(const char *name, uint64_t ident)
{
    return error_set(EAGAIN,
                     "process %u is about to remove pool %s, which nobody used, and does not come "
                     "to its end: it may be stopped",
                     (unsigned)ident_pid(ident), name);
}

/* Whether the name still leads to the object, which is held and so can be removed no more by who
 * looks whether it is. */
static int check_name(const struct shmpool_backend *backend, const struct shmpool_object *object,
                      const char *name)
{
    struct shmpool_object now;
    if (call_open(backend, &now, name, SHMPOOL_MAP_RDONLY) != 0)
        return -1;
    bool is_same = now.device == object->device && now.inode == object->inode;
    call_close(backend, &now);
    return is_same ? 0 : error_set(ENOENT, "pool %s was removed just now", name);
}

int collector_check(const struct shmpool_backend *backend, const struct shmpool_object *object,
                    const struct header_shm *header, const char *name)
{
    uint64_t ident = atomic_load(&header->collector);
    if (ident == 0)
        return 0;
    if (is_alive(header, ident))
        return refuse_claimed(name, ident);
    return check_name(backend, object, name);
}
