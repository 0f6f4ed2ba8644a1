#include "core/place.h"

#include "core/claim.h"
#include "core/group.h"
#include "core/holder.h"
#include "core/home.h"

enum { LONG_PAGES = 480, TRIES = 8 };

static void touch(const struct view *view, uint64_t page, uint64_t n)
{
    for (uint64_t group = page / LAYOUT_GROUP_PAGES; group <= (page + n - 1) / LAYOUT_GROUP_PAGES;
         group++)
        hints_touch(view_hints(view), group);
}

static uint64_t take_found(const struct view *view, const struct actor *actor, uint64_t page,
                           uint64_t n)
{
    touch(view, page, n);
    view_extend(view, page + n);
    if (!in_one_word(page, n))
        return claim_words(view, actor, page, n) ? page : NO_PAGE;
    uint64_t word = view_word(view, word_at(page));
    uint32_t mask = mask_of(bit_at(page), (unsigned)n);
    if ((word_free(word) & mask) != mask)
        return NO_PAGE;
    return claim_in_word(view, actor, &word, page, (unsigned)n) ? page : NO_PAGE;
}

/* --- single pages --- */

/* The words of the group that have free pages, of those that lie below the limit as a whole. */
static uint32_t words_with_room(const struct view *view, uint64_t group, uint64_t limit)
{
    uint64_t first = group * LAYOUT_GROUP_WORDS;
    uint64_t end = limit / LAYOUT_WORD_PAGES;
    unsigned n = end - first < LAYOUT_GROUP_WORDS ? (unsigned)(end - first) : LAYOUT_GROUP_WORDS;
    uint32_t words = 0;
    for (unsigned i = 0; i < n; i++)
        words |= (uint32_t)(word_free(view_word(view, first + i)) != 0) << i;
    return words;
}

/* From the word that the limit goes through. */
static uint64_t take_in_last_word(const struct view *view, const struct actor *actor,
                                  uint64_t limit)
{
    uint64_t index = limit / LAYOUT_WORD_PAGES;
    uint64_t word = view_word(view, index);
    for (;;) {
        uint32_t free = word_free(word) & mask_below(index, limit);
        if (free == 0)
            return NO_PAGE;
        uint64_t page = index * LAYOUT_WORD_PAGES + mask_lowest(free);
        if (claim_in_word(view, actor, &word, page, 1))
            return page;
    }
}

static uint64_t single_in_group(const struct view *view, struct actor *actor, uint64_t group,
                                uint64_t limit)
{
    uint32_t words = words_with_room(view, group, limit);
    uint64_t page;
    hints_touch(view_hints(view), group);
    view_extend(view, (group + 1) * LAYOUT_GROUP_PAGES);
    actor->group = group;
    for (; words != 0; words &= words - 1) {
        home_enter(view, actor, words);
        if (home_alloc(view, actor, &page))
            return page;
    }
    home_leave(actor);
    return group == limit / LAYOUT_GROUP_PAGES ? take_in_last_word(view, actor, limit) : NO_PAGE;
}

static uint64_t place_single(const struct view *view, struct actor *actor, uint64_t limit)
{
    struct hints *hints = view_hints(view);
    uint64_t end = (limit + LAYOUT_GROUP_PAGES - 1) / LAYOUT_GROUP_PAGES;
    uint64_t group = actor->group;
    if (group >= end)
        group = holder_next_home(view, actor, limit);
    for (int i = 0; i < TRIES && group < end; i++) {
        unsigned seen = hint_read(hints, group);
        uint64_t page = single_in_group(view, actor, group, limit);
        if (page != NO_PAGE)
            return page;
        hints_lower(hints, group, seen, seen & HINT_RUN, 0);
        group = holder_next_home(view, actor, limit);
    }
    holder_leave_home(view, actor);
    for (group = hints_find_run(hints, 0, 1); group < end;
         group = hints_find_run(hints, group + 1, 1)) {
        unsigned seen = hint_read(hints, group);
        uint64_t page = single_in_group(view, actor, group, limit);
        if (page != NO_PAGE)
            return page;
        hints_lower(hints, group, seen, 0, 0);
    }
    return NO_PAGE;
}

/* --- 2 to 480 pages --- */

