#include "core/trim.h"

#include "core/claim.h"
#include "core/free.h"
#include "core/used.h"

/* The free pages of a word that are worth the trouble. */
static uint32_t wanted_in(const struct view *view, const struct trim *trim, uint64_t index)
{
    uint32_t free = word_free(view_word(view, index));
    if (!trim->used_only)
        return free;
    return free & atomic_load_explicit(&view->used[index], memory_order_acquire);
}

static uint64_t find(const struct view *view, const struct trim *trim, uint64_t page, uint64_t end)
{
    for (; page < end; page = (word_at(page) + 1) * LAYOUT_WORD_PAGES) {
        uint32_t wanted = wanted_in(view, trim, word_at(page)) >> bit_at(page) << bit_at(page);
        if (wanted != 0)
            return word_at(page) * LAYOUT_WORD_PAGES + mask_lowest(wanted);
    }
    return end;
}

static uint64_t run_at(const struct view *view, const struct trim *trim, uint64_t page,
                       uint64_t end)
{
    uint64_t n = 0;
    while (page + n < end) {
        unsigned bit = bit_at(page + n);
        unsigned more = mask_run_at(wanted_in(view, trim, word_at(page + n)), bit);
        n += more;
        if (bit + more < LAYOUT_WORD_PAGES)
            break;
    }
    return page + n < end ? n : end - page;
}

/* The pages are zero before their bits say so, and claimed all the time. */
static void give_back(const struct view *view, const struct actor *actor, struct trim *trim,
                      uint64_t page, uint64_t n)
{
    actor_intend(actor, INTENT_RELEASE, page);
    if (trim->give_back(trim->context, page, n) == 0)
        used_clear(view, page, n);
    else
        trim->failed = 1;
    free_claimed(view, page, n);
    actor_idle(actor);
    free_hint(view, page, n);
}

uint64_t trim_next(const struct view *view, const struct actor *actor, struct trim *trim,
                   uint64_t page, uint64_t end)
{
    page = find(view, trim, page, end);
    if (page >= end)
        return end;
    uint64_t n = run_at(view, trim, page, end - page > trim->most ? page + trim->most : end);
    if (n == 0)
        return page; /* somebody was faster */
    if (claim_range(view, actor, page, n))
        give_back(view, actor, trim, page, n);
    return page + n;
}

/* The length of the run that ends before page. */
static uint64_t run_before(const struct view *view, const struct trim *trim, uint64_t page,
                           uint64_t reach)
{
    uint64_t n = 0;
    while (n < reach && n < page) {
        unsigned room = bit_at(page - n - 1) + 1;
        uint32_t wanted = wanted_in(view, trim, word_at(page - n - 1));
        uint32_t gaps = ~(wanted << (LAYOUT_WORD_PAGES - room));
        unsigned more = gaps != 0 ? (unsigned)__builtin_clz(gaps) : LAYOUT_WORD_PAGES;
        n += more < room ? more : room;
        if (more < room)
            break;
    }
    return n;
}

uint64_t trim_run_around(const struct view *view, const struct trim *trim, uint64_t page,
                         uint64_t n, uint64_t reach, uint64_t *start)
{
    uint64_t limit = view_limit(view);
    if (page > limit || n > limit - page)
        return 0; /* somebody damaged it meanwhile */
    uint64_t end = limit - page > n + reach ? page + n + reach : limit;
    uint64_t before = run_before(view, trim, page, reach);
    *start = page - before;
    return before + run_at(view, trim, page, end);
}
