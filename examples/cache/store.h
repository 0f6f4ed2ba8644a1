/* The pool with the cache in it: made once, found again by every later start. */
#ifndef CACHE_STORE_H
#define CACHE_STORE_H

#include <shmpool.h>

#include "layout.h"

struct store_order {
    const char *name;
    const char *backend; /* NULL: the library's choice */
    size_t size;         /* bytes that a new pool has at first */
    size_t max_size;     /* and up to which it grows */
    unsigned n_workers;
};

struct store {
    shmpool_id pool;
    struct cache_shm *cache;
    bool found; /* with what earlier runs left */
};

/* Opens the pool of this name, or creates it; puts in order what dead processes left. The caller is
 * the only process that uses it: guard.h. -1: stderr says why. */
int store_open(struct store *store, const struct store_order *order);

/* Removes the pool. -1: stderr says why. */
int store_remove(const struct store_order *order);

/* Puts in order what the worker of this slot left, which is dead and was process pid: its notes,
 * and blocks that it had allocated and not linked yet. The segment that it held is its successor's.
 */
void store_settle(const struct store *store, unsigned slot, pid_t pid);

#endif
