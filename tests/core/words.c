/* The page word against the same questions asked page by page. */
#include "core/bench.h"
#include "core/core.h"
#include "core/word.h"
#include "support/random.h"

enum { RANDOM_WORDS = 20000 };

static bool has(uint32_t mask, unsigned bit)
{
    return bit < 32 && (mask >> bit & 1);
}

static unsigned naive_run(uint32_t mask, unsigned bit)
{
    unsigned n = 0;
    while (has(mask, bit + n))
        n++;
    return n;
}

/* Sparse, dense and in between. */
static uint32_t random_mask(struct random *random)
{
    uint32_t mask = (uint32_t)random_next(random);
    switch (random_between(random, 0, 4)) {
    case 0:
        return mask & (uint32_t)random_next(random);
    case 1:
        return mask | (uint32_t)random_next(random);
    case 2:
        return UINT32_MAX << mask % 32;
    case 3:
        return UINT32_MAX >> mask % 32;
    default:
        return mask;
    }
}

START_TEST(a_word_tells_each_page_as_its_two_bits_say)
{
    struct random random = random_stream(random_seed(), 1);
    for (int i = 0; i < RANDOM_WORDS; i++) {
        uint64_t word = (uint64_t)random_mask(&random) << 32 | random_mask(&random);
        for (unsigned bit = 0; bit < 32; bit++) {
            bool lo = word >> bit & 1;
            bool hi = word >> (bit + 32) & 1;
            ck_quiet(has(word_free(word), bit) == (!lo && !hi));
            ck_quiet(has(word_first(word), bit) == (lo && hi));
            ck_quiet(has(word_further(word), bit) == (lo && !hi));
            ck_quiet(has(word_claimed(word), bit) == (!lo && hi));
        }
    }
}
END_TEST

START_TEST(a_mask_has_the_pages_of_its_range)
{
    for (unsigned n = 1; n <= 32; n++)
        for (unsigned bit = 0; bit + n <= 32; bit++)
            for (unsigned i = 0; i < 32; i++)
                ck_quiet(has(mask_of(bit, n), i) == (i >= bit && i < bit + n));
}
END_TEST

START_TEST(the_bits_of_a_range_are_what_the_word_tells_of_it)
{
    for (unsigned n = 1; n <= 32; n++)
        for (unsigned bit = 0; bit + n <= 32; bit++) {
            uint32_t mask = mask_of(bit, n);
            uint32_t first = mask_of(bit, 1);
            ck_quiet(word_claimed(bits_claimed(mask)) == mask);
            ck_quiet(word_free(bits_claimed(mask)) == ~mask);
            ck_quiet(word_first(bits_block(mask, first)) == first);
            ck_quiet(word_further(bits_block(mask, first)) == (mask & ~first));
            ck_quiet(word_further(bits_block(mask, 0)) == mask);
            ck_quiet(word_free(~bits_both(mask)) == mask);
            ck_quiet(word_block_length(bits_block(mask, first), bit) == n);
        }
}
END_TEST

START_TEST(runs_counts_and_lengths_are_those_of_a_walk)
{
    struct random random = random_stream(random_seed(), 2);
    for (int i = 0; i < RANDOM_WORDS / 4; i++) {
        uint32_t mask = random_mask(&random);
        unsigned count = 0;
        for (unsigned bit = 0; bit < 32; bit++) {
            unsigned run = naive_run(mask, bit);
            count += run > 0;
            ck_quiet(mask_run_at(mask, bit) == run);
            for (unsigned n = 1; n <= 32; n++)
                ck_quiet(has(mask_runs(mask, n), bit) == (run >= n));
        }
        ck_quiet(mask_count(mask) == count);
        ck_quiet(mask == 0 || (has(mask, mask_lowest(mask)) &&
                               (mask & (mask_of(0, mask_lowest(mask) + 1) >> 1)) == 0));
    }
}
END_TEST

START_TEST(a_block_ends_before_the_next_first_free_or_claimed_page)
{
    struct random random = random_stream(random_seed(), 3);
    for (int i = 0; i < RANDOM_WORDS; i++) {
        uint64_t word = (uint64_t)random_mask(&random) << 32 | random_mask(&random);
        unsigned bit = (unsigned)random_between(&random, 0, 31);
        word |= bits_block(mask_of(bit, 1), mask_of(bit, 1));
        unsigned n = 1 + naive_run(word_further(word), bit + 1);
        uint32_t pages;
        ck_quiet(word_block_length(word, bit) == n);
        ck_quiet(word_block_inside(word, bit, &pages) == (bit + n < 32));
        ck_quiet(bit + n == 32 || pages == mask_of(bit, n));
        uint64_t next = (uint64_t)random_mask(&random) << 32 | random_mask(&random);
        unsigned whole = bit + n < 32 ? n : n + naive_run(word_further(next), 0);
        ck_quiet(word_length_in_two(word, next, bit) == (bit + whole < 64 ? whole : 0));
        ck_quiet(word_length_in_two(word & ~(bits_block(0, 1) << bit), next, bit) == 0);
        ck_quiet(!word_block_inside(word & ~(bits_block(0, 1) << bit), bit, &pages));
        ck_quiet(!word_block_inside(word & ~(bits_block(1, 0) << bit), bit, &pages));
    }
}
END_TEST

START_TEST(a_range_is_cut_at_its_words)
{
    struct random random = random_stream(random_seed(), 4);
    for (int i = 0; i < RANDOM_WORDS; i++) {
        uint64_t page = random_between(&random, 0, 100);
        uint64_t n = random_between(&random, 1, 200);
        for (uint64_t index = word_at(page); index <= word_at(page + n - 1); index++)
            for (unsigned bit = 0; bit < 32; bit++) {
                uint64_t here = index * 32 + bit;
                ck_quiet(has(mask_in(index, page, n), bit) == (here >= page && here < page + n));
                ck_quiet(has(mask_below(index, n), bit) == (here < n));
            }
    }
}
END_TEST

TCase *words_case(void)
{
    TCase *tcase = tcase_create("words");
    tcase_add_test(tcase, a_word_tells_each_page_as_its_two_bits_say);
    tcase_add_test(tcase, a_mask_has_the_pages_of_its_range);
    tcase_add_test(tcase, the_bits_of_a_range_are_what_the_word_tells_of_it);
    tcase_add_test(tcase, runs_counts_and_lengths_are_those_of_a_walk);
    tcase_add_test(tcase, a_block_ends_before_the_next_first_free_or_claimed_page);
    tcase_add_test(tcase, a_range_is_cut_at_its_words);
    return tcase;
}
