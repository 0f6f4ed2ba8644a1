#include "arena.h"

#include <errno.h>

void arena_open(struct arena *arena, shmpool_id pool, struct block_shm **first)
{
    *arena = (struct arena){pool, first, *first};
    while (arena->last != NULL && arena->last->next != NULL)
        arena->last = arena->last->next;
}

/* The pool starts small. Whoever finds it full lets it grow by half; others may be faster, then
 * there is room already, or take the new part, then it grows once more. */
static void *alloc_growing(shmpool_id pool, size_t size)
{
    struct shmpool_stats stats;
    void *block = shmpool_alloc(pool, size);
    while (block == NULL && errno == ENOSPC) {
        if (shmpool_stats(pool, &stats) != 0)
            return NULL;
        if (stats.total == stats.max_size)
            return shmpool_alloc(pool, size);
        size_t larger = stats.total + stats.total / 2 + size;
        if (shmpool_grow(pool, larger < stats.max_size ? larger : stats.max_size) != 0)
            return NULL;
        block = shmpool_alloc(pool, size);
    }
    return block;
}

/* The block becomes part of the job in one step: see shmpool_publish. */
static struct block_shm *add_block(struct arena *arena, size_t size)
{
    struct block_shm *block = alloc_growing(arena->pool, size);
    if (block == NULL)
        return NULL;
    block->next = NULL;
    block->size = (size_t)shmpool_size_at(arena->pool, block) - sizeof *block; /* whole pages */
    atomic_init(&block->used, 0);
    if (shmpool_publish(arena->pool, block, arena->last ? &arena->last->next : arena->first) != 0) {
        shmpool_free(arena->pool, block);
        return NULL;
    }
    return arena->last = block;
}

void *arena_room(struct arena *arena, size_t size)
{
    struct block_shm *block = arena->last;
    size_t used = block ? atomic_load_explicit(&block->used, memory_order_relaxed) : 0;
    if (block == NULL || arena_size(size) > block->size - used) {
        size_t needed = sizeof *block + arena_size(size);
        block = add_block(arena, needed > ARENA_BLOCK ? needed : ARENA_BLOCK);
        used = 0;
    }
    return block == NULL ? NULL : block->memory + used;
}

void arena_take(struct arena *arena, size_t size)
{
    size_t used = atomic_load_explicit(&arena->last->used, memory_order_relaxed);
    atomic_store_explicit(&arena->last->used, used + arena_size(size), memory_order_release);
}
