#include "store.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "segment.h"

/* Says what is in the root, and how it was laid out. */
static const uint64_t magic = 0x31656863616373; /* "scache1" */

enum { BYTES_PER_BUCKET = 1024, NAME_SIZE = 256 };

/* A power of two. */
static size_t choose_buckets(size_t max_size)
{
    size_t n = 1;
    while (n < max_size / BYTES_PER_BUCKET)
        n *= 2;
    return n;
}

static size_t cache_size(size_t n_entries, size_t n_buckets)
{
    return sizeof(struct cache_shm) + MOST_WORKERS * sizeof(struct slot_shm) +
           n_entries * sizeof(struct entry_shm) + n_buckets * sizeof(link_shm);
}

static size_t least_size(const struct store_order *order)
{
    size_t tables = cache_size(order->max_size / SEGMENT_SIZE, choose_buckets(order->max_size));
    return tables + segment_least(order->n_workers) + SEGMENT_SIZE; /* one for page and end */
}

static int fail(void)
{
    warnx("%s", shmpool_errmsg());
    return -1;
}

/* An empty cache becomes the root in one step; what a death leaves before that is reclaimed. */
static int make_cache(struct store *store, size_t max_size)
{
    size_t n_entries = max_size / SEGMENT_SIZE;
    size_t n_buckets = choose_buckets(max_size);
    struct cache_shm *cache = shmpool_alloc(store->pool, cache_size(n_entries, n_buckets));
    if (cache == NULL)
        return fail();
    memset(cache, 0, cache_size(n_entries, n_buckets));
    cache->magic = magic;
    cache->slots = (struct slot_shm *)(cache + 1);
    cache->entries = (struct entry_shm *)(cache->slots + MOST_WORKERS);
    cache->n_entries = n_entries;
    cache->buckets = (link_shm *)(cache->entries + n_entries);
    cache->n_buckets = n_buckets;
    store->cache = cache;
    return shmpool_set_root(store->pool, cache) == 0 ? 0 : fail();
}

/* Whether the root is a cache of this program, and no other program's. */
static bool is_cache(shmpool_id pool, const struct cache_shm *cache)
{
    ssize_t size = shmpool_size_at(pool, cache);
    return size >= (ssize_t)sizeof *cache && cache->magic == magic &&
           (size_t)size >= cache_size(cache->n_entries, cache->n_buckets);
}

static void drop_notes(const struct cache_shm *cache, unsigned slot)
{
    for (unsigned i = 0; i < N_NOTES; i++)
        atomic_store(&cache->slots[slot].notes[i], NULL);
}

/* What earlier processes left. The segments of slots that will have a worker are left to it. */
static void settle_all(const struct store *store, unsigned n_workers)
{
    struct cache_shm *cache = store->cache;
    shmpool_reclaim(store->pool, 0);
    for (unsigned slot = 0; slot < MOST_WORKERS; slot++)
        drop_notes(cache, slot);
    for (size_t i = 0; i < cache->n_entries; i++)
        if (atomic_load(&cache->entries[i].holder) > n_workers)
            atomic_store(&cache->entries[i].holder, 0);
}

static int find_cache(struct store *store, const struct store_order *order)
{
    struct shmpool_stats stats;
    if (shmpool_stats(store->pool, &stats) != 0)
        return fail();
    store->cache = shmpool_root(store->pool);
    if (store->cache == NULL && errno == ENOENT) { /* its creator died early */
        shmpool_reclaim(store->pool, 0);
        return make_cache(store, stats.max_size);
    }
    if (store->cache == NULL)
        return fail();
    if (!is_cache(store->pool, store->cache)) {
        warnx("the pool %s holds no cache: choose another name with -n", order->name);
        return -1;
    }
    store->found = true;
    settle_all(store, order->n_workers);
    return 0;
}

/* "backend:name", or the name alone. */
static void full_name(char text[NAME_SIZE], const struct store_order *order)
{
    snprintf(text, NAME_SIZE, "%s%s%s", order->backend != NULL ? order->backend : "",
             order->backend != NULL ? ":" : "", order->name);
}

/* Its memory is there before it is used, so that touching it never kills: where there is none, old
 * items make room. */
static int create(struct store *store, const struct store_order *order)
{
    size_t least = least_size(order);
    size_t size = order->size > least ? order->size : least;
    struct shmpool_options options = {.name = order->name,
                                      .backend = order->backend,
                                      .max_size = order->max_size,
                                      .flags = SHMPOOL_COMMIT | SHMPOOL_KEEP};
    if (least > order->max_size) {
        warnx(
            "a pool of %zu bytes is too small for %u workers, who need %zu: choose fewer with -j, "
            "or a larger --max-size",
            order->max_size, order->n_workers, least);
        return -1;
    }
    store->pool = shmpool_create(size < order->max_size ? size : order->max_size, &options);
    return store->pool < 0 ? fail() : make_cache(store, order->max_size);
}

static int refuse_backend(void)
{
    warnx("%s, so no later start would find the cache: choose posix or sysv with -b",
          shmpool_errmsg());
    return -1;
}

static int find_or_create(struct store *store, const struct store_order *order)
{
    char name[NAME_SIZE];
    full_name(name, order);
    store->pool = shmpool_open(name, 0);
    if (store->pool > 0)
        return find_cache(store, order);
    if (errno == ENOENT)
        return create(store, order);
    return errno == ENOTSUP ? refuse_backend() : fail();
}

/* Each worker holds a segment; with fewer the last of them would find none to empty. */
static int check_room(const struct store *store, const struct store_order *order)
{
    struct shmpool_stats stats;
    if (shmpool_stats(store->pool, &stats) != 0)
        return fail();
    if (cache_size(store->cache->n_entries, store->cache->n_buckets) +
            segment_least(order->n_workers) + SEGMENT_SIZE <=
        stats.max_size)
        return 0;
    warnx("the pool %s of %zu bytes at most is too small for %u workers: choose fewer with -j, or "
          "start a larger pool, under another name",
          order->name, stats.max_size, order->n_workers);
    return -1;
}

int store_open(struct store *store, const struct store_order *order)
{
    *store = (struct store){.pool = -1};
    if (find_or_create(store, order) == 0 && check_room(store, order) == 0)
        return 0;
    if (store->pool > 0)
        shmpool_release(store->pool);
    return -1;
}

int store_remove(const struct store_order *order)
{
    char name[NAME_SIZE];
    full_name(name, order);
    return shmpool_unlink_name(name) == 0 ? 0 : fail();
}

void store_settle(const struct store *store, unsigned slot, pid_t pid)
{
    shmpool_reclaim(store->pool, pid); /* if it cannot be done now, the next start does it */
    drop_notes(store->cache, slot);
}
