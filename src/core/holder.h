/* From which group a member's single pages come. place.h asks.
 *
 * A group belongs to the member that took it last and goes on belonging to it when its pages are
 * given out: what the member frees lies in groups of its own mostly, so it finds room there again,
 * and members keep out of each other's cache lines. The groups of a member that ended are nobody's.
 * Who finds neither such a one nor its own among the lowest groups takes one of another member,
 * except that one's home, where it takes pages just now. All of this is a hint: two members in one
 * group are slow and right. */
#ifndef SHMPOOL_CORE_HOLDER_H
#define SHMPOOL_CORE_HOLDER_H

#include "core/actor.h"
#include "core/view.h"

/* A group with many free pages becomes this member's home. The group, or one beyond the limit. */
uint64_t holder_next_home(const struct view *view, const struct actor *actor, uint64_t limit);

/* The member has no home any more. */
void holder_leave_home(const struct view *view, const struct actor *actor);

#endif
