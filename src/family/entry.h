/* A pool's entry in this process: made when the pool is created, opened or granted, and kept for
 * the life of the process. Also its entry in the family's registry, which gives it its ID. */
#ifndef SHMPOOL_FAMILY_ENTRY_H
#define SHMPOOL_FAMILY_ENTRY_H

#include <shmpool/pool.h>

#include "core/layout.h"
#include "family/pools.h"

/* The table's place for an ID, with a pool that nobody uses in it; NULL with ENOMEM. */
struct pool *entry_place(shmpool_id id);

/* The ID that the family has for this object, or a new one, with the caller's use noted; -1 with
 * errno. base is where the pool is to be mapped. */
shmpool_id entry_register(const struct pool *pool, const char *name,
                          const struct header_shm *header);

/* Puts a mapped pool into the process's table; under process_lock. 0, or -1 with errno. */
int entry_enter(shmpool_id id, const struct pool *made, const char *name);

/* The ID was never given out: as if it had not been taken. */
void entry_undo(shmpool_id id);

#endif
