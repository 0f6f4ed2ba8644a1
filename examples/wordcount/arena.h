/* Memory for words and cells, carved from blocks of the pool: one arena for each of the two and
 * slot. Only the worker that holds the slot carves; what it leaves behind, its successor goes on
 * with. */
#ifndef WORDCOUNT_ARENA_H
#define WORDCOUNT_ARENA_H

#include <shmpool.h>

#include "layout.h"

enum { ARENA_BLOCK = 32 * 1024 }; /* bytes of a block, unless it must be larger */

/* A worker's hold on an arena; private to it. */
struct arena {
    shmpool_id pool;
    struct block_shm **first; /* in the slot */
    struct block_shm *last;
};

void arena_open(struct arena *arena, shmpool_id pool, struct block_shm **first);

/* Room for size bytes, aligned to eight, and to a cache line where every size is a multiple of one;
 * it stays free until arena_take says that it is initialized. NULL and errno: the library's. */
void *arena_room(struct arena *arena, size_t size);
void arena_take(struct arena *arena, size_t size);

/* The room that a thing of size bytes takes. */
static inline size_t arena_size(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

#endif
