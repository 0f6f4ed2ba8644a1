/* Orders. A note is stored before the link is looked at again, and an item is unlinked before the
 * notes are looked at: both sides are sequentially consistent, so one of the two sees the other. A
 * swap that links an item releases what was written to it; the loads of links acquire that. */
#include "chain.h"

/* Where a key stands in its chain, or would. */
struct place {
    link_shm *link;        /* that leads there: of the bucket or of an item in the chain */
    struct item_shm *item; /* the first that is not before the key; NULL: none */
    uintptr_t next;        /* its link, without LINK_GONE */
};

static struct item_shm *item_at(uintptr_t link)
{
    return (struct item_shm *)(link & ~(uintptr_t)LINK_GONE);
}

static uintptr_t address_of(const struct item_shm *item)
{
    return (uintptr_t)item;
}

static link_shm *bucket_of(const struct hand *hand, const struct key *key)
{
    return &hand->cache->buckets[key->hash & (hand->cache->n_buckets - 1)];
}

static bool swap(link_shm *link, uintptr_t from, uintptr_t to)
{
    return atomic_compare_exchange_strong(link, &from, to);
}

/* Walks one chain; false when it changed on the way. The two notes take turns: one keeps the item
 * whose link is `link`, the other the item to which it leads. The link is looked at again after the
 * note: it leads there without LINK_GONE, so the one is in the chain and so is the other. */
static bool walk(const struct hand *hand, const struct key *key, struct place *place)
{
    struct slot_shm *slot = hand_slot(hand);
    unsigned turn = 0;
    place->link = bucket_of(hand, key);
    place->item = item_at(atomic_load(place->link));
    while (place->item != NULL) {
        atomic_store(&slot->notes[turn], place->item);
        if (atomic_load(place->link) != address_of(place->item))
            return false;
        uintptr_t next = atomic_load(&place->item->next);
        place->next = address_of(item_at(next));
        if (next & LINK_GONE) {
            if (!swap(place->link, address_of(place->item), place->next))
                return false;
        } else {
            if (item_compare(place->item, key) >= 0)
                return true;
            place->link = &place->item->next;
            turn ^= 1;
        }
        place->item = item_at(place->next);
    }
    return true;
}

/* Finds the place of a key. Items before it that have left the table are no longer in the chain
 * afterwards. True: the item there has this key. */
static bool find(const struct hand *hand, const struct key *key, struct place *place)
{
    while (!walk(hand, key, place))
        continue;
    return place->item != NULL && item_compare(place->item, key) == 0;
}

const struct item_shm *chain_find(const struct hand *hand, const struct key *key)
{
    struct place place;
    return find(hand, key, &place) ? place.item : NULL;
}

/* The old item's link leads to the new one, and so do those of all who stand at the old one. */
static bool replace(const struct hand *hand, const struct place *place, struct item_shm *item,
                    const struct key *key)
{
    struct place clean;
    atomic_store_explicit(&item->next, place->next, memory_order_relaxed);
    if (!swap(&place->item->next, place->next, address_of(item) | LINK_GONE))
        return false;
    find(hand, key, &clean);
    return true;
}

static bool insert(const struct place *place, struct item_shm *item)
{
    atomic_store_explicit(&item->next, address_of(place->item), memory_order_relaxed);
    return swap(place->link, address_of(place->item), address_of(item));
}

void chain_put(const struct hand *hand, struct item_shm *item, const struct key *key)
{
    struct place place;
    bool done;
    do {
        done = find(hand, key, &place) ? replace(hand, &place, item, key) : insert(&place, item);
    } while (!done);
    chain_let_go(hand);
}

bool chain_remove(const struct hand *hand, const struct key *key)
{
    struct place place;
    bool done = false;
    while (!done && find(hand, key, &place))
        done = swap(&place.item->next, place.next, place.next | LINK_GONE);
    if (done)
        find(hand, key, &place);
    chain_let_go(hand);
    return done;
}

/* One that left the table may still be in the chain: who took it out may have died on the way. All
 * items of its key that are in the chain before the one that is in the table have left it, and the
 * walk takes them out. */
bool chain_expel(const struct hand *hand, struct item_shm *item)
{
    struct place place;
    struct key key = item_key(item);
    bool was_there = find(hand, &key, &place) && place.item == item;
    atomic_fetch_or(&item->next, LINK_GONE);
    find(hand, &key, &place);
    chain_let_go(hand);
    return was_there;
}

void chain_let_go(const struct hand *hand)
{
    for (unsigned i = 0; i < N_NOTES; i++)
        atomic_store_explicit(&hand_slot(hand)->notes[i], NULL, memory_order_release);
}

static bool lies_in(const struct item_shm *item, const struct segment_shm *segment)
{
    return address_of(item) - (uintptr_t)segment < SEGMENT_SIZE;
}

bool chain_is_noted(const struct cache_shm *cache, const struct segment_shm *segment)
{
    for (unsigned i = 0; i < MOST_WORKERS; i++)
        for (unsigned j = 0; j < N_NOTES; j++)
            if (lies_in(atomic_load(&cache->slots[i].notes[j]), segment))
                return true;
    return false;
}
