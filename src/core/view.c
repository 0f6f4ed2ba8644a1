#include "core/view.h"

void view_init(struct view *view, const struct layout *layout, void *base)
{
    char *at = base;
    view->header = base;
    view->domains = (struct domain_shm *)(void *)(at + layout->domains_offset);
    view->rows = (struct row_shm *)(void *)(at + layout->rows_offset);
    view->slots = (struct slot_shm *)(void *)(at + layout->slots_offset);
    view->words = (_Atomic uint64_t *)(void *)(at + layout->words_offset);
    view->tags = (_Atomic uint32_t *)(void *)(at + layout->tags_offset);
    view->used = (_Atomic uint32_t *)(void *)(at + layout->used_offset);
    hints_init(&view->hints, at + layout->hints_offset, layout->n_groups);
    view->max_pages = layout->max_pages;
    atomic_store_explicit(&view->there, layout->max_pages, memory_order_relaxed);
    view->n_rows = (uint32_t)layout->n_rows;
    view->page_shift = (unsigned)__builtin_ctzll(layout->page_size);
    view->pages = (uintptr_t)(at + layout->pages_offset);
}

uint64_t view_block_length_beyond(const struct view *view, uint64_t page, uint64_t length)
{
    uint64_t index = word_at(page);
    uint64_t last = word_at(view->max_pages - 1);
    while (bit_at(page + length) == 0 && index < last) {
        unsigned more = mask_run_at(word_further(view_word(view, ++index)), 0);
        length += more;
        if (more < LAYOUT_WORD_PAGES)
            break;
    }
    return length <= view->max_pages - page ? length : view->max_pages - page;
}

void view_extend_to(const struct view *view, uint64_t end)
{
    _Atomic uint64_t *extent = &view->header->extent;
    uint64_t seen = atomic_load_explicit(extent, memory_order_relaxed);
    uint64_t wanted = (end + LAYOUT_GROUP_PAGES - 1) / LAYOUT_GROUP_PAGES * LAYOUT_GROUP_PAGES;
    while (seen < wanted)
        if (atomic_compare_exchange_weak_explicit(extent, &seen, wanted, memory_order_acq_rel,
                                                  memory_order_relaxed))
            break;
}
