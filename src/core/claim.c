#include "core/claim.h"

void intend_longer(const struct view *view, const struct actor *actor,
                   enum intent_operation operation, uint64_t page, uint64_t n)
{
    atomic_store_explicit(&actor->intent->n_pages, n, memory_order_release);
    atomic_exchange_explicit(&actor->intent->state, intent_of(operation, page),
                             memory_order_seq_cst);
    uint64_t watch = atomic_load_explicit(&view->header->watch, memory_order_seq_cst);
    if (watch != 0 && watch - 1 >= word_at(page) && watch - 1 <= word_at(page + n - 1))
        atomic_store_explicit(&view->header->watch, 0, memory_order_release);
}

/* Claims the pages of mask in a word; 0 when one of them is not free. */
static int claim_mask(const struct view *view, uint64_t index, uint32_t mask)
{
    uint64_t word = view_word(view, index);
    while ((word_free(word) & mask) == mask)
        if (atomic_compare_exchange_weak_explicit(&view->words[index], &word,
                                                  word | bits_claimed(mask), memory_order_acq_rel,
                                                  memory_order_acquire))
            return 1;
    return 0;
}

static void unclaim_from(const struct view *view, uint64_t index, uint64_t page, uint64_t n)
{
    for (;; index--) {
        atomic_fetch_and_explicit(&view->words[index], ~bits_claimed(mask_in(index, page, n)),
                                  memory_order_acq_rel);
        if (index == word_at(page))
            return;
    }
}

/* The range is this member's alone: claimed pages become a block, the first page last, so that
 * nobody meets a first page whose block is not complete. */
static void settle(const struct view *view, uint64_t page, uint64_t n)
{
    uint64_t first = word_at(page);
    for (uint64_t index = word_at(page + n - 1); index > first; index--) {
        uint32_t mask = mask_in(index, page, n);
        change_mine(view, index, mask, bits_claimed(mask), bits_block(mask, 0));
    }
    uint32_t mask = mask_in(first, page, n);
    change_mine(view, first, mask, bits_claimed(mask),
                bits_block(mask, UINT32_C(1) << bit_at(page)));
}

int claim_range(const struct view *view, const struct actor *actor, uint64_t page, uint64_t n)
{
    intend_longer(view, actor, INTENT_CLAIM, page, n);
    uint64_t last = word_at(page + n - 1);
    for (uint64_t index = word_at(page); index <= last; index++) {
        if (claim_mask(view, index, mask_in(index, page, n)))
            continue;
        if (index > word_at(page))
            unclaim_from(view, index - 1, page, n);
        actor_idle(actor);
        return 0;
    }
    return 1;
}

int claim_words(const struct view *view, const struct actor *actor, uint64_t page, uint64_t n)
{
    if (!claim_range(view, actor, page, n))
        return 0;
    actor_intend(actor, INTENT_COMMIT, page);
    atomic_store_explicit(&view->tags[page], actor->tag, memory_order_release);
    settle(view, page, n);
    actor_idle(actor);
    return 1;
}
