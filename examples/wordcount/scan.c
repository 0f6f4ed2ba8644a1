#include "scan.h"

#include <endian.h>
#include <string.h>

static uint64_t each(uint64_t byte)
{
    return UINT64_C(0x0101010101010101) * byte;
}

static uint64_t load(const unsigned char *p)
{
    uint64_t group;
    memcpy(&group, p, sizeof group);
    return le64toh(group);
}

/* One bit for each of eight bytes, the first byte's lowest: whether it is a letter. */
static uint64_t letter_bits(uint64_t group)
{
    uint64_t low = (group | each(0x20)) & each(0x7f);
    uint64_t from_a = low + each(0x80 - 'a');
    uint64_t beyond_z = low + each(0x80 - 'z' - 1);
    uint64_t letters = (from_a & ~beyond_z & ~group) >> 7 & each(1);
    return letters * UINT64_C(0x0102040810204080) >> 56; /* bit 8k goes to bit 56 + k */
}

static uint64_t letters_of_block(const unsigned char *block)
{
    uint64_t letters = 0;
    for (int i = 0; i < 8; i++)
        letters |= letter_bits(load(block + 8 * i)) << 8 * i;
    return letters;
}

const unsigned char *scan_letters(const unsigned char *p, const unsigned char *end)
{
    while (p < end && scan_is_letter(*p))
        p++;
    return p;
}

void scan_begin(struct scan *scan, const unsigned char *begin, const unsigned char *end)
{
    scan->at = begin;
    scan->end = end;
    scan->inside = 0;
    scan->n_edges = 0;
}

/* The block that starts at the end is padding: it finishes a word that goes up to there. */
bool scan_more(struct scan *scan)
{
    size_t n = scan->n_edges & 1;
    if (n > 0)
        scan->edges[0] = scan->edges[scan->n_edges - 1];
    bool more = scan->at <= scan->end;
    for (; scan->at <= scan->end && n <= SCAN_EDGES - SCAN_BLOCK; scan->at += SCAN_BLOCK) {
        uint64_t letters = letters_of_block(scan->at);
        uint64_t changes = letters ^ (letters << 1 | scan->inside);
        scan->inside = letters >> 63;
        for (; changes != 0; changes &= changes - 1)
            scan->edges[n++] = scan->at + __builtin_ctzll(changes);
    }
    scan->n_edges = n;
    return more;
}

void scan_spell(struct spelling *word, const unsigned char *start, const unsigned char *end)
{
    uint64_t hash = 0;
    size_t length = (size_t)(end - start);
    *word = (struct spelling){.start = start, .length = length};
    for (size_t at = 0; at < length; at += 8) {
        uint64_t group = load(start + at) | each(0x20);
        if (length - at < 8)
            group &= (UINT64_C(1) << 8 * (length - at)) - 1;
        if (at < KEY_SIZE)
            word->key[at / 8] = group;
        hash = (hash ^ group) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    word->hash = hash;
}
