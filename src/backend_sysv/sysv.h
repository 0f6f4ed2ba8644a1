/* The sysv backend: objects are System V segments (ipcs -m shows them).
 *
 * They outlive their users until they are unlinked, like those of posix, but no size of /dev/shm
 * limits them, and nobody can truncate them. A segment keeps the size it was made with, so it is
 * made with the largest size at once; it takes memory as it is touched.
 *
 * In place of a descriptor its first page holds it, attached read-only: as long as it is, the
 * segment is there, removed or not, its id stands for no other, and it can be attached by it. */
#ifndef SHMPOOL_BACKEND_SYSV_SYSV_H
#define SHMPOOL_BACKEND_SYSV_SYSV_H

#include <shmpool/backend.h>

extern const struct shmpool_backend backend_sysv;

#endif
