/* The operations of the cache. A value that chain and item give is a copy, so nothing here keeps
 * hold of shared memory after it returned. */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include "hand.h"
#include "item.h"

/* What a GET gives; value has room for LONGEST_VALUE bytes. False: there is no such key. */
bool cache_get(const struct hand *hand, const struct key *key, void *value, size_t *length);

/* 0, or -1 and errno: there is no room, ENOSPC, or see shmpool_errmsg. Then the key is as it was.
 * Old items that nobody asked for make room. */
int cache_set(struct hand *hand, const struct key *key, const void *value, size_t length);

/* False: there is no such key. */
bool cache_delete(const struct hand *hand, const struct key *key);

/* What all workers have counted since the cache was made. */
uint64_t cache_count(const struct cache_shm *cache, enum count what);

#endif
