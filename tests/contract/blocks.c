/* Blocks one by one: lengths, alignment, look-up, and every address that is no block. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "contract/contract.h"

/* Lengths around the borders of a page word (32 pages) and of a group (512 pages). */
static const size_t border_lengths[] = {1,   2,   3,   31,  32,  33,   34,   63,   64,   65,
                                        95,  96,  97,  255, 256, 257,  479,  480,  481,  511,
                                        512, 513, 575, 576, 577, 1000, 1023, 1024, 1025, 5000};

enum { N_BORDERS = sizeof border_lengths / sizeof border_lengths[0] };

START_TEST(a_block_may_take_the_whole_pool)
{
    size_t n = border_lengths[_i];
    shmpool_id pool = pool_new(n);
    for (int round = 0; round < 3; round++) {
        char *block = shmpool_alloc(pool, pages(n));
        ck_assert_msg(block != NULL, "%zu pages: %s", n, shmpool_errmsg());
        block[0] = 1;
        block[pages(n) - 1] = 2;
        ck_assert_int_eq(shmpool_size_at(pool, block), (ssize_t)pages(n));
        ck_assert_uint_eq(stats_of(pool).free, 0);
        ck_assert_uint_eq(stats_of(pool).contiguous, 0);
        ck_assert_uint_eq(stats_of(pool).blocks, 1);
        ck_fails_null(shmpool_alloc(pool, 1), ENOSPC);
        ck_ok(shmpool_free(pool, block));
        ck_pool_is_whole(pool);
    }
    pool_drop(pool);
}
END_TEST

START_TEST(the_rest_of_a_pool_can_be_taken_too)
{
    size_t n = border_lengths[_i];
    shmpool_id pool = pool_new(n + 1);
    char *most = shmpool_alloc(pool, pages(n));
    char *rest = shmpool_alloc(pool, 1);
    ck_assert_ptr_nonnull(most);
    ck_assert_ptr_nonnull(rest);
    ck_assert(rest == most + pages(n) || rest == most - page());
    ck_fails_null(shmpool_alloc(pool, 1), ENOSPC);
    ck_ok(shmpool_free(pool, most));
    ck_assert_uint_eq(stats_of(pool).contiguous, pages(n));
    ck_assert_ptr_eq(shmpool_alloc(pool, pages(n)), most);
    ck_ok(shmpool_free(pool, rest));
    ck_ok(shmpool_free(pool, most));
    ck_pool_is_whole(pool);
    pool_drop(pool);
}
END_TEST

START_TEST(a_pool_of_one_page_works)
{
    shmpool_id pool = shmpool_create(1, NULL);
    ck_ok(pool);
    for (int i = 0; i < 100; i++) {
        char *block = shmpool_alloc(pool, 1);
        ck_assert_ptr_nonnull(block);
        memset(block, i, page());
        ck_fails_null(shmpool_alloc(pool, 1), ENOSPC);
        ck_ok(shmpool_free(pool, block));
    }
    ck_fails_null(shmpool_alloc(pool, page() + 1), ENOSPC);
    ck_pool_is_whole(pool);
    pool_drop(pool);
}
END_TEST

static void stamp(char *block, size_t length, int value)
{
    memset(block, value, page());
    memset(block + length - page(), value, page());
}

static void ck_stamp(const char *block, size_t length, int value)
{
    ck_assert_int_eq(block[0], value);
    ck_assert_int_eq(block[page() - 1], value);
    ck_assert_int_eq(block[length - page()], value);
    ck_assert_int_eq(block[length - 1], value);
}

START_TEST(every_length_up_to_200_pages_works)
{
    shmpool_id pool = pool_new(201);
    for (size_t n = 1; n <= 200; n++) {
        char *block = shmpool_alloc(pool, pages(n));
        ck_assert_msg(block != NULL, "%zu pages: %s", n, shmpool_errmsg());
        char *rest = shmpool_alloc(pool, pages(201 - n));
        ck_assert_msg(rest != NULL, "%zu pages: %s", 201 - n, shmpool_errmsg());
        ck_assert_uint_eq((uintptr_t)block % page(), 0);
        stamp(block, pages(n), 1);
        stamp(rest, pages(201 - n), 2);
        ck_stamp(block, pages(n), 1);
        ck_assert_int_eq(shmpool_size_at(pool, block), (ssize_t)pages(n));
        ck_assert_int_eq(shmpool_size_at(pool, rest), (ssize_t)pages(201 - n));
        ck_ok(shmpool_free(pool, n % 2 == 0 ? block : rest));
        ck_ok(shmpool_free(pool, n % 2 == 0 ? rest : block));
    }
    ck_pool_is_whole(pool);
    pool_drop(pool);
}
END_TEST

