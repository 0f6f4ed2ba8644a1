/* The posix backend: the object NAME is the file shmpool.NAME of /dev/shm.
 *
 * They outlive their users until they are unlinked, and every program that may read or write the
 * file may be a user. A name is there only when its object is complete: it is made without a name
 * and linked, never renamed, since that would replace what has the name. /dev/shm is open to all,
 * so whatever has a pool's name is looked at before it is used, and never waited for. */
#ifndef SHMPOOL_BACKEND_POSIX_POSIX_H
#define SHMPOOL_BACKEND_POSIX_POSIX_H

#include <shmpool/backend.h>

extern const struct shmpool_backend backend_posix;

#endif
