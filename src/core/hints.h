/* Where room may be found: never truth, always cheap.
 *
 * A group is 16 page words, 512 pages. For each there is one byte: bit 7 says "at least 16 pages
 * may be free", bits 0-6 are an upper bound of the longest free run as a class: the length itself
 * up to 64 pages, coarser above. Two levels of maxima over 64 entries each stand above the bytes
 * and are compared eight at a time. Bytes are stored inverted, so that fresh zeroes mean "all
 * free". Beside them: one bit a group, "touched", for long blocks that look for groups nobody used
 * yet, and the member whose home the group was last, so that members keep out of each other's words
 * (holder.h).
 *
 * Hints rise when pages are freed and fall only after a look that failed. Bit 7 rises when a page
 * goes back into a word with at least two others; a race can leave any hint too low. So nobody says
 * "no room" before a look that ignores them. All accesses are relaxed: nothing is ordered by a
 * hint. */
#ifndef SHMPOOL_CORE_HINTS_H
#define SHMPOOL_CORE_HINTS_H

#include <stdatomic.h>
#include <stdint.h>

enum {
    HINT_MANY_PAGES = 16, /* what bit 7 promises */
    HINT_MANY = 0x80,
    HINT_RUN = 0x7F,
    HINT_FRESH = 0xFF,
    HINT_LEVELS = 3
};

struct hints {
    uint64_t n[HINT_LEVELS];             /* entries: groups, then one for 64 of those below */
    _Atomic uint8_t *level[HINT_LEVELS]; /* inverted bytes */
    _Atomic uint64_t *touched;           /* a bit a group */
    _Atomic uint16_t *holder;            /* the slot + 1 whose home it was last, or 0 */
};

/* Bytes that the hints of n_groups groups take. */
uint64_t hints_size(uint64_t n_groups);
void hints_init(struct hints *hints, void *base, uint64_t n_groups);

/* The class of a run of n_pages. */
static inline unsigned hint_class(uint64_t n_pages)
{
    if (n_pages <= 64)
        return (unsigned)n_pages;
    return n_pages >= 512 ? 120 : 64 + (unsigned)((n_pages - 64 + 7) / 8);
}

static inline unsigned hint_read(const struct hints *hints, uint64_t group)
{
    return (uint8_t)~atomic_load_explicit(&hints->level[0][group], memory_order_relaxed);
}

/* The lowest group from `from` on whose longest run may be of that class; n[0] when there is none.
 */
uint64_t hints_find_run(struct hints *hints, uint64_t from, unsigned class);

/* The lowest group from `from` on that may have HINT_MANY_PAGES free; n[0] when there is none. */
uint64_t hints_find_many(struct hints *hints, uint64_t from);

/* Pages were freed: the group has a run of that class; many: HINT_MANY or 0. */
void hints_raise(struct hints *hints, uint64_t group, unsigned class, unsigned many);

/* A look that began when the byte was `seen` found no longer run than this class. */
void hints_lower(struct hints *hints, uint64_t group, unsigned seen, unsigned class, unsigned many);

static inline void hints_touch(struct hints *hints, uint64_t group)
{
    _Atomic uint64_t *word = &hints->touched[group / 64];
    uint64_t bit = UINT64_C(1) << group % 64;
    if (!(atomic_load_explicit(word, memory_order_relaxed) & bit))
        atomic_fetch_or_explicit(word, bit, memory_order_relaxed);
}

void hints_untouch(struct hints *hints, uint64_t group);

/* The best hole of untouched groups for n_groups of them among the first 16 that suffice: the
 * smallest. Its first group, or n[0]. */
uint64_t hints_find_hole(const struct hints *hints, uint64_t n_groups, uint64_t end_group);

#endif
