/* Memory of a pool that is not there when it is read: SIGBUS. Its object was truncated, or a page
 * of its tables that nobody wrote yet finds the file system full: reading takes memory too. */
#ifndef MEMORY_H
#define MEMORY_H

#include <shmpool.h>

#define MEMORY_LOST                                                                                \
    "the memory of the pool is not there: somebody truncated it, or its file system is full"

/* From here on that ends the program with a sentence. */
void memory_watch(void);

/* As shmpool_stats, but for that: 0, -1, or 1 where the memory is not there. */
int memory_stats(shmpool_id pool, struct shmpool_stats *stats);

#endif
