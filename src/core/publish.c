#include "core/publish.h"

#include "core/home.h"

/* Makes the block this actor's own, so that the tag tells after a death whether it was shared. The
 * tag is another's: it is taken only from the value read, for by now the block may have been
 * reclaimed and be somebody else's. */
static int make_mine(const struct view *view, struct actor *actor, uint64_t page, uint32_t tag)
{
    if (tag == actor->tag || tag == TAG_SHARED)
        return 1;
    if (tag == TAG_NOBODY || tag == TAG_MARK)
        return 0;
    if (!atomic_compare_exchange_strong_explicit(&view->tags[page], &tag, actor->tag,
                                                 memory_order_acq_rel, memory_order_acquire))
        return tag == TAG_SHARED;
    home_renew(view, actor, page);
    return 1;
}

enum published publish_block(const struct view *view, struct actor *actor, uint64_t page,
                             _Atomic uintptr_t *where)
{
    struct intent_shm *intent = actor->intent;
    uintptr_t empty = 0;
    uint32_t mine = actor->tag;
    uint32_t tag = atomic_load_explicit(&view->tags[page], memory_order_acquire);
    if (!view_is_first(view, page))
        return PUBLISH_NO_BLOCK;
    if (atomic_load_explicit(where, memory_order_relaxed) != 0)
        return PUBLISH_TAKEN;
    if (!make_mine(view, actor, page, tag))
        return PUBLISH_NO_BLOCK;
    atomic_store_explicit(&intent->publish_block, page, memory_order_relaxed);
    atomic_store_explicit(&intent->publish_where, (uintptr_t)where, memory_order_relaxed);
    actor_intend(actor, INTENT_PUBLISH, page);
    int linked = atomic_compare_exchange_strong_explicit(
        where, &empty, view_address_of(view, page), memory_order_acq_rel, memory_order_relaxed);
    /* Failing is fine: a reader has taken the block already. */
    if (linked)
        atomic_compare_exchange_strong_explicit(&view->tags[page], &mine, TAG_SHARED,
                                                memory_order_acq_rel, memory_order_relaxed);
    actor_idle(actor);
    return linked ? PUBLISHED : PUBLISH_TAKEN;
}
