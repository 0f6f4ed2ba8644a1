/* Memory without an object: what a family shares besides its pools, and what tells of a fork.
 *
 * Here because only this floor maps memory. Failures are -1 or NULL, errno and the sentence. */
#ifndef SHMPOOL_BACKEND_ANONYMOUS_H
#define SHMPOOL_BACKEND_ANONYMOUS_H

#include <stddef.h>

/* Zeroed memory that this process and all it forks share; a page is taken when it is touched.
 * size: bytes. The caller ends it with anonymous_unmap. */
void *anonymous_shared(size_t size);

/* A private page that reads as zeroes in every child, whichever way it was forked: what is stored
 * there tells the process that stored it from its children.
 * Errors: ENOTSUP (Linux before 4.14). */
void *anonymous_fork_page(void);

/* Makes system calls only. */
void anonymous_unmap(void *address, size_t length);

/* Leaves the range, of whatever mapping, out of core dumps. Lost when it is mapped anew. Makes
 * system calls only. */
int mapping_keep_out_of_dumps(void *address, size_t length);

/* Bytes of the range, of whatever shared mapping, that are in memory now. */
size_t mapping_resident(void *address, size_t length);

#endif
