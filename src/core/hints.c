#include "core/hints.h"

#define EACH_BYTE(value) ((value)*UINT64_C(0x0101010101010101))

enum { FAN = 64, HOLES_COMPARED = 16 };

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

/* Each array begins on a line of its own and can be read eight bytes at a time to its end. */
static uint64_t array_size(uint64_t bytes)
{
    return round_up(bytes, 64);
}

static uint64_t entries(uint64_t n_groups, int level)
{
    for (int i = 0; i < level; i++)
        n_groups = round_up(n_groups, FAN) / FAN;
    return n_groups;
}

static uint64_t touched_words(uint64_t n_groups)
{
    return round_up(n_groups, 64) / 64;
}

uint64_t hints_size(uint64_t n_groups)
{
    uint64_t size = array_size(touched_words(n_groups) * 8) + array_size(n_groups * 2);
    for (int level = 0; level < HINT_LEVELS; level++)
        size += array_size(entries(n_groups, level));
    return size;
}

void hints_init(struct hints *hints, void *base, uint64_t n_groups)
{
    char *at = base;
    for (int level = 0; level < HINT_LEVELS; level++) {
        hints->n[level] = entries(n_groups, level);
        hints->level[level] = (_Atomic uint8_t *)(void *)at;
        at += array_size(hints->n[level]);
    }
    hints->touched = (_Atomic uint64_t *)(void *)at;
    at += array_size(touched_words(n_groups) * 8);
    hints->holder = (_Atomic uint16_t *)(void *)at;
}

/* Eight hint bytes as they mean, the lowest entry in the lowest byte. */
static uint64_t eight(const struct hints *hints, int level, uint64_t index)
{
    uint64_t bytes = ~__atomic_load_n((const uint64_t *)(const void *)(hints->level[level] + index),
                                      __ATOMIC_RELAXED);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bytes = __builtin_bswap64(bytes);
#endif
    return bytes;
}

/* The top bit of each byte that satisfies the wish: a class to reach, or HINT_MANY. */
static uint64_t satisfying(uint64_t bytes, unsigned wish)
{
    if (wish == HINT_MANY)
        return bytes & EACH_BYTE(UINT64_C(0x80));
    bytes = (bytes & EACH_BYTE(UINT64_C(0x7F))) | EACH_BYTE(UINT64_C(0x80));
    return (bytes - EACH_BYTE((uint64_t)wish)) & EACH_BYTE(UINT64_C(0x80));
}

static int satisfies(unsigned byte, unsigned wish)
{
    return wish == HINT_MANY ? (byte & HINT_MANY) != 0 : (byte & HINT_RUN) >= wish;
}

