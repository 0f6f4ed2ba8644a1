#include "core/used.h"

/* The bits of one word, as runs; visit may be called twice for a run that spans words. */
static void visit_runs(uint64_t first, uint32_t mask,
                       void (*visit)(void *context, uint64_t page, uint64_t n), void *context)
{
    while (mask != 0) {
        unsigned bit = mask_lowest(mask);
        unsigned n = mask_run_at(mask, bit);
        visit(context, first + bit, n);
        mask &= ~mask_of(bit, n);
    }
}

void used_set(const struct view *view, uint64_t page, uint64_t n,
              void (*visit)(void *context, uint64_t page, uint64_t n), void *context)
{
    for (uint64_t index = word_at(page); index <= word_at(page + n - 1); index++) {
        uint32_t mask = mask_in(index, page, n);
        uint32_t before = atomic_fetch_or_explicit(&view->used[index], mask, memory_order_acq_rel);
        visit_runs(index * LAYOUT_WORD_PAGES, before & mask, visit, context);
    }
}

void used_clear(const struct view *view, uint64_t page, uint64_t n)
{
    for (uint64_t index = word_at(page); index <= word_at(page + n - 1); index++)
        atomic_fetch_and_explicit(&view->used[index], ~mask_in(index, page, n),
                                  memory_order_acq_rel);
}
