/* Memory of a pool that is not there when it is read: SIGBUS. Its object was truncated, or a page
 * of its tables that nobody wrote yet finds the file system full: reading takes memory too. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>

#define MEMORY_LOST                                                                                \
    "the memory of the pool is not there: somebody truncated it, or its file system is full: see " \
    "shmpool doctor"

/* From here on that ends the program with a sentence and this status. */
void memory_watch(int status);

/* But for what this one looks at: whether it came to its end. It is left where it is, so it does no
 * more than to read the pool, and to note what it finds behind arg. */
bool memory_outlasts(void (*look)(void *arg), void *arg);

#endif
