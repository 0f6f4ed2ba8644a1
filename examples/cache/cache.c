#include "cache.h"

#include "chain.h"
#include "segment.h"

static void mark_recent(const struct hand *hand, const struct item_shm *item)
{
    _Atomic bool *recent = &hand->cache->entries[item->entry % hand->cache->n_entries].recent;
    if (!atomic_load_explicit(recent, memory_order_relaxed))
        atomic_store_explicit(recent, true, memory_order_relaxed);
}

bool cache_get(const struct hand *hand, const struct key *key, void *value, size_t *length)
{
    hand_count(hand, COUNT_GETS);
    const struct item_shm *item = chain_find(hand, key);
    bool found = item != NULL;
    if (found && item_read(item, key, value, length) != 0) {
        hand_count(hand, COUNT_DAMAGED);
        found = false;
    }
    if (found) {
        hand_count(hand, COUNT_HITS);
        mark_recent(hand, item);
    }
    chain_let_go(hand);
    return found;
}

int cache_set(struct hand *hand, const struct key *key, const void *value, size_t length)
{
    size_t size = item_size(key->length, length);
    struct item_shm *item = segment_room(hand, size);
    if (item == NULL)
        return -1;
    item_write(item, (uint32_t)hand->entry, key, value, length);
    segment_take(hand, size);
    chain_put(hand, item, key);
    hand_count(hand, COUNT_SETS);
    return 0;
}

bool cache_delete(const struct hand *hand, const struct key *key)
{
    hand_count(hand, COUNT_DELS);
    return chain_remove(hand, key);
}

uint64_t cache_count(const struct cache_shm *cache, enum count what)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < MOST_WORKERS; i++)
        sum += atomic_load_explicit(&cache->slots[i].counts[what], memory_order_relaxed);
    return sum;
}
