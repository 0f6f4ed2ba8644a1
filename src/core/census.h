/* Counting a pool and checking it: everything is recomputed from the page words, nothing is stored.
 * Both only read, so they work on a read-only mapping. */
#ifndef SHMPOOL_CORE_CENSUS_H
#define SHMPOOL_CORE_CENSUS_H

#include "core/view.h"

struct census {
    uint64_t pages;   /* that may be in use */
    uint64_t free;    /* free pages */
    uint64_t largest; /* the longest free run */
    uint64_t blocks;
    uint64_t members; /* slots taken */
};

void census_count(const struct view *view, struct census *census);

enum census_kind { CENSUS_FREE, CENSUS_BLOCK, CENSUS_CLAIMED, CENSUS_STRAY };

typedef void census_visit(void *context, enum census_kind kind, uint64_t page, uint64_t n);

/* Calls visit for each block and each run of free, claimed or stray pages, in page order. Stray:
 * further pages that follow no first one, and that no operation under way explains; what one
 * explains is claimed. */
void census_walk(const struct view *view, census_visit *visit, void *context);

enum fault {
    FAULT_STRAY,    /* further pages without a first one: page, n */
    FAULT_CLAIMED,  /* claimed pages that no intent covers: page, n */
    FAULT_NO_OWNER, /* a block nobody owns, and nobody is about to: page, n */
    FAULT_OWNER,    /* a tag that names no row in use: page, tag */
    FAULT_EXTENT,   /* a page in use from where on none ever was: page, where on */
    FAULT_BEYOND,   /* a page beyond the pool's end is not free: page, 0 */
    FAULT_INTENT,   /* an intent out of bounds: member, state */
    FAULT_SLOT_ROW, /* a slot at work whose row is free: slot, row */
    FAULT_ROOT,     /* the root points out of the pool: offset, 0 */
    FAULT_LIMIT     /* the page count is out of bounds: limit, 0 */
};

typedef void census_report(void *context, enum fault fault, uint64_t a, uint64_t b);

/* Compares all that is redundant and calls report for each fault. What an unfinished operation of a
 * member explains is none. The number of faults. */
uint64_t census_check(const struct view *view, census_report *report, void *context);

#endif
