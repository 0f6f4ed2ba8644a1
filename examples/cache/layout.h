/* Everything that lives in the pool, and why it is right whoever is killed when.
 *
 *   cache ──► buckets [● | ● | …]                  the hash table
 *         │            └► item ─► item ─► …        a chain: ordered by hash and key, no key twice
 *         ├─► entries [● | ● | …]                  one for each segment
 *         │            └► segment [item item …]    where items lie, back to back
 *         └─► slots   [slot 1 | slot 2 | …]        one for each worker at work
 *
 * All links are plain pointers: the pool has the same address in every process, also in those that
 * open it years later. The cache itself, with all of its arrays, is one block and the pool's root.
 *
 * Items never change. A value is replaced by a new item, so nobody ever reads a half-written one.
 * What changes of an item is its link: the address of the next item, and one bit, which says that
 * this item has left the table. An operation takes effect by one compare-and-swap on one link:
 *
 *   insert    the link before the place:   next        ─►  new item
 *   replace   the old item's link:         next        ─►  new item, and the bit
 *   remove    the item's link:             next        ─►  next, and the bit
 *
 * An item with the bit is skipped by whoever passes, and taken out of the chain by one more swap,
 * which anybody can do. (The chain is M. M. Michael's, "High performance dynamic lock-free hash
 * tables and list-based sets", 2002.) So there is no lock, hence none that a dead or a stopped
 * worker could hold, and the state after any instruction is one that the others go on with.
 *
 * Items are carved from segments, blocks of one size, each by the one worker that holds its entry.
 * A worker that dies leaves at most one item that is complete and not linked: it goes when the
 * segment is emptied. A segment belongs to the cache as soon as it is linked (shmpool_publish); one
 * whose maker died just before is freed by shmpool_reclaim. Segments are never freed, so no death
 * can leave the question whether one has been.
 *
 * Full. When the pool has no room for a segment and cannot grow, a hand goes round the entries.
 * One whose items were read since the hand passed gets a second chance; the first that was not is
 * emptied, item by item, and used again.
 *
 * Readers. Before a worker looks into an item it notes the item in its slot, and looks whether the
 * link by which it came still leads there. Whoever empties a segment takes all items out of the
 * chains first and then looks for such notes; a segment with one is left to the next who comes by.
 * The notes of the dead are removed by the master (store.h); a segment that one held is gone on
 * with by its successor in the slot. */
#ifndef CACHE_LAYOUT_H
#define CACHE_LAYOUT_H

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CACHE_LINE = 64 };

enum {
    SEGMENT_SIZE = 256 << 10, /* bytes */
    LONGEST_KEY = 250,
    LONGEST_VALUE = 128 << 10,
    MOST_WORKERS = 64
};

/* The address of the next item of a chain or 0, and in an item LINK_GONE. */
typedef _Atomic uintptr_t link_shm;
enum { LINK_GONE = 1 };

/* Written by one worker before it is linked; after that only the link changes. */
struct item_shm {
    link_shm next;
    uint64_t hash;     /* of the key */
    uint64_t checksum; /* of lengths, key and value */
    uint32_t entry;    /* the index of its segment's */
    uint32_t value_length;
    uint32_t key_length;
    unsigned char bytes[]; /* key, then value */
};

/* What lies below `used` is initialized. Written by the worker that holds the entry. */
struct segment_shm {
    alignas(CACHE_LINE) _Atomic size_t used;
    alignas(CACHE_LINE) unsigned char memory[];
};

enum { SEGMENT_ROOM = SEGMENT_SIZE - (int)sizeof(struct segment_shm) };

struct entry_shm {
    _Atomic(struct segment_shm *) segment; /* stored by shmpool_publish, for good */
    _Atomic uint32_t holder;               /* a worker's slot, counted from 1; 0: nobody */
    _Atomic bool recent;                   /* an item was read: a second chance */
};

/* What the workers count. A death may cost one. */
enum count {
    COUNT_GETS,
    COUNT_HITS,
    COUNT_SETS,
    COUNT_DELS,
    COUNT_EVICTED,
    COUNT_DAMAGED,
    N_COUNTS
};

enum { N_NOTES = 2 };

/* Written by the worker that holds the slot, and by the master when there is none. */
struct slot_shm {
    alignas(CACHE_LINE) _Atomic(const struct item_shm *) notes[N_NOTES]; /* what it looks into */
    _Atomic uint64_t counts[N_COUNTS];
};

/* The root. All but the hand is fixed before it becomes the root. */
struct cache_shm {
    uint64_t magic;
    link_shm *buckets;
    size_t n_buckets; /* a power of two */
    struct entry_shm *entries;
    size_t n_entries;
    struct slot_shm *slots; /* MOST_WORKERS */
    alignas(CACHE_LINE) _Atomic uint64_t hand;
};

static_assert(alignof(struct item_shm) == 8 && SEGMENT_SIZE % 4096 == 0, "links have a free bit");
static_assert(sizeof(struct item_shm) + LONGEST_KEY + LONGEST_VALUE < SEGMENT_ROOM,
              "every item fits in a segment");
static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_POINTER_LOCK_FREE == 2,
              "a lock of libatomic would not be shared");

#endif
