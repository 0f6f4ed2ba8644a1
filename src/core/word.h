/* The page word: 64 bits that describe 32 pages, two bits a page, and what can be computed from one
 * value of it. Nothing here touches memory.
 *
 *   lo hi   (bit i and bit 32 + i)
 *   0  0    free
 *   1  1    first page of a block
 *   1  0    further page of a block
 *   0  1    claimed: a member is in the middle of a longer operation
 *
 * A mask is a 32-bit set of pages of one word. */
#ifndef SHMPOOL_CORE_WORD_H
#define SHMPOOL_CORE_WORD_H

#include <stdint.h>

#include "core/layout.h"

static inline uint32_t word_lo(uint64_t word)
{
    return (uint32_t)word;
}

static inline uint32_t word_hi(uint64_t word)
{
    return (uint32_t)(word >> 32);
}

static inline uint32_t word_free(uint64_t word)
{
    return ~(word_lo(word) | word_hi(word));
}

static inline uint32_t word_first(uint64_t word)
{
    return word_lo(word) & word_hi(word);
}

static inline uint32_t word_further(uint64_t word)
{
    return word_lo(word) & ~word_hi(word);
}

static inline uint32_t word_claimed(uint64_t word)
{
    return ~word_lo(word) & word_hi(word);
}

/* The mask of n pages from page bit on; n > 0, bit + n <= 32. */
static inline uint32_t mask_of(unsigned bit, unsigned n)
{
    return (UINT32_MAX >> (LAYOUT_WORD_PAGES - n)) << bit;
}

/* The word's bits for the pages of mask when they are claimed. */
static inline uint64_t bits_claimed(uint32_t mask)
{
    return (uint64_t)mask << 32;
}

/* The word's bits for the pages of mask when they are of one block; first: the mask of its first
 * page, 0 where that lies in an earlier word. */
static inline uint64_t bits_block(uint32_t mask, uint32_t first)
{
    return (uint64_t)first << 32 | mask;
}

/* All bits of the pages of mask. */
static inline uint64_t bits_both(uint32_t mask)
{
    return (uint64_t)mask << 32 | mask;
}

/* The pages at which a run of n pages of mask begins; 1 <= n <= 32. */
static inline uint32_t mask_runs(uint32_t mask, unsigned n)
{
    unsigned have = 1;
    while (have * 2 <= n && mask != 0) {
        mask &= mask >> have;
        have *= 2;
    }
    return n > have ? mask & mask >> (n - have) : mask;
}

static inline unsigned mask_lowest(uint32_t mask)
{
    return (unsigned)__builtin_ctz(mask);
}

/* The length of the run of pages of mask that begins at page bit. */
static inline unsigned mask_run_at(uint32_t mask, unsigned bit)
{
    uint64_t gaps = ~(uint64_t)(mask >> bit);
    return (unsigned)__builtin_ctzll(gaps);
}

/* How many pages, by shifts and adds: the instruction is not on every x86-64, and the builtin then
 * calls into libgcc. */
static inline unsigned mask_count(uint32_t mask)
{
    mask -= mask >> 1 & 0x55555555u;
    mask = (mask & 0x33333333u) + (mask >> 2 & 0x33333333u);
    mask = (mask + (mask >> 4)) & 0x0F0F0F0Fu;
    return mask * 0x01010101u >> 24;
}

/* Whether a block begins at bit and ends before the word does; `pages` are its pages then. The sum
 * carries through them into the bit behind them. */
static inline int word_block_inside(uint64_t word, unsigned bit, uint32_t *pages)
{
    uint64_t first = UINT64_C(1) << bit;
    uint64_t begun = word_further(word) | first;
    uint64_t carried = begun + first;
    *pages = (uint32_t)(begun & ~carried);
    return carried >> LAYOUT_WORD_PAGES == 0 && (word_first(word) & first) != 0;
}

/* The length of the block that begins at bit of a word and ends before the next one does, or 0. */
static inline unsigned word_length_in_two(uint64_t word, uint64_t next, unsigned bit)
{
    uint64_t further = (uint64_t)word_further(next) << LAYOUT_WORD_PAGES | word_further(word);
    uint64_t ends = ~further >> bit >> 1 | UINT64_C(1) << 63; /* a bit for each page behind it */
    unsigned n = 1 + (unsigned)__builtin_ctzll(ends);
    return (word_first(word) >> bit & 1) && bit + n < 2 * LAYOUT_WORD_PAGES ? n : 0;
}

/* The length of the block whose first page is bit, as far as this word shows it. */
static inline unsigned word_block_length(uint64_t word, unsigned bit)
{
    return bit == 31 ? 1 : 1 + mask_run_at(word_further(word), bit + 1);
}

#endif
