#include "core/free.h"

#include "core/claim.h"
#include "core/group.h"
#include "core/home.h"

enum taken { TAKEN_NOT, TAKEN_YES, TAKEN_AGAIN };

static int is_mine(const struct actor *actor, uint32_t tag)
{
    return tag >> 16 == actor->tag >> 16;
}

/* Takes the tag: from here on the block is this member's alone. A tag of this process, or a shared
 * one, is nobody else's to take unless the program frees twice; another's is taken only from the
 * value read, for its owner may share it meanwhile (TAKEN_AGAIN) or free it. */
static enum taken take_tag(const struct view *view, const struct actor *actor, uint64_t page,
                           uint32_t tag)
{
    _Atomic uint32_t *place = &view->tags[page];
    if (is_mine(actor, tag) || tag == TAG_SHARED) {
        atomic_store_explicit(place, TAG_NOBODY, memory_order_release);
        return TAKEN_YES;
    }
    if (atomic_compare_exchange_strong_explicit(place, &tag, TAG_NOBODY, memory_order_acq_rel,
                                                memory_order_acquire))
        return TAKEN_YES;
    return tag == TAG_SHARED ? TAKEN_AGAIN : TAKEN_NOT;
}

static enum taken take_for_reclaim(const struct view *view, uint64_t page, uint32_t tag)
{
    return atomic_compare_exchange_strong_explicit(&view->tags[page], &tag, TAG_NOBODY,
                                                   memory_order_acq_rel, memory_order_relaxed)
               ? TAKEN_YES
               : TAKEN_NOT;
}

/* Length of the free run around pages of a word, followed over its edges inside the group. */
static uint64_t run_around(const struct view *view, uint64_t index, uint32_t free, unsigned bit)
{
    uint32_t gaps_below = ~free & ((UINT32_C(1) << bit) - 1);
    unsigned start = gaps_below ? 32 - (unsigned)__builtin_clz(gaps_below) : 0;
    uint64_t run = mask_run_at(free, start);
    uint64_t group = index / LAYOUT_GROUP_WORDS;
    if (start + run == LAYOUT_WORD_PAGES)
        for (uint64_t i = index + 1; i / LAYOUT_GROUP_WORDS == group; i++) {
            unsigned more = mask_run_at(word_free(view_word(view, i)), 0);
            run += more;
            if (more < LAYOUT_WORD_PAGES)
                break;
        }
    if (start == 0)
        for (uint64_t i = index; i % LAYOUT_GROUP_WORDS != 0; i--) {
            uint32_t gaps = ~word_free(view_word(view, i - 1));
            run += gaps ? (unsigned)__builtin_clz(gaps) : LAYOUT_WORD_PAGES;
            if (gaps)
                break;
        }
    return run;
}

/* Counting a group costs more than all the rest of a free. A group with many free pages has words
 * with several of them; the others need not ask. */
static int has_several(uint32_t free)
{
    free &= free - 1;
    free &= free - 1;
    return free != 0;
}

static int has_many(const struct view *view, uint64_t number)
{
    struct group group;
    group_load(&group, view, number, view_limit(view));
    return group_count(&group) >= HINT_MANY_PAGES;
}

int free_hint_pages(const struct view *view, uint64_t page, uint32_t free, unsigned hint)
{
    uint64_t group = page / LAYOUT_GROUP_PAGES;
    unsigned class = hint_class(run_around(view, word_at(page), free, bit_at(page)));
    int count = !(hint & HINT_MANY) && has_several(free);
    unsigned many = count && has_many(view, group) ? HINT_MANY : 0;
    if (class > (hint & HINT_RUN) || many)
        hints_raise(view_hints(view), group, class, many);
    return 0;
}

static void hint_page(const struct view *view, uint64_t page)
{
    uint32_t free = word_free(view_word(view, word_at(page)));
    if (free >> bit_at(page) & 1)
        free_hint_inside(view, page, free);
}

static int group_is_empty(const struct view *view, uint64_t group)
{
    for (uint64_t i = 0; i < LAYOUT_GROUP_WORDS; i++)
        if (view_word(view, group * LAYOUT_GROUP_WORDS + i) != 0)
            return 0;
    return 1;
}

static void hint_group(const struct view *view, uint64_t group, uint64_t page)
{
    struct hints *hints = view_hints(view);
    if (group_is_empty(view, group)) {
        hints_raise(hints, group, HINT_RUN, HINT_MANY);
        hints_untouch(hints, group);
        return;
    }
    uint64_t first = group * LAYOUT_GROUP_PAGES;
    hint_page(view, page > first ? page : first);
}

