#include "core/group.h"

enum { LEVELS = 10 }; /* runs of 1, 2, 4 ... 512 */

void group_load(struct group *group, const struct view *view, uint64_t number, uint64_t limit)
{
    uint64_t index = number * LAYOUT_GROUP_WORDS;
    for (int i = 0; i < GROUP_CELLS; i++, index += 2) {
        uint32_t low = word_free(view_word(view, index)) & mask_below(index, limit);
        uint32_t high = word_free(view_word(view, index + 1)) & mask_below(index + 1, limit);
        group->cells[i] = (uint64_t)high << 32 | low;
    }
}

static int is_empty(const struct group *group)
{
    uint64_t any = 0;
    for (int i = 0; i < GROUP_CELLS; i++)
        any |= group->cells[i];
    return any == 0;
}

/* Leaves of the pages those with a page of `others` n further on. */
static void keep_followed(struct group *pages, const struct group *others, unsigned n)
{
    unsigned cells = n / 64;
    unsigned bits = n % 64;
    for (unsigned i = 0; i < GROUP_CELLS; i++) {
        uint64_t low = i + cells < GROUP_CELLS ? others->cells[i + cells] : 0;
        uint64_t high = i + cells + 1 < GROUP_CELLS ? others->cells[i + cells + 1] : 0;
        pages->cells[i] &= low >> bits | (high << 1) << (63 - bits);
    }
}

/* The same in one set, and n < 64. */
static inline void keep_runs(struct group *pages, unsigned n)
{
    for (unsigned i = 0; i + 1 < GROUP_CELLS; i++)
        pages->cells[i] &= pages->cells[i] >> n | pages->cells[i + 1] << (64 - n);
    pages->cells[GROUP_CELLS - 1] &= pages->cells[GROUP_CELLS - 1] >> n;
}

static void keep(struct group *pages, unsigned n)
{
    if (n == 0)
        return;
    if (n < 64)
        keep_runs(pages, n);
    else
        keep_followed(pages, pages, n);
}

/* The pages at which runs of n begin. */
static struct group runs_of(const struct group *group, unsigned n)
{
    struct group pages = *group;
    unsigned have = 1;
    for (; have * 2 <= n; have *= 2)
        keep(&pages, have);
    keep(&pages, n - have);
    return pages;
}

static unsigned first_of(const struct group *pages)
{
    for (unsigned i = 0; i < GROUP_CELLS; i++)
        if (pages->cells[i] != 0)
            return i * 64 + (unsigned)__builtin_ctzll(pages->cells[i]);
    return LAYOUT_GROUP_PAGES;
}

/* From which n do not go beyond their word. */
static struct group inside_words(const struct group *pages, unsigned n)
{
    struct group inside = *pages;
    uint64_t mask = bits_both(mask_of(0, LAYOUT_WORD_PAGES + 1 - n));
    for (int i = 0; i < GROUP_CELLS; i++)
        inside.cells[i] &= mask;
    return inside;
}

unsigned group_find(const struct group *group, unsigned n)
{
    struct group pages = runs_of(group, n);
    if (n <= LAYOUT_WORD_PAGES) {
        struct group inside = inside_words(&pages, n);
        if (!is_empty(&inside))
            return first_of(&inside);
    }
    return first_of(&pages);
}

unsigned group_longest(const struct group *group)
{
    struct group runs[LEVELS + 1] = {*group}; /* of 1 << level */
    int level = 0;
    if (is_empty(group))
        return 0;
    do {
        runs[level + 1] = runs[level];
        keep(&runs[level + 1], 1u << level);
        level++;
    } while (level < LEVELS && !is_empty(&runs[level]));
    level--;
    struct group longest = runs[level];
    unsigned n = 1u << level;
    while (level-- > 0) {
        struct group longer = longest;
        keep_followed(&longer, &runs[level], n);
        if (!is_empty(&longer)) {
            longest = longer;
            n += 1u << level;
        }
    }
    return n;
}

unsigned group_count(const struct group *group)
{
    uint64_t counts = 0;
    for (int i = 0; i < GROUP_CELLS; i++)
        counts += bytes_count(group->cells[i]);
    return bytes_sum(counts);
}
