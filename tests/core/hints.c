/* Hints against plain arrays, below and above the fans of 64 and 4096 groups. */
#include <stdlib.h>
#include <string.h>

#include "core/bench.h"
#include "core/core.h"
#include "core/hints.h"
#include "support/random.h"

static const uint64_t sizes[] = {1, 7, 8, 63, 64, 65, 200, 4095, 4096, 4097, 9000};

enum { N_SIZES = sizeof sizes / sizeof sizes[0], ROUNDS = 4000, MOST = 9000 };

static struct hints hints;
static void *memory;
static uint8_t bytes[MOST];
static bool touched[MOST];
static uint64_t n_groups;

static void make_hints(uint64_t n)
{
    n_groups = n;
    memory = aligned_alloc(64, hints_size(n));
    ck_assert_ptr_nonnull(memory);
    memset(memory, 0, hints_size(n));
    hints_init(&hints, memory, n);
    memset(bytes, 0xFF, sizeof bytes);
    memset(touched, 0, sizeof touched);
}

static uint64_t naive_find(uint64_t from, unsigned class, bool many)
{
    for (uint64_t group = from; group < n_groups; group++)
        if (many ? bytes[group] & 0x80 : (bytes[group] & 0x7F) >= (int)class)
            return group;
    return n_groups;
}

static void change_some(struct random *random)
{
    uint64_t group = random_between(random, 0, n_groups - 1);
    unsigned class = (unsigned)random_between(random, 0, 120);
    unsigned many = random_between(random, 0, 1) ? HINT_MANY : 0;
    if (random_between(random, 0, 9) == 0) {
        hints_raise(&hints, group, class, many);
        unsigned run = bytes[group] & 0x7Fu;
        bytes[group] = (uint8_t)(((bytes[group] | many) & 0x80u) | (run > class ? run : class));
    } else {
        unsigned seen = bytes[group];
        class = class < (seen & HINT_RUN) ? class : seen & HINT_RUN;
        hints_lower(&hints, group, seen, class, seen & many);
        bytes[group] = (uint8_t)(class | (seen & many));
        hints_lower(&hints, group, bytes[group] ^ 1u, 0, 0); /* a look that began too early */
    }
}

START_TEST(the_lowest_group_that_may_fit_is_found)
{
    struct random random = random_stream(random_seed(), 100 + (uint64_t)_i);
    make_hints(sizes[_i]);
    moment = (struct moment){"groups", n_groups, 0, 0};
    for (int round = 0; round < ROUNDS; round++) {
        for (uint64_t i = 0; i < 1 + n_groups / 200; i++)
            change_some(&random);
        uint64_t group = random_between(&random, 0, n_groups - 1);
        uint64_t from = random_between(&random, 0, 2) ? group : 0;
        unsigned class = (unsigned)random_between(&random, 1, 120);
        class = random_between(&random, 0, 1) ? 120 : class;
        ck_quiet(hint_read(&hints, group) == bytes[group]);
        ck_quiet(hints_find_run(&hints, from, class) == naive_find(from, class, false));
        ck_quiet(hints_find_many(&hints, from) == naive_find(from, 0, true));
    }
    free(memory);
}
END_TEST

START_TEST(a_single_group_with_room_is_found_wherever_it_lies)
{
    struct random random = random_stream(random_seed(), 200 + (uint64_t)_i);
    make_hints(sizes[_i]);
    for (uint64_t group = 0; group < n_groups; group++)
        hints_lower(&hints, group, HINT_FRESH, 0, 0);
    for (int round = 0; round < ROUNDS / 4; round++) {
        uint64_t group = random_between(&random, 0, n_groups - 1);
        ck_quiet(hints_find_run(&hints, 0, 1) == n_groups);
        ck_quiet(hints_find_many(&hints, 0) == n_groups);
        hints_raise(&hints, group, 77, HINT_MANY);
        ck_quiet(hints_find_run(&hints, 0, 77) == group);
        ck_quiet(hints_find_run(&hints, 0, 78) == n_groups);
        ck_quiet(hints_find_many(&hints, group) == group);
        ck_quiet(hints_find_many(&hints, group + 1) == n_groups);
        hints_lower(&hints, group, 77 | HINT_MANY, 0, 0);
    }
    free(memory);
}
END_TEST

/* Upper levels too: they promised less. */
START_TEST(a_look_that_finds_more_than_was_promised_raises_the_hint)
{
    make_hints(sizes[_i]);
    for (uint64_t group = 0; group < n_groups; group++)
        hints_lower(&hints, group, HINT_FRESH, 3, 0);
    ck_quiet(hints_find_run(&hints, 0, 4) == n_groups);
    hints_lower(&hints, n_groups - 1, 3, 9, HINT_MANY);
    ck_quiet(hint_read(&hints, n_groups - 1) == (9 | HINT_MANY));
    ck_quiet(hints_find_run(&hints, 0, 9) == n_groups - 1);
    free(memory);
}
END_TEST

static uint64_t naive_hole(uint64_t wanted, uint64_t end)
{
    uint64_t best = n_groups;
    uint64_t best_length = UINT64_MAX;
    int compared = 0;
    for (uint64_t start = 0; start < end && compared < 16;) {
        uint64_t length = 0;
        while (start + length < end && !touched[start + length])
            length++;
        if (length >= wanted && length > 0) {
            compared++;
            if (length < best_length) {
                best = start;
                best_length = length;
            }
        }
        start += length + 1;
    }
    return best;
}

START_TEST(the_smallest_of_sixteen_holes_is_found)
{
    struct random random = random_stream(random_seed(), 300 + (uint64_t)_i);
    make_hints(sizes[_i]);
    moment = (struct moment){"groups", n_groups, 0, 0};
    for (int round = 0; round < ROUNDS / 4; round++) {
        for (int i = 0; i < 8; i++) {
            uint64_t group = random_between(&random, 0, n_groups - 1);
            uint64_t length = random_between(&random, 1, i == 0 ? 100 : 3);
            bool touch = random_between(&random, 0, 99) < 55;
            for (uint64_t k = group; k < group + length && k < n_groups; k++) {
                (touch ? hints_touch : hints_untouch)(&hints, k);
                touched[k] = touch;
            }
        }
        uint64_t wanted = random_between(&random, 1, 6);
        uint64_t end = random_between(&random, 0, n_groups);
        ck_quiet(hints_find_hole(&hints, wanted, end) == naive_hole(wanted, end));
    }
    free(memory);
}
END_TEST

START_TEST(classes_rise_with_the_length_and_fit_a_hint)
{
    ck_assert_uint_eq(hint_class(1), 1);
    ck_assert_uint_eq(hint_class(64), 64);
    for (uint64_t n = 1; n < 600; n++) {
        ck_quiet(hint_class(n) <= hint_class(n + 1));
        ck_quiet(hint_class(n) <= HINT_RUN);
    }
}
END_TEST

TCase *hints_case(void)
{
    TCase *tcase = tcase_create("hints");
    tcase_add_loop_test(tcase, the_lowest_group_that_may_fit_is_found, 0, N_SIZES);
    tcase_add_loop_test(tcase, a_single_group_with_room_is_found_wherever_it_lies, 0, N_SIZES);
    tcase_add_loop_test(tcase, a_look_that_finds_more_than_was_promised_raises_the_hint, 0,
                        N_SIZES);
    tcase_add_loop_test(tcase, the_smallest_of_sixteen_holes_is_found, 0, N_SIZES);
    tcase_add_test(tcase, classes_rise_with_the_length_and_fit_a_hint);
    return tcase;
}
