/* shmpool: pools of shared memory that worker processes inherit at the same address.
 *
 * A pool is one shared-memory object set aside for shared data structures. A process creates it,
 * starts workers that inherit it, and all of them allocate and free blocks of whole pages in it;
 * a plain pointer into the pool means the same thing in each of them.
 *
 * Every function follows shm_open(3) and mmap(2): -1 or NULL and errno on failure, and
 * shmpool_errmsg() then holds a sentence with sizes, names and the remedy. EINTR never comes out.
 * Link with the flags that `pkg-config shmpool` prints; C and C++ programs include this file. */
#ifndef SHMPOOL_H
#define SHMPOOL_H

#include <shmpool/pool.h>
#include <shmpool/worker.h>

#endif
