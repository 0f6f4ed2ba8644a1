#include "core/look.h"

/* The run that the look is in: `length` free pages from `start` on. */
struct run {
    uint64_t start;
    uint64_t length;
};

static uint64_t aligned_start(const struct look *look, uint64_t start)
{
    uint64_t address = start + look->phase;
    return ((address + look->align - 1) & ~(look->align - 1)) - look->phase;
}

static void lengthen(struct look *look, struct run *run, uint64_t page, uint64_t n)
{
    if (run->length == 0)
        run->start = page;
    run->length += n;
    look->free += n;
    if (run->length > look->largest)
        look->largest = run->length;
}

static uint64_t fits(const struct look *look, const struct run *run)
{
    if (run->length < look->n)
        return NO_PAGE;
    uint64_t start = aligned_start(look, run->start);
    return start + look->n <= run->start + run->length ? start : NO_PAGE;
}

/* Goes through one word's free pages; a run at its end goes on in the next word. */
static uint64_t look_in_word(struct look *look, struct run *run, uint64_t first, uint32_t free)
{
    unsigned bit = 0;
    while (bit < LAYOUT_WORD_PAGES) {
        uint32_t rest = free >> bit;
        if (!(rest & 1)) {
            run->length = 0;
            if (rest == 0)
                return NO_PAGE;
            bit += mask_lowest(rest);
        }
        unsigned n = mask_run_at(free, bit);
        lengthen(look, run, first + bit, n);
        uint64_t page = fits(look, run);
        if (page != NO_PAGE)
            return page;
        bit += n;
    }
    return NO_PAGE;
}

/* What was never used is one run, with what is free before it. */
static uint64_t look_beyond(struct look *look, struct run *run, uint64_t page, uint64_t end)
{
    if (page >= end)
        return NO_PAGE;
    lengthen(look, run, page, end - page);
    return fits(look, run);
}

uint64_t look_for_room(const struct view *view, struct look *look, uint64_t page, uint64_t limit)
{
    struct run run = {0, 0};
    uint64_t extent = view_extent(view);
    uint64_t end = extent < limit ? extent : limit;
    look->largest = look->free = 0;
    look->claimed = 0;
    for (uint64_t index = word_at(page); page < end; index++) {
        uint64_t word = view_word(view, index);
        uint64_t first = index * LAYOUT_WORD_PAGES;
        uint64_t n =
            first + LAYOUT_WORD_PAGES < end ? first + LAYOUT_WORD_PAGES - page : end - page;
        uint32_t inside = n == LAYOUT_WORD_PAGES ? UINT32_MAX : mask_in(index, page, n);
        look->claimed |= (word_claimed(word) & inside) != 0;
        uint64_t found = look_in_word(look, &run, first, word_free(word) & inside);
        if (found != NO_PAGE)
            return found;
        page += n;
    }
    return look_beyond(look, &run, page, limit);
}
