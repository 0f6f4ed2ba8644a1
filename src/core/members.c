#include "core/members.h"

unsigned members_domain(const struct view *view, uint64_t key)
{
    for (unsigned domain = 1; domain < LAYOUT_DOMAINS; domain++) {
        uint64_t seen = 0;
        if (atomic_compare_exchange_strong_explicit(&view->domains[domain].key, &seen, key,
                                                    memory_order_acq_rel, memory_order_acquire) ||
            seen == key)
            return domain;
    }
    return 0;
}

unsigned members_find_domain(const struct view *view, uint64_t key)
{
    for (unsigned domain = 1; domain < LAYOUT_DOMAINS; domain++) {
        uint64_t seen = members_domain_key(view, domain);
        if (seen == key || seen == 0)
            return seen == key ? domain : 0;
    }
    return 0;
}

uint64_t members_domain_key(const struct view *view, unsigned domain)
{
    if (domain == 0 || domain >= LAYOUT_DOMAINS)
        return 0;
    return atomic_load_explicit(&view->domains[domain].key, memory_order_acquire);
}

static int take(_Atomic uint64_t *place, uint64_t ident)
{
    uint64_t nobody = 0;
    return atomic_load_explicit(place, memory_order_relaxed) == 0 &&
           atomic_compare_exchange_strong_explicit(place, &nobody, ident, memory_order_acq_rel,
                                                   memory_order_relaxed);
}

static void raise_mark(_Atomic uint32_t *mark, uint32_t least)
{
    uint32_t seen = atomic_load_explicit(mark, memory_order_relaxed);
    while (seen < least && !atomic_compare_exchange_weak_explicit(
                               mark, &seen, least, memory_order_seq_cst, memory_order_relaxed))
        ;
}

uint32_t members_take_row(const struct view *view, uint64_t ident)
{
    uint32_t mark = members_rows_mark(view);
    for (uint32_t row = 1; row <= mark; row++)
        if (atomic_load_explicit(&view->rows[row].ident, memory_order_acquire) == ident)
            return row;
    for (uint32_t row = 1; row <= view->n_rows; row++) {
        raise_mark(&view->header->rows_mark, row);
        if (take(&view->rows[row].ident, ident))
            return row;
    }
    return 0;
}

int members_rows_are_taken(const struct view *view)
{
    uint32_t mark = members_rows_mark(view);
    for (uint32_t row = 1; row <= mark; row++)
        if (atomic_load_explicit(&view->rows[row].ident, memory_order_relaxed) == 0)
            return 0;
    return 1;
}

int members_take_slot(const struct view *view, uint64_t ident, uint32_t row, uint32_t thread)
{
    for (uint32_t slot = 0; slot < LAYOUT_SLOTS; slot++) {
        raise_mark(&view->header->slots_mark, slot + 1);
        if (!take(&view->slots[slot].ident, ident))
            continue;
        atomic_store_explicit(&view->slots[slot].row, row, memory_order_relaxed);
        atomic_store_explicit(&view->slots[slot].thread, thread, memory_order_relaxed);
        atomic_store_explicit(&view->slots[slot].home, 0, memory_order_relaxed);
        return (int)slot;
    }
    return NO_SLOT;
}

void members_give_slot(const struct view *view, int slot)
{
    atomic_store_explicit(&view->slots[slot].ident, 0, memory_order_release);
}

static void replace(_Atomic uint64_t *place, uint64_t before, uint64_t after)
{
    atomic_compare_exchange_strong_explicit(place, &before, after, memory_order_acq_rel,
                                            memory_order_relaxed);
}

void members_disown(const struct view *view, uint64_t ident)
{
    uint32_t n_slots = members_slots_mark(view);
    uint32_t n_rows = members_rows_mark(view);
    for (uint32_t slot = 0; slot < n_slots; slot++)
        replace(&view->slots[slot].ident, ident, IDENT_ABANDONED);
    for (uint32_t row = 1; row <= n_rows; row++)
        if (atomic_load_explicit(&view->rows[row].ident, memory_order_acquire) == ident &&
            atomic_load_explicit(&view->rows[row].spare.state, memory_order_acquire) != INTENT_IDLE)
            atomic_store_explicit(&view->rows[row].spare_abandoned, 1, memory_order_release);
    replace(&view->header->lock, ident, 0);
    replace(&view->header->grower, ident, 0);
}
