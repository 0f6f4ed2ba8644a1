/* The memfd backend: objects are nameless files in memory that only the family can reach.
 *
 * They go with their last user, no size of /dev/shm limits them, and nobody can shrink them under
 * their users. What processes outside of the family need a name for is not here. */
#ifndef SHMPOOL_BACKEND_MEMFD_MEMFD_H
#define SHMPOOL_BACKEND_MEMFD_MEMFD_H

#include <shmpool/backend.h>

extern const struct shmpool_backend backend_memfd;

#endif