void free_hint(const struct view *view, uint64_t page, uint64_t n)
{
    for (uint64_t group = page / LAYOUT_GROUP_PAGES; group <= (page + n - 1) / LAYOUT_GROUP_PAGES;
         group++)
        hint_group(view, group, page);
}

void free_claimed(const struct view *view, uint64_t page, uint64_t n)
{
    uint64_t last = word_at(page + n - 1);
    for (uint64_t index = word_at(page); index <= last; index++) {
        uint32_t mask = mask_in(index, page, n);
        change_mine(view, index, mask, bits_claimed(mask), 0);
    }
}

/* The range is this member's alone: its block becomes claimed pages, the first page first. */
static void claim_back(const struct view *view, uint64_t page, uint64_t n)
{
    uint64_t last = word_at(page + n - 1);
    uint32_t mask = mask_in(word_at(page), page, n);
    change_mine(view, word_at(page), mask, bits_block(mask, UINT32_C(1) << bit_at(page)),
                bits_claimed(mask));
    for (uint64_t index = word_at(page) + 1; index <= last; index++) {
        mask = mask_in(index, page, n);
        change_mine(view, index, mask, bits_block(mask, 0), bits_claimed(mask));
    }
}

static inline enum taken free_in_word(const struct view *view, const struct actor *actor,
                                      uint64_t page, unsigned n, uint32_t tag, int reclaim)
{
    actor_intend(actor, INTENT_FREE1, page);
    enum taken taken =
        reclaim ? take_for_reclaim(view, page, tag) : take_tag(view, actor, page, tag);
    if (taken != TAKEN_YES) {
        actor_idle(actor);
        return taken;
    }
    uint64_t block = bits_both(mask_of(bit_at(page), n));
    atomic_fetch_and_explicit(&view->words[word_at(page)], ~block, memory_order_acq_rel);
    actor_idle(actor);
    hint_page(view, page);
    return TAKEN_YES;
}

static enum taken free_words(const struct view *view, const struct actor *actor, uint64_t page,
                             uint64_t n, uint32_t tag, int reclaim)
{
    intend_longer(view, actor, INTENT_FREEM, page, n);
    enum taken taken =
        reclaim ? take_for_reclaim(view, page, tag) : take_tag(view, actor, page, tag);
    if (taken != TAKEN_YES) {
        actor_idle(actor);
        return taken;
    }
    actor_intend(actor, INTENT_DROP, page);
    claim_back(view, page, n);
    actor_intend(actor, INTENT_RELEASE, page);
    free_claimed(view, page, n);
    actor_idle(actor);
    free_hint(view, page, n);
    return TAKEN_YES;
}

static uint64_t free_tagged(const struct view *view, const struct actor *actor, uint64_t page,
                            uint32_t tag, int reclaim, enum taken *taken)
{
    uint64_t n = view_block_length(view, page);
    *taken = in_one_word(page, n) ? free_in_word(view, actor, page, (unsigned)n, tag, reclaim)
                                  : free_words(view, actor, page, n, tag, reclaim);
    return *taken == TAKEN_YES ? n : 0;
}

/* A shared block is taken at the second look at the latest. */
static uint64_t free_any(const struct view *view, const struct actor *actor, uint64_t page)
{
    for (int look = 0;; look++) {
        enum taken taken;
        uint32_t tag = atomic_load_explicit(&view->tags[page], memory_order_acquire);
        if (tag == TAG_NOBODY || tag == TAG_MARK || !view_is_first(view, page))
            return 0;
        if (look > 0 && tag != TAG_SHARED)
            return 0;
        uint64_t n = free_tagged(view, actor, page, tag, 0, &taken);
        if (taken != TAKEN_AGAIN)
            return n;
    }
}

uint64_t free_block(const struct view *view, struct actor *actor, uint64_t page)
{
    struct home_freed freed;
    if (!home_free(view, actor, page, &freed))
        return free_any(view, actor, page);
    free_hint_inside(view, page, freed.free);
    return mask_count(freed.pages);
}

uint64_t free_if_tagged(const struct view *view, const struct actor *actor, uint64_t page,
                        uint32_t tag)
{
    enum taken taken;
    return free_tagged(view, actor, page, tag, 1, &taken);
}