/* The first entry from `from` to before `end` that satisfies the wish, or end. */
static uint64_t scan(const struct hints *hints, int level, uint64_t from, uint64_t end,
                     unsigned wish)
{
    uint64_t index = from & ~UINT64_C(7);
    uint64_t skip = UINT64_MAX << (from & 7) * 8;
    for (; index < end; index += 8, skip = UINT64_MAX) {
        uint64_t found = satisfying(eight(hints, level, index), wish) & skip;
        if (found != 0) {
            index += (uint64_t)__builtin_ctzll(found) / 8;
            return index < end ? index : end;
        }
    }
    return end;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static unsigned read_level(const struct hints *hints, int level, uint64_t index)
{
    return (uint8_t)~atomic_load_explicit(&hints->level[level][index], memory_order_relaxed);
}

static unsigned maximum_below(const struct hints *hints, int level, uint64_t index)
{
    uint64_t end = least((index + 1) * FAN, hints->n[level - 1]);
    unsigned run = 0;
    unsigned many = 0;
    for (uint64_t i = index * FAN; i < end; i++) {
        unsigned byte = read_level(hints, level - 1, i);
        run = (byte & HINT_RUN) > run ? byte & HINT_RUN : run;
        many |= byte & HINT_MANY;
    }
    return run | many;
}

static void lower_level(struct hints *hints, int level, uint64_t index, unsigned seen)
{
    uint8_t expected = (uint8_t)~seen;
    uint8_t lower = (uint8_t)~maximum_below(hints, level, index);
    if (lower != expected)
        atomic_compare_exchange_strong_explicit(&hints->level[level][index], &expected, lower,
                                                memory_order_relaxed, memory_order_relaxed);
}

/* Goes on along a level from an entry on; an upper entry that promises more than its 64 lower ones
 * hold is lowered on the way. */
static uint64_t find(struct hints *hints, int level, uint64_t from, unsigned wish)
{
    uint64_t end = hints->n[level];
    if (level == HINT_LEVELS - 1)
        return scan(hints, level, from, end, wish);
    while (from < end) {
        uint64_t above = from / FAN;
        uint64_t block_end = least((above + 1) * FAN, end);
        unsigned seen = read_level(hints, level + 1, above);
        uint64_t index = scan(hints, level, from, block_end, wish);
        if (index < block_end)
            return index;
        if (from == above * FAN && satisfies(seen, wish))
            lower_level(hints, level + 1, above, seen);
        above = find(hints, level + 1, above + 1, wish);
        from = above * FAN;
    }
    return end;
}

uint64_t hints_find_run(struct hints *hints, uint64_t from, unsigned class)
{
    return find(hints, 0, from, class);
}

uint64_t hints_find_many(struct hints *hints, uint64_t from)
{
    return find(hints, 0, from, HINT_MANY);
}

static unsigned higher(unsigned byte, unsigned class, unsigned many)
{
    unsigned run = (byte & HINT_RUN) > class ? byte & HINT_RUN : class;
    return run | ((byte | many) & HINT_MANY);
}

void hints_raise(struct hints *hints, uint64_t group, unsigned class, unsigned many)
{
    for (int level = 0; level < HINT_LEVELS; level++, group /= FAN) {
        uint8_t seen = atomic_load_explicit(&hints->level[level][group], memory_order_relaxed);
        unsigned wanted;
        do {
            wanted = higher((uint8_t)~seen, class, many);
            if (wanted == (uint8_t)~seen)
                break;
        } while (!atomic_compare_exchange_weak_explicit(&hints->level[level][group], &seen,
                                                        (uint8_t)~wanted, memory_order_relaxed,
                                                        memory_order_relaxed));
    }
}

void hints_lower(struct hints *hints, uint64_t group, unsigned seen, unsigned class, unsigned many)
{
    uint8_t expected = (uint8_t)~seen;
    uint8_t lower = (uint8_t) ~(class | many);
    if (class > (seen & HINT_RUN)) {
        hints_raise(hints, group, class, many);
        return;
    }
    if (lower != expected)
        atomic_compare_exchange_strong_explicit(&hints->level[0][group], &expected, lower,
                                                memory_order_relaxed, memory_order_relaxed);
}

void hints_untouch(struct hints *hints, uint64_t group)
{
    _Atomic uint64_t *word = &hints->touched[group / 64];
    uint64_t bit = UINT64_C(1) << group % 64;
    if (atomic_load_explicit(word, memory_order_relaxed) & bit)
        atomic_fetch_and_explicit(word, ~bit, memory_order_relaxed);
}

/* The smallest hole that suffices, of those seen so far. */
struct holes {
    uint64_t wanted;
    uint64_t start;
    uint64_t length;
    int compared;
};

/* 0: enough were compared, or this one fits exactly. */
static int compare(struct holes *holes, uint64_t start, uint64_t length)
{
    if (length < holes->wanted)
        return 1;
    if (length < holes->length) {
        holes->start = start;
        holes->length = length;
    }
    return length > holes->wanted && ++holes->compared < HOLES_COMPARED;
}

/* The holes of 64 groups that end before the last of them. *run: the untouched groups before
 * these, then those that reach the end of these. 0: enough were compared. */
static int compare_in_word(struct holes *holes, uint64_t first, uint64_t untouched, uint64_t *run)
{
    if (untouched == UINT64_MAX) {
        *run += 64;
        return 1;
    }
    unsigned stop = (unsigned)__builtin_ctzll(~untouched);
    if (!compare(holes, first - *run, *run + stop))
        return 0;
    *run = 0;
    for (untouched &= UINT64_MAX << stop; untouched != 0; untouched &= UINT64_MAX << stop) {
        unsigned start = (unsigned)__builtin_ctzll(untouched);
        unsigned length = (unsigned)__builtin_ctzll(~(untouched >> start));
        stop = start + length;
        if (stop == 64) {
            *run = length;
            return 1;
        }
        if (!compare(holes, first + start, length))
            return 0;
    }
    return 1;
}

uint64_t hints_find_hole(const struct hints *hints, uint64_t n_groups, uint64_t end_group)
{
    struct holes holes = {.wanted = n_groups, .start = hints->n[0], .length = UINT64_MAX};
    uint64_t run = 0;
    for (uint64_t first = 0; first < end_group; first += 64) {
        uint64_t touched = atomic_load_explicit(&hints->touched[first / 64], memory_order_relaxed);
        if (end_group - first < 64)
            touched |= UINT64_MAX << (end_group - first);
        if (!compare_in_word(&holes, first, ~touched, &run))
            return holes.start;
    }
    compare(&holes, end_group - run, run);
    return holes.start;
}
