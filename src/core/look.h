/* A look through page words for a run of free pages; it ignores the hints, so what it says of a
 * range where nobody works is the truth. */
#ifndef SHMPOOL_CORE_LOOK_H
#define SHMPOOL_CORE_LOOK_H

#include "core/view.h"

struct look {
    /* wanted */
    uint64_t n;     /* pages */
    uint64_t align; /* pages, a power of two; 1: anywhere */
    uint64_t phase; /* page number of the pool's page 0 in the address space */
    /* found out, complete when the look did not succeed */
    uint64_t largest; /* the longest free run */
    uint64_t free;    /* free pages */
    int claimed;      /* pages in an unfinished operation were met */
};

/* The first page, in the range from `page` to before `limit`, at which n aligned pages are free;
 * NO_PAGE when there is none. */
uint64_t look_for_room(const struct view *view, struct look *look, uint64_t page, uint64_t limit);

#endif
