/* The hash table: chains of items that every worker changes at once, without a lock.
 *
 * layout.h says how an operation takes effect. After a call that gives an item the worker's notes
 * keep its segment from being used again, until the next call or chain_let_go. */
#ifndef CACHE_CHAIN_H
#define CACHE_CHAIN_H

#include "hand.h"
#include "item.h"

/* The item of this key; NULL when there is none. */
const struct item_shm *chain_find(const struct hand *hand, const struct key *key);

/* Puts an item into the table, in place of the one with its key if there is one. The item lies in
 * the segment that this worker fills. */
void chain_put(const struct hand *hand, struct item_shm *item, const struct key *key);

/* Takes the item of this key out of the table; false when there is none. */
bool chain_remove(const struct hand *hand, const struct key *key);

/* Takes this item out of the table, whatever state it is in: when this returns, no chain leads to
 * it. It lies in a segment whose entry this worker holds. True: it was in the table. */
bool chain_expel(const struct hand *hand, struct item_shm *item);

void chain_let_go(const struct hand *hand);

/* Whether any worker looks into what lies in this segment. What no chain leads to nobody comes to
 * look into. */
bool chain_is_noted(const struct cache_shm *cache, const struct segment_shm *segment);

#endif
