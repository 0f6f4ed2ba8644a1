/* Who is about to remove a pool, as it stands in the pool's header, for those who open it
 * meanwhile.
 *
 * A collector claims the pool first and looks only then whether anybody else holds it; who opens a
 * pool holds it first and looks only then whether it is claimed. Between the store and the look
 * stand system calls on both sides, so of two that meet at least one sees the other. A claim is
 * never given back by who removes, and one that a dead process left means nothing: whether it came
 * to its end shows in the name. */
#ifndef SHMPOOL_FAMILY_COLLECTOR_H
#define SHMPOOL_FAMILY_COLLECTOR_H

#include <sys/types.h>

#include <shmpool/backend.h>

#include "core/layout.h"

/* Claims the pool for this process; 0, or -1: EBUSY (another living process has claimed it),
 * EUCLEAN (the header has no room for another key). */
int collector_claim(struct header_shm *header, const char *name);
void collector_withdraw(struct header_shm *header);

/* For who opened an object by its name and then read the header: 0 when it may be used, else -1:
 * EAGAIN (a living process is about to remove it), ENOENT (it was removed meanwhile). */
int collector_check(const struct shmpool_backend *backend, const struct shmpool_object *object,
                    const struct header_shm *header, const char *name);

#endif
