#include "family/standing.h"

#include "backend/selection.h"
#include "family/identity.h"
#include "family/registry.h"

enum shmpool_life standing_of_process(uint64_t key, uint64_t start, pid_t pid)
{
    struct identity self = identity_self();
    if (identity_is_dead(key, start, pid))
        return SHMPOOL_DEAD;
    return key == self.key && key >> 32 != 0 && pid > 0 ? SHMPOOL_ALIVE : SHMPOOL_LIFE_UNKNOWN;
}

enum shmpool_life standing_of_creator(const struct header_shm *header)
{
    return standing_of_process(header->creator_key, header->creator_start,
                               (pid_t)header->creator_pid);
}

/* By its registry, which all processes of a family have mapped. The registries of all families lie
 * on one device. */
static int family_is_seen(const struct header_shm *header, const struct holders *holders)
{
    pid_t pid;
    return header->family != 0 &&
           holders_of(holders, registry_file().device, header->family, &pid) > 0;
}

static int is_used(const struct shmpool_found *found, const struct standing *standing)
{
    return standing->holders > 0 || standing->holder != 0 || found->mappings > 0;
}

static enum shmpool_state state_of(const struct shmpool_found *found,
                                   const struct header_shm *header, const struct standing *standing,
                                   const struct holders *holders)
{
    if (is_used(found, standing))
        return SHMPOOL_LIVE;
    if ((header->flags & SHMPOOL_KEEP) || standing->creator_life != SHMPOOL_DEAD ||
        family_is_seen(header, holders))
        return SHMPOOL_IDLE;
    return SHMPOOL_ORPHAN;
}

struct standing standing_of(const struct shmpool_backend *backend,
                            const struct shmpool_found *found, const struct header_shm *header,
                            enum shmpool_state otherwise, const struct holders *holders)
{
    struct standing standing = {.state = otherwise, .creator_life = SHMPOOL_LIFE_UNKNOWN};
    uint64_t device = backend_is_built_in(backend->name) ? found->device : 0;
    standing.holders = holders_of(holders, device, found->inode, &standing.holder);
    if (found->holder != 0)
        standing.holder = found->holder;
    standing.creator = header != NULL ? (pid_t)header->creator_pid : found->maker;
    if (header == NULL)
        return standing;
    standing.creator_life = standing_of_creator(header);
    standing.state = state_of(found, header, &standing, holders);
    return standing;
}
