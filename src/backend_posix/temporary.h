/* What a creator leaves that was killed where the system has no nameless files: a temporary name.
 */
#ifndef SHMPOOL_BACKEND_POSIX_TEMPORARY_H
#define SHMPOOL_BACKEND_POSIX_TEMPORARY_H

#include <stdint.h>

/* The contract's remove_unfinished. A creator has its file open until that has its last name, so
 * one that nobody has open is left over. */
int temporary_remove(uint64_t device, uint64_t inode, int pretend);

#endif
