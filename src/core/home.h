/* The usual case: a single page from the word that the member's last one came from, and a block
 * that ends inside its word back into it. ALLOC1 and FREE1 of docs/protocol.md; what is not usual
 * is left to place.h and free.h. Inline, for the calls of the public interface.
 *
 * A member remembers what its home word held when it last changed it. A load waits for the locked
 * operation that wrote the word just before; a swap that expects the remembered value does not, and
 * shows by itself when others have changed the word meanwhile. For freeing, the memory must be
 * right about one thing only: a block of this very member that begins in the home word is there as
 * the memory has it. So whoever gets the member a block there in another way calls home_renew, and
 * members that take turns with one tag leave home between them. */
#ifndef SHMPOOL_CORE_HOME_H
#define SHMPOOL_CORE_HOME_H

#include "core/actor.h"
#include "core/claim.h"
#include "core/view.h"

/* The member has got the block that begins at the page. */
static inline void home_renew(const struct view *view, struct actor *actor, uint64_t page)
{
    if (word_at(page) == actor->home)
        actor->home_word = view_word(view, actor->home);
}

/* Makes the first of these words of the group home. */
static inline void home_enter(const struct view *view, struct actor *actor, uint32_t words)
{
    actor->words = words;
    actor->home = actor->group * LAYOUT_GROUP_WORDS + mask_lowest(words);
    actor->home_word = view_word(view, actor->home);
}

static inline void home_leave(struct actor *actor)
{
    actor->home = NOWHERE;
    actor->home_word = UINT64_MAX;
}

/* The home word holds `word` now; when it has no free page any more, the next one of the group that
 * had some becomes home. Without a branch, which would be guessed wrong every other time in a full
 * pool. */
static inline void home_advance(const struct view *view, struct actor *actor, uint64_t word)
{
    uint32_t words = actor->words;
    uint32_t rest = words & (words - 1);
    uint64_t home = actor->home;
    uint64_t next = actor->group * LAYOUT_GROUP_WORDS +
                    mask_lowest(rest | UINT32_C(1) << (LAYOUT_GROUP_WORDS - 1));
    uint64_t next_word = view_word(view, next);
    uint64_t move = -(uint64_t)((word_free(word) == 0) & (rest != 0));
    actor->words = words ^ ((words ^ rest) & (uint32_t)move);
    actor->home = home ^ ((home ^ next) & move);
    actor->home_word = word ^ ((word ^ next_word) & move);
}

/* A page; 0 when the home word has none. */
static inline int home_alloc(const struct view *view, struct actor *actor, uint64_t *page)
{
    uint64_t word = actor->home_word;
    while (word_free(word) != 0) {
        *page = actor->home * LAYOUT_WORD_PAGES + mask_lowest(word_free(word));
        if (claim_in_word(view, actor, &word, *page, 1)) {
            home_advance(view, actor, word);
            return 1;
        }
    }
    actor->home_word = word;
    return 0;
}

/* What home_free did to the word: the pages of the block, and those that are free now. */
struct home_freed {
    uint32_t pages;
    uint32_t free;
};

/* Frees a block of this very member that ends before its word does. Whether it was one; the hints
 * have not heard of it. */
static inline int home_free(const struct view *view, struct actor *actor, uint64_t page,
                            struct home_freed *freed)
{
    uint64_t index = word_at(page);
    if (!view_has_word(view, page))
        return 0;
    if (atomic_load_explicit(&view->tags[page], memory_order_acquire) != actor->tag)
        return 0;
    uint64_t word = index == actor->home ? actor->home_word : view_word(view, index);
    if (!word_block_inside(word, bit_at(page), &freed->pages))
        return 0;
    actor_intend(actor, INTENT_FREE1, page);
    atomic_store_explicit(&view->tags[page], TAG_NOBODY, memory_order_release);
    atomic_fetch_and_explicit(&view->words[index], ~bits_both(freed->pages), memory_order_acq_rel);
    word &= ~bits_both(freed->pages);
    if (index == actor->home)
        actor->home_word = word;
    actor_idle(actor);
    freed->free = word_free(word);
    return 1;
}

#endif
