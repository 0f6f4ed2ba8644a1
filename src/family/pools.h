/* The pools of this process: which are mapped here, and where.
 *
 * A table indexed by the resource ID, private to the process and inherited by forks like all
 * memory. The hot path reads nothing else. An entry is reused, never freed, so a thread that looks
 * at one while another releases it finds a pool with another ID, not garbage. */
#ifndef SHMPOOL_FAMILY_POOLS_H
#define SHMPOOL_FAMILY_POOLS_H

#include <pthread.h>
#include <shmpool/backend.h>
#include <shmpool/pool.h>
#include <stdatomic.h>
#include <stdint.h>

#include "core/view.h"
#include "family/registry.h"

struct member;

enum pool_state { POOL_ABSENT, POOL_RELEASED, POOL_MAPPED };

/* Pools that keep used bits. */
enum { POOL_KEEPS_USED = SHMPOOL_ZERO | SHMPOOL_AUTOTRIM };

struct pool {
    _Atomic shmpool_id
        plain; /* the ID, while the pool is mapped, writable and keeps no used bits */
    _Atomic shmpool_id id;
    _Atomic uint32_t state; /* pool_state */
    int readonly;
    unsigned flags; /* as given to shmpool_create */
    struct view view;
    void *base;
    size_t mapping_size;
    const struct shmpool_backend *backend;
    struct shmpool_object object;
    char *name; /* kept for the life of the process */
    /* membership, guarded by process_lock */
    uint32_t row;
    uint64_t ident;
    struct member *members;
    pthread_mutex_t spare; /* held by the thread that uses the row's spare intent */
    struct pool *next_unfinished;
};

extern _Atomic(struct pool *) pools_table[REGISTRY_ENTRIES];

/* For an ID that is no mapped pool: NULL, errno and the sentence, unless the pool was waiting to be
 * mapped, as the grants of a spawned program do. */
struct pool *pools_refuse(shmpool_id id);

/* The mapped pool of that ID; NULL says nothing. */
static inline struct pool *pools_find_mapped(shmpool_id id)
{
    struct pool *pool =
        atomic_load_explicit(&pools_table[(uint32_t)id % REGISTRY_ENTRIES], memory_order_acquire);
    if (pool != NULL && atomic_load_explicit(&pool->id, memory_order_relaxed) == id &&
        atomic_load_explicit(&pool->state, memory_order_relaxed) == POOL_MAPPED)
        return pool;
    return NULL;
}

/* The mapped pool of that ID, or NULL with errno. */
static inline struct pool *pools_find(shmpool_id id)
{
    struct pool *pool = pools_find_mapped(id);
    return pool != NULL ? pool : pools_refuse(id);
}

/* The pool, if calls may go the short way; NULL says nothing. */
static inline struct pool *pools_find_plain(shmpool_id id)
{
    struct pool *pool =
        atomic_load_explicit(&pools_table[(uint32_t)id % REGISTRY_ENTRIES], memory_order_acquire);
    return pool != NULL && atomic_load_explicit(&pool->plain, memory_order_relaxed) == id ? pool
                                                                                          : NULL;
}

/* Sets errno and the sentence for a pool that is read-only here; NULL. */
struct pool *pools_refuse_writing(const struct pool *pool);

/* As pools_find, for what writes: NULL and EROFS when the pool is read-only here. */
static inline struct pool *pools_find_writable(shmpool_id id)
{
    struct pool *pool = pools_find(id);
    return pool != NULL && pool->readonly ? pools_refuse_writing(pool) : pool;
}

/* The places of the table from here on were never used. */
void pools_raise_mark(unsigned mark);

/* Calls visit for each mapped pool. */
void pools_each(void (*visit)(void *context, struct pool *pool), void *context);

/* The mapped pool whose pages hold the n bytes from the address on, or NULL. */
struct pool *pools_holding(uintptr_t address, size_t n);

/* Asks the system how many pages there are when the header says that there are more than this
 * process knows of: another process has made the pool larger, or the header is damaged. Whoever
 * found nothing before looks again afterwards. errno and the sentence are left alone. */
void pools_refresh(struct pool *pool);

/* Forgets a pool here: unmaps, closes, keeps its ID known. Makes system calls only, so it also
 * serves a child just forked from a process with many threads. */
void pools_drop(struct pool *pool);

/* Replaces a pool's mapping by a read-only one and gives up what could write. 0, or -1 with errno;
 * system calls only. */
int pools_make_readonly(struct pool *pool);

/* A pool that is mapped but not in the table yet, while it is created; under process_lock. A worker
 * started meanwhile drops it. */
void pools_add_unfinished(struct pool *pool);
void pools_remove_unfinished(struct pool *pool);
void pools_drop_unfinished(void);

/* For the registry: whether this process can use the ID's place; notes the use of all mapped pools.
 */
int pools_index_is_free(shmpool_id id);
void pools_note_uses(void);

/* After a fork: membership is the parent's. */
void pools_renew(void);

#endif
