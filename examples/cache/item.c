#include "item.h"

#include <string.h>

/* FNV-1a. */
static const uint64_t fnv_begin = 0xcbf29ce484222325;
static const uint64_t fnv_prime = 0x100000001b3;

static uint64_t fnv(uint64_t sum, const void *bytes, size_t n)
{
    const unsigned char *at = bytes;
    for (; n > 0; n--)
        sum = (sum ^ *at++) * fnv_prime;
    return sum;
}

void key_close(struct key *key)
{
    key->hash = fnv(fnv_begin, key->bytes, key->length);
}

struct key item_key(const struct item_shm *item)
{
    struct key key = {.length = item->key_length, .hash = item->hash};
    memcpy(key.bytes, item->bytes, key.length);
    return key;
}

size_t item_size(size_t key_length, size_t value_length)
{
    size_t size = offsetof(struct item_shm, bytes) + key_length + value_length;
    return (size + alignof(struct item_shm) - 1) & ~(alignof(struct item_shm) - 1);
}

static uint64_t checksum(const struct key *key, const void *value, size_t value_length)
{
    uint64_t lengths[] = {key->length, value_length};
    uint64_t sum = fnv(key->hash, lengths, sizeof lengths);
    return fnv(sum, value, value_length);
}

void item_write(struct item_shm *room, uint32_t entry, const struct key *key, const void *value,
                size_t value_length)
{
    atomic_init(&room->next, 0);
    room->hash = key->hash;
    room->checksum = checksum(key, value, value_length);
    room->entry = entry;
    room->value_length = (uint32_t)value_length;
    room->key_length = (uint32_t)key->length;
    memcpy(room->bytes, key->bytes, key->length);
    memcpy(room->bytes + key->length, value, value_length);
}

int item_compare(const struct item_shm *item, const struct key *key)
{
    if (item->hash != key->hash)
        return item->hash < key->hash ? -1 : 1;
    if (item->key_length != key->length)
        return item->key_length < key->length ? -1 : 1;
    return memcmp(item->bytes, key->bytes, key->length);
}

int item_read(const struct item_shm *item, const struct key *key, void *value, size_t *length)
{
    *length = item->value_length;
    if (*length > LONGEST_VALUE)
        return -1;
    memcpy(value, item->bytes + key->length, *length);
    return item->checksum == checksum(key, value, *length) ? 0 : -1;
}
