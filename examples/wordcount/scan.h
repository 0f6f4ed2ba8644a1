/* Finding words in text: maximal runs of ASCII letters, folded to lower case.
 *
 * Asking each byte whether it is a letter means a branch that is guessed wrong at nearly every end
 * of a word. So 64 bytes at a time become 64 bits, one for each byte that is a letter, and the ends
 * of the words are where neighbouring bits differ. Setting bit 0x20 folds letters and makes no
 * other byte a letter; then two additions decide for eight bytes at once, without a carry from one
 * byte to the next. Bytes are loaded as little-endian numbers: the first is the lowest on every
 * machine.
 *
 * Text to be scanned ends with SCAN_PADDING bytes that are zero. */
#ifndef WORDCOUNT_SCAN_H
#define WORDCOUNT_SCAN_H

#include "layout.h"

enum { SCAN_BLOCK = 64, SCAN_PADDING = 2 * SCAN_BLOCK, SCAN_EDGES = 4 * SCAN_BLOCK };

struct scan {
    const unsigned char *at;
    const unsigned char *end;
    uint64_t inside; /* 1: the byte before `at` is a letter */
    size_t n_edges;
    /* Where words start and end, in turn. An odd number: the last word is not finished. */
    const unsigned char *edges[SCAN_EDGES];
};

/* A word as it stands in the text. */
struct spelling {
    const unsigned char *start; /* not folded */
    size_t length;
    uint64_t hash;            /* of the folded letters */
    uint64_t key[KEY_GROUPS]; /* folded, as in a cell */
};

static inline unsigned char scan_fold(unsigned char byte)
{
    return byte | 0x20;
}

static inline bool scan_is_letter(unsigned char byte)
{
    return (unsigned)(scan_fold(byte) - 'a') < 26;
}

/* The first byte at or after p that is no letter, or end. */
const unsigned char *scan_letters(const unsigned char *p, const unsigned char *end);

/* Prepares to scan [begin, end), at whose borders no word is cut. */
void scan_begin(struct scan *scan, const unsigned char *begin, const unsigned char *end);

/* Finds the next words: the first n_edges / 2 pairs of edges; perhaps none. False: that was all. */
bool scan_more(struct scan *scan);

/* Folds and hashes the word in [start, end). */
void scan_spell(struct spelling *word, const unsigned char *start, const unsigned char *end);

#endif
