#include "core/group.h"

enum { LEVELS = 10 }; /* runs of 1, 2, 4 ... 512 */

/* The free pages of two words; limit: UINT64_MAX where all of them lie below. */
static inline uint64_t load_cell(const struct view *view, uint64_t index, uint64_t limit)
{
    uint32_t low = word_free(view_word(view, index));
    uint32_t high = word_free(view_word(view, index + 1));
    if (limit != UINT64_MAX) {
        low &= mask_below(index, limit);
        high &= mask_below(index + 1, limit);
    }
    return (uint64_t)high << 32 | low;
}

void group_load(struct group *group, const struct view *view, uint64_t number, uint64_t limit)
{
    uint64_t index = number * LAYOUT_GROUP_WORDS;
    if (limit / LAYOUT_GROUP_PAGES > number)
        limit = UINT64_MAX;
    for (unsigned i = 0; i < GROUP_PAIRS; i++, index += 4)
        group->pairs[i] =
            (group_pair){load_cell(view, index, limit), load_cell(view, index + 2, limit)};
}

static int is_empty(const struct group *group)
{
    group_pair any = group->pairs[0];
    for (unsigned i = 1; i < GROUP_PAIRS; i++)
        any |= group->pairs[i];
    return (any[0] | any[1]) == 0;
}

static inline uint64_t cell(const struct group *group, unsigned i)
{
    return i < GROUP_CELLS ? group->pairs[i / 2][i % 2] : 0;
}

/* Leaves of the pages those with a page of `others` n further on; whole cells of them. */
static void keep_far(struct group *pages, const struct group *others, unsigned n)
{
    unsigned cells = n / 64;
    unsigned bits = n % 64;
    for (unsigned i = 0; i < GROUP_CELLS; i++) {
        uint64_t low = cell(others, i + cells);
        uint64_t high = cell(others, i + cells + 1);
        pages->pairs[i / 2][i % 2] &= low >> bits | (high << 1) << (63 - bits);
    }
}

/* The same; 0 < n < 64. */
static inline void keep_near(struct group *pages, const struct group *others, unsigned n)
{
    group_pair here = others->pairs[0];
    for (unsigned i = 0; i < GROUP_PAIRS; i++) {
        group_pair after = i + 1 < GROUP_PAIRS ? others->pairs[i + 1] : (group_pair){0, 0};
        pages->pairs[i] &= here >> n | (group_pair){here[1], after[0]} << (64 - n);
        here = after;
    }
}

/* The same; any n. `others` may be `pages`. */
static inline void keep(struct group *pages, const struct group *others, unsigned n)
{
    if (n == 0)
        return;
    if (n < 64)
        keep_near(pages, others, n);
    else
        keep_far(pages, others, n);
}

/* The pages at which runs of n begin. */
static struct group runs_of(const struct group *group, unsigned n)
{
    struct group pages = *group;
    unsigned have = 1;
    for (; have * 2 <= n; have *= 2)
        keep(&pages, &pages, have);
    keep(&pages, &pages, n - have);
    return pages;
}

static unsigned first_of(const struct group *pages)
{
    for (unsigned i = 0; i < GROUP_CELLS; i++)
        if (cell(pages, i) != 0)
            return i * 64 + (unsigned)__builtin_ctzll(cell(pages, i));
    return LAYOUT_GROUP_PAGES;
}

/* From which n do not go beyond their word. */
static struct group inside_words(const struct group *pages, unsigned n)
{
    struct group inside = *pages;
    uint64_t mask = bits_both(mask_of(0, LAYOUT_WORD_PAGES + 1 - n));
    for (unsigned i = 0; i < GROUP_PAIRS; i++)
        inside.pairs[i] &= mask;
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
    struct group runs[LEVELS + 1]; /* of 1 << level */
    int level = 0;
    if (is_empty(group))
        return 0;
    runs[0] = *group;
    do {
        runs[level + 1] = runs[level];
        keep(&runs[level + 1], &runs[level], 1u << level);
        level++;
    } while (level < LEVELS && !is_empty(&runs[level]));
    level--;
    struct group longest = runs[level];
    unsigned n = 1u << level;
    while (level-- > 0) {
        struct group longer = longest;
        keep(&longer, &runs[level], n);
        if (!is_empty(&longer)) {
            longest = longer;
            n += 1u << level;
        }
    }
    return n;
}

/* In twos, fours and bytes of all cells side by side: a byte ends with 64 at most. */
unsigned group_count(const struct group *group)
{
    group_pair counts = {0, 0};
    for (unsigned i = 0; i < GROUP_PAIRS; i++) {
        group_pair cells = group->pairs[i];
        cells -= cells >> 1 & UINT64_C(0x5555555555555555);
        cells =
            (cells & UINT64_C(0x3333333333333333)) + (cells >> 2 & UINT64_C(0x3333333333333333));
        counts += (cells + (cells >> 4)) & UINT64_C(0x0F0F0F0F0F0F0F0F);
    }
    uint64_t sum = counts[0] + counts[1];
    sum = (sum & UINT64_C(0x00FF00FF00FF00FF)) + (sum >> 8 & UINT64_C(0x00FF00FF00FF00FF));
    return (unsigned)(sum * UINT64_C(0x0001000100010001) >> 48);
}

void group_lower_hint(const struct view *view, uint64_t number, unsigned seen,
                      const struct group *group)
{
    unsigned many = group_count(group) >= HINT_MANY_PAGES ? HINT_MANY : 0;
    hints_lower(view_hints(view), number, seen, hint_class(group_longest(group)), many);
}
