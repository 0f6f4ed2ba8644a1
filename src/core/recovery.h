/* Bringing a pool back to order after members that died: RECOVER, ORPHAN and RECLAIM of
 * docs/protocol.md, step by step.
 *
 * One recoverer works at a time and nobody waits for it: a lock that is taken only when free or
 * held by a process proven dead. It may die at any of its own steps; what it writes moves a dead
 * member's intent forward, so the next one reads what it finds. What cannot be decided beside a
 * living member stays pending: the dead slot is not given back, and the next pass tries again. */
#ifndef SHMPOOL_CORE_RECOVERY_H
#define SHMPOOL_CORE_RECOVERY_H

#include "core/actor.h"
#include "core/view.h"

/* What recovery must know of the world outside of the pool. */
struct recovery_world {
    void *context;
    /* 1 only when the process is proven dead. */
    int (*is_dead)(void *context, uint64_t ident);
    /* The pointer at that address if it lies in a pool that is mapped here, else NULL. */
    _Atomic uintptr_t *(*reach)(void *context, uint64_t where);
};

/* 1 when this process is the recoverer now, 0 when another one is. */
int recovery_begin(const struct view *view, uint64_t ident, const struct recovery_world *world);
void recovery_end(const struct view *view);

/* One pass over all dead members, by the recoverer. How many stay pending. */
unsigned recovery_pass(const struct view *view, const struct recovery_world *world);

enum { RECLAIM_PENDING = -1 };

/* Frees all blocks of the rows for which wanted() says 1, which are those of dead processes; by the
 * recoverer, after a pass. The pages freed, or RECLAIM_PENDING when a dead slot of such a row is
 * not settled yet. */
int64_t recovery_reclaim(const struct view *view, const struct actor *actor,
                         int (*wanted)(void *context, uint32_t row), void *context);

/* Gives rows back whose process is dead and whose number stands in no slot and no tag; by the
 * recoverer. How many. */
unsigned recovery_sweep_rows(const struct view *view, const struct recovery_world *world);

#endif
