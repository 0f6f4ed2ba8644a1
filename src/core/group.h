/* The free pages of a group as one set of bits, and the runs in it.
 *
 * Runs are found for all places at once: a set shifted by one and combined with itself has the
 * pages at which runs of two begin, that one shifted by two has runs of four. So the cost does not
 * depend on how many runs there are, and next to nothing is guessed wrong on the way. */
#ifndef SHMPOOL_CORE_GROUP_H
#define SHMPOOL_CORE_GROUP_H

#include "core/view.h"

enum { GROUP_CELLS = LAYOUT_GROUP_PAGES / 64, GROUP_PAIRS = GROUP_CELLS / 2 };

typedef uint64_t group_pair __attribute__((vector_size(16)));

/* Cells of 64 pages, two by two for the compiler's vectors; the lowest bit of the first cell is the
 * group's first page. */
struct group {
    group_pair pairs[GROUP_PAIRS];
};

/* The free pages below the limit of the group of that number. */
void group_load(struct group *group, const struct view *view, uint64_t number, uint64_t limit);

/* The first page, counted from the group's, at which n are free, inside of one word if that can be;
 * LAYOUT_GROUP_PAGES: there is none. 1 <= n <= LAYOUT_GROUP_PAGES. */
unsigned group_find(const struct group *group, unsigned n);

/* The length of the longest run. */
unsigned group_longest(const struct group *group);

/* How many pages are free. */
unsigned group_count(const struct group *group);

/* The hint of the group of that number promises too much: a look that began when it was `seen`
 * found this. */
void group_lower_hint(const struct view *view, uint64_t number, unsigned seen,
                      const struct group *group);

#endif
