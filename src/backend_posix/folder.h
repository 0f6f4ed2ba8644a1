/* The folder of posix pools: what the files in it are called, and which pools lie there. */
#ifndef SHMPOOL_BACKEND_POSIX_FOLDER_H
#define SHMPOOL_BACKEND_POSIX_FOLDER_H

#include <shmpool/backend.h>

#define FOLDER           "/dev/shm"
#define PREFIX           "shmpool."  /* the pool's name follows */
#define TEMPORARY_PREFIX ".shmpool." /* a number follows: not published yet */

enum { PATH_SIZE = 256 }; /* FOLDER, a prefix and a name of 200 bytes */

/* The contract's list: the files of the folder, and pools that were unlinked and are held still. */
int folder_list(pid_t holder, int (*visit)(const struct shmpool_found *found, void *arg),
                void *arg);

#endif
