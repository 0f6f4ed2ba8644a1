/* Taking free pages out of use for a moment, so that their memory can be given back to the system.
 *
 * The pages are claimed as for a block (docs/protocol.md, TRIM), so nobody gets them meanwhile, and
 * a death leaves claimed pages that recovery frees. */
#ifndef SHMPOOL_CORE_TRIM_H
#define SHMPOOL_CORE_TRIM_H

#include "core/actor.h"
#include "core/view.h"

/* Gives the memory of n pages from page on back: 0, or -1. Called while they are claimed. */
typedef int trim_give_back(void *context, uint64_t page, uint64_t n);

struct trim {
    uint64_t most; /* pages to claim at a time, at most */
    int used_only; /* the pool keeps used bits: pages without one have nothing to give back */
    trim_give_back *give_back;
    void *context;
    int failed; /* give_back said -1 */
};

/* Gives back the first run of free pages in the range from page to end, or the part of it that
 * `most` allows. Where to go on, or end. */
uint64_t trim_next(const struct view *view, const struct actor *actor, struct trim *trim,
                   uint64_t page, uint64_t end);

/* The run of pages worth giving back around n pages that were just freed, looked for over at most
 * `reach` pages on each side: its length; *start is its first page. */
uint64_t trim_run_around(const struct view *view, const struct trim *trim, uint64_t page,
                         uint64_t n, uint64_t reach, uint64_t *start);

#endif