static uint64_t block_in_group(const struct view *view, const struct actor *actor, uint64_t number,
                               unsigned n, uint64_t limit)
{
    unsigned seen = hint_read(&view->hints, number);
    hints_touch(view_hints(view), number);
    for (int i = 0; i < TRIES; i++) {
        struct group group;
        group_load(&group, view, number, limit);
        unsigned found = group_find(&group, n);
        if (found == LAYOUT_GROUP_PAGES) {
            group_lower_hint(view, number, seen, &group);
            return NO_PAGE;
        }
        uint64_t page = take_found(view, actor, number * LAYOUT_GROUP_PAGES + found, n);
        if (page != NO_PAGE)
            return page;
    }
    return NO_PAGE;
}

static uint64_t place_short(const struct view *view, const struct actor *actor, uint64_t n,
                            uint64_t limit)
{
    struct hints *hints = view_hints(view);
    uint64_t end = (limit + LAYOUT_GROUP_PAGES - 1) / LAYOUT_GROUP_PAGES;
    for (uint64_t group = hints_find_run(hints, 0, hint_class(n)); group < end;
         group = hints_find_run(hints, group + 1, hint_class(n))) {
        uint64_t page = block_in_group(view, actor, group, (unsigned)n, limit);
        if (page != NO_PAGE)
            return page;
    }
    return NO_PAGE;
}

/* --- longer blocks --- */

/* A group that is said to be untouched and is not would be offered again and again: say so. */
static void touch_used(const struct view *view, uint64_t page, uint64_t n)
{
    for (uint64_t index = word_at(page); index <= word_at(page + n - 1); index++)
        if (view_word(view, index) != 0)
            hints_touch(view_hints(view), index / LAYOUT_GROUP_WORDS);
}

static uint64_t place_long(const struct view *view, const struct actor *actor, uint64_t n,
                           uint64_t limit)
{
    struct hints *hints = view_hints(view);
    uint64_t whole_groups = limit / LAYOUT_GROUP_PAGES;
    uint64_t wanted = (n + LAYOUT_GROUP_PAGES - 1) / LAYOUT_GROUP_PAGES;
    for (int i = 0; i < TRIES; i++) {
        uint64_t group = hints_find_hole(hints, wanted, whole_groups);
        if (group >= whole_groups)
            return NO_PAGE;
        uint64_t page = group * LAYOUT_GROUP_PAGES;
        view_extend(view, page + n);
        if (claim_words(view, actor, page, n)) {
            touch(view, page, n);
            return page;
        }
        touch_used(view, page, n);
    }
    return NO_PAGE;
}

static uint64_t place_anywhere(const struct view *view, const struct actor *actor, uint64_t limit,
                               struct look *look)
{
    for (;;) {
        uint64_t extent = view_extent(view);
        uint64_t found = look_for_room(view, look, 0, limit);
        if (found == NO_PAGE)
            return NO_PAGE;
        if (take_found(view, actor, found, look->n) != NO_PAGE) {
            hints_raise(view_hints(view), found / LAYOUT_GROUP_PAGES, hint_class(look->n), 0);
            return found;
        }
        if (found + look->n > extent) /* should it say too little, it does not for long */
            view_extend(view, 2 * (found + look->n));
    }
}

static uint64_t place_by_hints(const struct view *view, struct actor *actor, uint64_t n,
                               uint64_t limit)
{
    if (n == 1)
        return place_single(view, actor, limit);
    return n <= LONG_PAGES ? place_short(view, actor, n, limit) : place_long(view, actor, n, limit);
}

static uint64_t place_elsewhere(const struct view *view, struct actor *actor, uint64_t n,
                                uint64_t align, struct look *look)
{
    uint64_t limit = view_limit(view);
    uint64_t page = align == 1 ? place_by_hints(view, actor, n, limit) : NO_PAGE;
    if (page == NO_PAGE) {
        *look = (struct look){.n = n, .align = align, .phase = view->pages >> view->page_shift};
        page = place_anywhere(view, actor, limit, look);
    }
    if (page != NO_PAGE)
        home_renew(view, actor, page);
    return page;
}

uint64_t place_block(const struct view *view, struct actor *actor, uint64_t n, uint64_t align,
                     struct look *look)
{
    uint64_t page;
    if (n == 1 && align == 1 && home_alloc(view, actor, &page))
        return page;
    return place_elsewhere(view, actor, n, align, look);
}
