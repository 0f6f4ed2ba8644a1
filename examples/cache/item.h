/* One key and its value, as they lie in a segment. */
#ifndef CACHE_ITEM_H
#define CACHE_ITEM_H

#include "layout.h"

/* A key that somebody asks for. */
struct key {
    size_t length; /* 1 to LONGEST_KEY */
    char bytes[LONGEST_KEY];
    uint64_t hash;
};

/* Completes a key of which bytes and length are known. */
void key_close(struct key *key);

/* The key of an item. */
struct key item_key(const struct item_shm *item);

/* The room that an item takes in a segment. */
size_t item_size(size_t key_length, size_t value_length);

/* Writes an item to `room`; it is in no chain. */
void item_write(struct item_shm *room, uint32_t entry, const struct key *key, const void *value,
                size_t value_length);

/* As strcmp, in the order of a chain. */
int item_compare(const struct item_shm *item, const struct key *key);

/* Copies the value, at most LONGEST_VALUE bytes; -1 when item and copy are not what was written.
 * The last guard: nothing in this program makes such an item. */
int item_read(const struct item_shm *item, const struct key *key, void *value, size_t *length);

#endif
