#include "family/standing.h"

#include "backend/selection.h"
#include "family/identity.h"
#include "family/mark.h"

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

/* A boot ends all families of the one before, whatever has their marks by now. */
static int family_is_dead(const struct header_shm *header)
{
    return identity_is_of_other_boot(header->creator_key) || mark_is_dead(header->family);
}

int standing_is_forsaken(const struct header_shm *header)
{
    return standing_of_creator(header) == SHMPOOL_DEAD && family_is_dead(header);
}

static int is_used(const struct shmpool_found *found, const struct standing *standing)
{
    return standing->holders > 0 || standing->holder != 0 || found->mappings > 0;
}

static enum shmpool_state state_of(const struct shmpool_found *found,
                                   const struct header_shm *header, const struct standing *standing)
{
    if (is_used(found, standing))
        return SHMPOOL_LIVE;
    if ((header->flags & SHMPOOL_KEEP) || !standing_is_forsaken(header))
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
    standing.state = state_of(found, header, &standing);
    return standing;
}
