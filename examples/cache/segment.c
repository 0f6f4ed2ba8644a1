#include "segment.h"

#include <errno.h>

#include "chain.h"

/* Second chances are given in two rounds: the second takes those that the first one took back. */
enum { ROUNDS = 3 };

static bool claim(const struct hand *hand, struct entry_shm *entry)
{
    uint32_t nobody = 0;
    return atomic_load_explicit(&entry->holder, memory_order_relaxed) == 0 &&
           atomic_compare_exchange_strong(&entry->holder, &nobody, hand->slot + 1);
}

static void give_back(struct entry_shm *entry)
{
    atomic_store(&entry->holder, 0);
}

/* The committed pool grows by half. What is not to be had, no room or no memory, is ENOSPC: then
 * old items make room. Others may be faster and take the new part. */
static void *alloc_growing(shmpool_id pool)
{
    struct shmpool_stats stats;
    void *block = shmpool_alloc(pool, SEGMENT_SIZE);
    while (block == NULL && errno == ENOSPC) {
        if (shmpool_stats(pool, &stats) != 0)
            return NULL;
        size_t larger = stats.total + stats.total / 2 + SEGMENT_SIZE;
        if (larger > stats.max_size)
            larger = stats.max_size;
        if (stats.total == stats.max_size || shmpool_grow(pool, larger) != 0) {
            errno = ENOSPC;
            return NULL;
        }
        block = shmpool_alloc(pool, SEGMENT_SIZE);
    }
    return block;
}

/* The segment becomes part of the cache in one step: see shmpool_publish. */
static struct segment_shm *add_segment(const struct hand *hand, struct entry_shm *entry)
{
    struct segment_shm *segment = alloc_growing(hand->pool);
    if (segment == NULL)
        return NULL;
    atomic_init(&segment->used, 0);
    if (shmpool_publish(hand->pool, segment, &entry->segment) == 0)
        return segment;
    shmpool_free(hand->pool, segment);
    return NULL;
}

static void hold(struct hand *hand, size_t index, struct segment_shm *segment)
{
    atomic_store_explicit(&hand->cache->entries[index].recent, false, memory_order_relaxed);
    hand->entry = index;
    hand->segment = segment;
}

/* A worker holds one entry at most. What it was about to do does not matter: what lies below `used`
 * is initialized, wherever it died, and some of that may still be in the table. */
void segment_inherit(struct hand *hand)
{
    for (size_t i = 0; i < hand->cache->n_entries; i++) {
        struct entry_shm *entry = &hand->cache->entries[i];
        if (atomic_load(&entry->holder) != hand->slot + 1)
            continue;
        struct segment_shm *segment = atomic_load(&entry->segment);
        if (segment != NULL)
            hold(hand, i, segment);
        else
            give_back(entry);
    }
}

/* A new segment, in the first entry that has none. */
static bool take_new(struct hand *hand)
{
    for (size_t i = 0; i < hand->cache->n_entries; i++) {
        struct entry_shm *entry = &hand->cache->entries[i];
        if (atomic_load(&entry->segment) != NULL || !claim(hand, entry))
            continue;
        struct segment_shm *segment = atomic_load(&entry->segment);
        if (segment == NULL && (segment = add_segment(hand, entry)) == NULL) {
            give_back(entry);
            return false;
        }
        hold(hand, i, segment);
        return true;
    }
    errno = ENOSPC;
    return false;
}

static void empty(const struct hand *hand, struct segment_shm *segment)
{
    size_t end = atomic_load_explicit(&segment->used, memory_order_acquire);
    for (size_t at = 0; at < end;) {
        struct item_shm *item = (struct item_shm *)(void *)(segment->memory + at);
        at += item_size(item->key_length, item->value_length);
        if (chain_expel(hand, item))
            hand_count(hand, COUNT_EVICTED);
    }
}

/* Empties the segment of this entry; false if that cannot be now, or should not. */
static bool take_old(struct hand *hand, size_t index, bool spare_recent)
{
    struct entry_shm *entry = &hand->cache->entries[index];
    if (!claim(hand, entry))
        return false;
    struct segment_shm *segment = atomic_load(&entry->segment);
    if (segment != NULL && !(atomic_exchange(&entry->recent, false) && spare_recent)) {
        empty(hand, segment);
        if (!chain_is_noted(hand->cache, segment)) {
            atomic_store_explicit(&segment->used, 0, memory_order_relaxed);
            hold(hand, index, segment);
            return true;
        }
    }
    give_back(entry);
    return false;
}

static bool take_any(struct hand *hand)
{
    size_t n = hand->cache->n_entries;
    for (size_t i = 0; i < ROUNDS * n; i++)
        if (take_old(hand, atomic_fetch_add(&hand->cache->hand, 1) % n, i < (ROUNDS - 1) * n))
            return true;
    errno = ENOSPC;
    return false;
}

/* Bytes of the segment that this worker fills. */
static size_t used(const struct hand *hand)
{
    return atomic_load_explicit(&hand->segment->used, memory_order_relaxed);
}

struct item_shm *segment_room(struct hand *hand, size_t size)
{
    if (hand->segment == NULL || size > SEGMENT_ROOM - used(hand)) {
        if (hand->segment != NULL)
            give_back(&hand->cache->entries[hand->entry]);
        hand->segment = NULL;
        if (!take_new(hand) && (errno != ENOSPC || !take_any(hand)))
            return NULL;
    }
    return (struct item_shm *)(void *)(hand->segment->memory + used(hand));
}

/* The order matters to whoever goes through the segment after this worker's death. */
void segment_take(struct hand *hand, size_t size)
{
    atomic_store_explicit(&hand->segment->used, used(hand) + size, memory_order_release);
}

size_t segment_least(unsigned n_workers)
{
    return (size_t)(3 * n_workers + 1) * SEGMENT_SIZE;
}
