/* Who acts: one thread's place in a pool, as the operations need it. Process-private. */
#ifndef SHMPOOL_CORE_ACTOR_H
#define SHMPOOL_CORE_ACTOR_H

#include <stdatomic.h>
#include <stdint.h>

#include "core/layout.h"

struct actor {
    struct intent_shm *intent; /* a slot's, or a row's spare one */
    uint32_t tag;              /* row << 16 | slot */
    uint32_t words;            /* of the group, that had free pages: home, and those after it */
    uint64_t group;            /* where the last single page came from; NOWHERE: none yet */
    uint64_t home;      /* a word of the group, all pages of which are in the pool; NOWHERE */
    uint64_t home_word; /* what it held when this member last changed it: see core/home.h */
};

#define NOWHERE UINT64_MAX

static inline struct actor actor_new(struct intent_shm *intent, uint32_t tag)
{
    return (struct actor){
        .intent = intent, .tag = tag, .group = NOWHERE, .home = NOWHERE, .home_word = UINT64_MAX};
}

static inline uint64_t intent_of(enum intent_operation operation, uint64_t page)
{
    return page << 4 | (uint64_t)operation;
}

/* A store that a recoverer may read after this member's death: pairs with its acquire load. */
static inline void actor_intend(const struct actor *actor, enum intent_operation operation,
                                uint64_t page)
{
    atomic_store_explicit(&actor->intent->state, intent_of(operation, page), memory_order_release);
}

static inline void actor_idle(const struct actor *actor)
{
    atomic_store_explicit(&actor->intent->state, INTENT_IDLE, memory_order_release);
}

#endif
