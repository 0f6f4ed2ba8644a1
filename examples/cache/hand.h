/* A worker's hold on the cache; private to it. */
#ifndef CACHE_HAND_H
#define CACHE_HAND_H

#include <shmpool.h>

#include "layout.h"

struct hand {
    shmpool_id pool;
    struct cache_shm *cache;
    unsigned slot;               /* its index */
    size_t entry;                /* whose segment it fills */
    struct segment_shm *segment; /* NULL: none yet */
};

static inline struct slot_shm *hand_slot(const struct hand *hand)
{
    return &hand->cache->slots[hand->slot];
}

static inline void hand_count(const struct hand *hand, enum count what)
{
    _Atomic uint64_t *count = &hand_slot(hand)->counts[what];
    uint64_t now = atomic_load_explicit(count, memory_order_relaxed);
    atomic_store_explicit(count, now + 1, memory_order_relaxed);
}

#endif
