/* Giving blocks back: FREE1 and FREEM of docs/protocol.md, step by step. */
#ifndef SHMPOOL_CORE_FREE_H
#define SHMPOOL_CORE_FREE_H

#include "core/actor.h"
#include "core/view.h"

/* Frees the block whose first page is page, whoever owns it. Its length in pages, or 0 when no live
 * block starts there. */
uint64_t free_block(const struct view *view, const struct actor *actor, uint64_t page);

/* Frees it only if its tag is still the one read before, which belongs to a dead process; for
 * reclaim, by the holder of the recovery lock. Its length, or 0. */
uint64_t free_if_tagged(const struct view *view, const struct actor *actor, uint64_t page,
                        uint32_t tag);

/* Turns pages of a range that is the caller's alone from claimed into free ones. */
void free_claimed(const struct view *view, uint64_t page, uint64_t n);

/* Raises the hints for pages that were just freed. */
void free_hint(const struct view *view, uint64_t page, uint64_t n);

#endif
