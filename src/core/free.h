/* Giving blocks back: FREE1 and FREEM of docs/protocol.md, step by step. */
#ifndef SHMPOOL_CORE_FREE_H
#define SHMPOOL_CORE_FREE_H

#include "core/actor.h"
#include "core/view.h"

/* Frees the block whose first page is page, whoever owns it. Its length in pages, or 0 when no live
 * block starts there. */
uint64_t free_block(const struct view *view, struct actor *actor, uint64_t page);

/* Frees it only if its tag is still the one read before, which belongs to a dead process; for
 * reclaim, by the holder of the recovery lock. Its length, or 0. */
uint64_t free_if_tagged(const struct view *view, const struct actor *actor, uint64_t page,
                        uint32_t tag);

/* Turns pages of a range that is the caller's alone from claimed into free ones. */
void free_claimed(const struct view *view, uint64_t page, uint64_t n);

/* Raises the hints for pages that were just freed. */
void free_hint(const struct view *view, uint64_t page, uint64_t n);

/* The same for a block inside of one word; `free` are the word's free pages now, `hint` is what the
 * hints say of its group. Both return 0, so that a call can end with them. */
int free_hint_pages(const struct view *view, uint64_t page, uint32_t free, unsigned hint);

static inline int free_hint_inside(const struct view *view, uint64_t page, uint32_t free)
{
    unsigned hint = hint_read(&view->hints, page / LAYOUT_GROUP_PAGES);
    return hint == HINT_FRESH ? 0 : free_hint_pages(view, page, free, hint);
}

#endif
