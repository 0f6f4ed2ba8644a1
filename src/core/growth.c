#include "core/growth.h"

#include "core/free.h"

int growth_begin(const struct view *view, uint64_t ident, const struct recovery_world *world)
{
    uint64_t holder = atomic_load_explicit(&view->header->grower, memory_order_acquire);
    if (holder != 0 && (holder == ident || !world->is_dead(world->context, holder)))
        return 0;
    return atomic_compare_exchange_strong_explicit(&view->header->grower, &holder, ident,
                                                   memory_order_acq_rel, memory_order_relaxed);
}

void growth_end(const struct view *view)
{
    atomic_store_explicit(&view->header->grower, 0, memory_order_release);
}

/* The hints of new groups promise everything; that of a group that was there in part knows nothing
 * of the rest. */
void growth_raise(const struct view *view, uint64_t limit)
{
    uint64_t before = view_limit(view);
    if (limit <= before)
        return;
    uint64_t group_end = (before / LAYOUT_GROUP_PAGES + 1) * LAYOUT_GROUP_PAGES;
    atomic_store_explicit(&view->header->limit, limit, memory_order_release);
    if (before % LAYOUT_GROUP_PAGES != 0)
        free_hint(view, before, (limit < group_end ? limit : group_end) - before);
}