START_TEST(sizes_are_rounded_up_to_pages)
{
    shmpool_id pool = pool_new(10);
    ck_assert_int_eq(shmpool_size_at(pool, shmpool_alloc(pool, 1)), (ssize_t)page());
    ck_assert_int_eq(shmpool_size_at(pool, shmpool_alloc(pool, page())), (ssize_t)page());
    ck_assert_int_eq(shmpool_size_at(pool, shmpool_alloc(pool, page() + 1)), (ssize_t)pages(2));
    ck_assert_int_eq(shmpool_size_at(pool, shmpool_alloc(pool, pages(3) - 1)), (ssize_t)pages(3));
    ck_assert_uint_eq(stats_of(pool).free, pages(3));
    pool_drop(pool);
}
END_TEST

START_TEST(impossible_sizes_are_refused)
{
    shmpool_id pool = pool_new(10);
    ck_fails_null(shmpool_alloc(pool, 0), EINVAL);
    ck_fails_null(shmpool_alloc_aligned(pool, page(), 0), EINVAL);
    ck_fails_null(shmpool_alloc(pool, SIZE_MAX), ENOSPC);
    ck_fails_null(shmpool_alloc(pool, SIZE_MAX - page() + 1), ENOSPC);
    ck_fails_null(shmpool_alloc(pool, SIZE_MAX / 2), ENOSPC);
    ck_fails_null(shmpool_alloc(pool, (size_t)1 << 44), ENOSPC);
    ck_fails_null(shmpool_alloc(pool, pages(10) + 1), ENOSPC);
    ck_fails_null(shmpool_alloc_aligned(pool, pages(4), SIZE_MAX), ENOSPC);
    ck_pool_is_whole(pool);
    pool_drop(pool);
}
END_TEST

START_TEST(alignments_that_are_no_power_of_two_are_refused)
{
    static const size_t bad[] = {0, 3, 6, 12, 100, 4095, 4097, 12288, SIZE_MAX, SIZE_MAX - 1};
    shmpool_id pool = pool_new(10);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_fails_null(shmpool_alloc_aligned(pool, bad[i], 1), EINVAL);
    ck_pool_is_whole(pool);
    pool_drop(pool);
}
END_TEST

/* Small ones change nothing; a large one is met wherever the pool lies. */
START_TEST(every_alignment_is_met)
{
    const size_t total = (size_t)32 << 20;
    shmpool_id pool = pool_new(total / page());
    void *in_the_way = shmpool_alloc(pool, 1);
    for (size_t alignment = 1; alignment <= total / 4; alignment *= 2) {
        char *block = shmpool_alloc_aligned(pool, alignment, page() + 1);
        ck_assert_msg(block != NULL, "alignment %zu: %s", alignment, shmpool_errmsg());
        ck_assert_uint_eq((uintptr_t)block % alignment, 0);
        ck_assert_int_eq(shmpool_size_at(pool, block), (ssize_t)pages(2));
        char *longer = shmpool_alloc_aligned(pool, alignment, pages(300));
        ck_assert_msg(longer != NULL, "alignment %zu: %s", alignment, shmpool_errmsg());
        ck_assert_uint_eq((uintptr_t)longer % alignment, 0);
        ck_ok(shmpool_free(pool, block));
        ck_ok(shmpool_free(pool, longer));
    }
    ck_ok(shmpool_free(pool, in_the_way));
    ck_pool_is_whole(pool);
    pool_drop(pool);
}
END_TEST

START_TEST(an_alignment_that_the_pool_cannot_meet_is_ENOSPC)
{
    shmpool_id pool = pool_new(10);
    ck_fails_null(shmpool_alloc_aligned(pool, (size_t)1 << 50, 1), ENOSPC);
    ck_fails_null(shmpool_alloc_aligned(pool, (size_t)1 << 63, 1), ENOSPC);
    ck_pool_is_whole(pool);
    pool_drop(pool);
}
END_TEST

START_TEST(what_is_no_block_is_ENOENT)
{
    int here = 0;
    shmpool_id pool = pool_new(100);
    shmpool_id other = pool_new(100);
    char *block = shmpool_alloc(pool, pages(50));
    char *small = shmpool_alloc(pool, 1);
    char *freed = shmpool_alloc(pool, pages(2));
    ck_ok(shmpool_free(pool, freed));
    void *const bad[] = {
        NULL,
        &here,
        block + 1,
        block + page() - 1,
        block + page(),
        block + pages(31),
        block + pages(49),
        small + 8,
        small - 1,
        freed,
        freed + page(),
        shmpool_alloc(other, 1),
        pool_base(pool),
        (char *)pool_base(pool) - page(),
        (void *)UINTPTR_MAX,
        (void *)(UINTPTR_MAX - page() + 1),
    };
    struct shmpool_stats before = stats_of(pool);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_fails(shmpool_free(pool, bad[i]), ENOENT);
        ck_fails(shmpool_size_at(pool, bad[i]), ENOENT);
    }
    struct shmpool_stats after = stats_of(pool);
    ck_assert_mem_eq(&before, &after, sizeof before);
    ck_assert_int_eq(shmpool_check(pool, stderr), 0);
    ck_assert_int_eq(shmpool_size_at(pool, block), (ssize_t)pages(50));
    pool_drop(pool);
    pool_drop(other);
}
END_TEST

