/* Taking pages that a look found free: ALLOC1 and ALLOCM of docs/protocol.md, step by step.
 *
 * Both give way to whoever was faster and leave nothing behind then. Between two of their steps the
 * intent always says what a recoverer has to undo. */
#ifndef SHMPOOL_CORE_CLAIM_H
#define SHMPOOL_CORE_CLAIM_H

#include "core/actor.h"
#include "core/view.h"

/* Takes n pages from page on, free ones of a word that is expected to hold *word. 1, or 0 when it
 * held something else; *word is what it holds then. */
static inline int claim_in_word(const struct view *view, const struct actor *actor, uint64_t *word,
                                uint64_t page, unsigned n)
{
    unsigned bit = bit_at(page);
    uint64_t taken = *word | bits_block(mask_of(bit, n), UINT32_C(1) << bit);
    actor_intend(actor, INTENT_ALLOC1, page);
    int won = atomic_compare_exchange_strong_explicit(&view->words[word_at(page)], word, taken,
                                                      memory_order_acq_rel, memory_order_relaxed);
    if (won) {
        atomic_store_explicit(&view->tags[page], actor->tag, memory_order_release);
        *word = taken;
    }
    actor_idle(actor);
    return won;
}

/* Changes the pages of mask in a word, which are this member's alone: by these bits of the word. A
 * whole word is stored as it shall be, since nobody else changes it. */
static inline void change_mine(const struct view *view, uint64_t index, uint32_t mask,
                               uint64_t before, uint64_t after)
{
    if (mask == UINT32_MAX)
        atomic_store_explicit(&view->words[index], after, memory_order_release);
    else
        atomic_fetch_xor_explicit(&view->words[index], before ^ after, memory_order_acq_rel);
}

/* Takes n pages from page on that may span words. 1, or 0 when one of them is not free. */
int claim_words(const struct view *view, const struct actor *actor, uint64_t page, uint64_t n);

/* Claims n pages from page on for this member alone and leaves the intent INTENT_CLAIM: what
 * follows says what becomes of them. 1, or 0 and nothing claimed when one of them is not free. */
int claim_range(const struct view *view, const struct actor *actor, uint64_t page, uint64_t n);

/* Begins a longer operation: publishes the intent, then trips the watch of a recoverer that looks
 * at one of its words. The exchange pairs with the recoverer's: either it sees this intent, or this
 * member sees its watch. */
void intend_longer(const struct view *view, const struct actor *actor,
                   enum intent_operation operation, uint64_t page, uint64_t n);

#endif
