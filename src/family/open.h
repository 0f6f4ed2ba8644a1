/* From an object that this process holds to a pool that is mapped here. */
#ifndef SHMPOOL_FAMILY_OPEN_H
#define SHMPOOL_FAMILY_OPEN_H

#include <shmpool/pool.h>

#include "family/pools.h"

/* Looks at what the object of pool contains, maps it and enters it; under process_lock. flags: as
 * for shmpool_open; name is for sentences, and the pool's here; is_named: the object was found by
 * it. The ID, or -1 with errno and the object closed; a pool that is here already stays as it is.
 * EAGAIN: somebody is about to remove it. */
shmpool_id open_held(struct pool *pool, const char *name, int is_named, unsigned flags);

#endif