START_TEST(the_pages_behind_the_pool_are_no_block)
{
    shmpool_id pool = pool_new(64);
    char *all = shmpool_alloc(pool, pages(64));
    ck_fails(shmpool_free(pool, all + pages(64)), ENOENT);
    ck_fails(shmpool_size_at(pool, all + pages(64)), ENOENT);
    ck_fails(shmpool_free(pool, all + pages(1000000)), ENOENT);
    ck_ok(shmpool_free(pool, all));
    pool_drop(pool);
}
END_TEST

START_TEST(a_second_free_is_ENOENT)
{
    static const size_t lengths[] = {1, 2, 32, 33, 100, 600};
    shmpool_id pool = pool_new(1000);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        void *block = shmpool_alloc(pool, pages(lengths[i]));
        ck_ok(shmpool_free(pool, block));
        ck_fails(shmpool_free(pool, block), ENOENT);
        ck_fails(shmpool_size_at(pool, block), ENOENT);
    }
    ck_pool_is_whole(pool);
    pool_drop(pool);
}
END_TEST

START_TEST(of_tells_the_pool_of_any_address_in_a_block)
{
    int here;
    shmpool_id one = pool_new(100);
    shmpool_id two = pool_new(100);
    char *in_one = shmpool_alloc(one, pages(100));
    char *in_two = shmpool_alloc(two, pages(100));
    ck_assert_int_eq(shmpool_of(in_one), one);
    ck_assert_int_eq(shmpool_of(in_one + 1), one);
    ck_assert_int_eq(shmpool_of(in_one + pages(100) - 1), one);
    ck_assert_int_eq(shmpool_of(in_two + 12345), two);
    ck_ok(shmpool_free(two, in_two));
    ck_assert_int_eq(shmpool_of(in_two), two);
    ck_fails(shmpool_of(&here), ENOENT);
    ck_fails(shmpool_of(NULL), ENOENT);
    ck_fails(shmpool_of((void *)UINTPTR_MAX), ENOENT);
    pool_drop(two);
    ck_fails(shmpool_of(in_two), ENOENT);
    ck_assert_int_eq(shmpool_of(in_one), one);
    pool_drop(one);
}
END_TEST

START_TEST(pools_do_not_disturb_each_other)
{
    shmpool_id one = pool_new(10);
    shmpool_id two = pool_new(10);
    char *in_one = shmpool_alloc(one, pages(10));
    char *in_two = shmpool_alloc(two, pages(10));
    memset(in_one, 1, pages(10));
    memset(in_two, 2, pages(10));
    ck_stamp(in_one, pages(10), 1);
    ck_fails(shmpool_free(one, in_two), ENOENT);
    ck_ok(shmpool_free(one, in_one));
    ck_pool_is_whole(one);
    ck_stamp(in_two, pages(10), 2);
    pool_drop(one);
    ck_stamp(in_two, pages(10), 2);
    pool_drop(two);
}
END_TEST

TCase *blocks_case(void)
{
    TCase *tcase = contract_case("blocks");
    tcase_add_loop_test(tcase, a_block_may_take_the_whole_pool, 0, N_BORDERS);
    tcase_add_loop_test(tcase, the_rest_of_a_pool_can_be_taken_too, 0, N_BORDERS);
    tcase_add_test(tcase, a_pool_of_one_page_works);
    tcase_add_test(tcase, every_length_up_to_200_pages_works);
    tcase_add_test(tcase, sizes_are_rounded_up_to_pages);
    tcase_add_test(tcase, impossible_sizes_are_refused);
    tcase_add_test(tcase, alignments_that_are_no_power_of_two_are_refused);
    tcase_add_test(tcase, every_alignment_is_met);
    tcase_add_test(tcase, an_alignment_that_the_pool_cannot_meet_is_ENOSPC);
    tcase_add_test(tcase, what_is_no_block_is_ENOENT);
    tcase_add_test(tcase, the_pages_behind_the_pool_are_no_block);
    tcase_add_test(tcase, a_second_free_is_ENOENT);
    tcase_add_test(tcase, of_tells_the_pool_of_any_address_in_a_block);
    tcase_add_test(tcase, pools_do_not_disturb_each_other);
    return tcase;
}
