/* Where a block goes.
 *
 * Placement decides what a pool can still give after a million operations, so each length has its
 * own rule: single pages come from a group with many free pages that no other member takes pages
 * from (holder.h); up to 32 pages from the lowest group whose bound fits, inside one word first; up
 * to 480 from one group; longer ones from the smallest of sixteen holes of untouched groups. When
 * the hints know nothing, a look that ignores them decides. */
#ifndef SHMPOOL_CORE_PLACE_H
#define SHMPOOL_CORE_PLACE_H

#include "core/actor.h"
#include "core/look.h"
#include "core/view.h"

/* Allocates n pages whose address is a multiple of align pages. The first page, or NO_PAGE, and
 * then `look` says what there is. */
uint64_t place_block(const struct view *view, struct actor *actor, uint64_t n, uint64_t align,
                     struct look *look);

#endif
