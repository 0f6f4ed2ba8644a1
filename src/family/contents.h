/* What stands in an object that nobody vouches for, and mapping it where that says.
 *
 * Whoever comes to a pool by a name, from the family's mailbox or from a letter goes this way: the
 * header is copied once and checked as a copy, never the original, and how many pages there are is
 * asked of the system. */
#ifndef SHMPOOL_FAMILY_CONTENTS_H
#define SHMPOOL_FAMILY_CONTENTS_H

#include <shmpool/backend.h>
#include <stdint.h>

#include "core/layout.h"
#include "family/pools.h"

struct contents {
    struct header_shm header;
    struct layout layout;
    uint64_t n_pages;
};

/* 0, or -1: EUCLEAN when it is no sound pool. name is for sentences. */
int contents_read(const struct shmpool_backend *backend, const struct shmpool_object *object,
                  struct contents *contents, const char *name);

/* Maps the pool's object at the recorded address, for reading only if pool->readonly says so, and
 * fills in what follows from its contents. 0, or -1: EADDRINUSE, EUCLEAN, ENOMEM. */
int contents_map(struct pool *pool, const struct contents *contents, const char *name);

#endif
