/* Where the tables lie, and headers that somebody damaged. */
#include <stddef.h>
#include <string.h>

#include "core/bench.h"
#include "core/core.h"
#include "core/layout.h"

static const uint64_t page_sizes[] = {4096, 16384, 65536, 1 << 20};
static const uint64_t page_counts[] = {1, 31, 32, 33, 511, 512, 513, 70000, 10000000};

enum {
    N_SIZES = sizeof page_sizes / sizeof page_sizes[0],
    N_COUNTS = sizeof page_counts / sizeof page_counts[0]
};

START_TEST(tables_follow_each_other_page_aligned_and_large_enough)
{
    for (int i = 0; i < N_SIZES * N_COUNTS; i++) {
        struct layout layout;
        uint64_t size = page_sizes[i / N_COUNTS];
        uint64_t n = page_counts[i % N_COUNTS];
        ck_quiet(layout_compute(&layout, size, n) == 0);
        const uint64_t offsets[] = {LAYOUT_HEADER_SIZE,
                                    layout.domains_offset + LAYOUT_DOMAINS * 8,
                                    layout.rows_offset + (layout.n_rows + 1) * 64,
                                    layout.slots_offset + LAYOUT_SLOTS * 128,
                                    layout.words_offset + layout.n_words * 8,
                                    layout.hints_offset + hints_size(layout.n_groups),
                                    layout.tags_offset + n * 4,
                                    layout.used_offset + layout.n_words * 4,
                                    layout.pages_offset + n * size};
        const uint64_t nexts[] = {layout.domains_offset, layout.rows_offset,  layout.slots_offset,
                                  layout.words_offset,   layout.hints_offset, layout.tags_offset,
                                  layout.used_offset,    layout.pages_offset, layout.mapping_size};
        for (int k = 0; k < 9; k++) {
            ck_quiet(nexts[k] >= offsets[k] && nexts[k] - offsets[k] < size);
            ck_quiet(nexts[k] % size == 0);
        }
        ck_quiet(layout.n_words * 32 >= n && layout.n_groups * 16 == layout.n_words);
        ck_quiet(layout.n_rows <= LAYOUT_ROWS_LIMIT);
        ck_quiet(layout_object_size(&layout, n) == layout.mapping_size);
    }
}
END_TEST

START_TEST(impossible_sizes_are_refused)
{
    struct layout layout;
    static const uint64_t sizes[] = {0, 1, 2048, 4095, 4097, 12288, 1 << 21, UINT64_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        ck_assert_int_eq(layout_compute(&layout, sizes[i], 1), -1);
    ck_assert_int_eq(layout_compute(&layout, 4096, 0), -1);
    ck_assert_int_eq(layout_compute(&layout, 4096, UINT64_MAX), -1);
    ck_assert_int_eq(layout_compute(&layout, 4096, LAYOUT_MOST_BYTES / 4096), -1);
    ck_assert_int_eq(layout_compute(&layout, 4096, LAYOUT_MOST_BYTES / 4096 - (1 << 25)), 0);
    ck_assert_uint_le(layout.mapping_size, LAYOUT_MOST_BYTES);
}
END_TEST

static struct header_shm sound;
static uint64_t sound_size;

static void make_header(void)
{
    struct layout layout;
    memset((void *)&sound, 0, sizeof sound);
    ck_assert_int_eq(layout_compute(&layout, 4096, 1000), 0);
    layout_write(&layout, &sound);
    atomic_store(&sound.magic, LAYOUT_MAGIC);
    atomic_store(&sound.limit, 600);
    sound.address = UINT64_C(0x500000000000);
    sound_size = layout_object_size(&layout, 600);
}

static const char *read_with(size_t offset, size_t size, uint64_t value)
{
    struct layout layout;
    struct header_shm header;
    memcpy((void *)&header, (const void *)&sound, sizeof header);
    memcpy((char *)&header + offset, &value, size);
    return layout_read(&layout, &header, sound_size);
}

START_TEST(a_sound_header_is_read_as_it_was_written)
{
    struct layout written;
    struct layout layout;
    memset(&written, 0, sizeof written);
    memset(&layout, 0, sizeof layout);
    ck_assert_int_eq(layout_compute(&written, 4096, 1000), 0);
    ck_assert_ptr_null(layout_read(&layout, &sound, sound_size));
    ck_assert_mem_eq(&layout, &written, sizeof layout);
}
END_TEST

#define FIELD(name)                                                                                \
    {                                                                                              \
#name, offsetof(struct header_shm, name), sizeof sound.name                                \
    }

static const struct {
    const char *name;
    size_t offset;
    size_t size;
} fields[] = {FIELD(magic),        FIELD(version),      FIELD(stamp),          FIELD(page_size),
              FIELD(max_pages),    FIELD(mapping_size), FIELD(domains_offset), FIELD(rows_offset),
              FIELD(slots_offset), FIELD(words_offset), FIELD(hints_offset),   FIELD(tags_offset),
              FIELD(pages_offset), FIELD(n_rows)};

START_TEST(no_bit_of_the_geometry_can_be_damaged_unseen)
{
    for (unsigned bit = 0; bit < 8 * fields[_i].size; bit++) {
        uint64_t value = 0;
        memcpy(&value, (const char *)&sound + fields[_i].offset, fields[_i].size);
        moment = (struct moment){fields[_i].name, bit, 0, 0};
        ck_quiet(read_with(fields[_i].offset, fields[_i].size, value ^ UINT64_C(1) << bit) != NULL);
    }
}
END_TEST

START_TEST(limits_and_addresses_out_of_bounds_are_refused)
{
    struct layout layout;
    size_t limit = offsetof(struct header_shm, limit);
    size_t address = offsetof(struct header_shm, address);
    ck_assert_ptr_nonnull(read_with(limit, 8, 0));
    ck_assert_ptr_nonnull(read_with(limit, 8, 601));
    ck_assert_ptr_nonnull(read_with(limit, 8, 1001));
    ck_assert_ptr_nonnull(read_with(limit, 8, UINT64_MAX));
    ck_assert_ptr_null(read_with(limit, 8, 1));
    ck_assert_ptr_nonnull(read_with(address, 8, 0));
    ck_assert_ptr_nonnull(read_with(address, 8, 4097));
    ck_assert_ptr_nonnull(read_with(address, 8, UINT64_MAX - 4095));
    ck_assert_ptr_nonnull(layout_read(&layout, &sound, sound_size - 1));
    ck_assert_ptr_nonnull(layout_read(&layout, &sound, 0));
    ck_assert_ptr_null(layout_read(&layout, &sound, sound_size + 1));
}
END_TEST

TCase *layouts_case(void)
{
    TCase *tcase = tcase_create("layouts");
    tcase_add_checked_fixture(tcase, make_header, NULL);
    tcase_add_test(tcase, tables_follow_each_other_page_aligned_and_large_enough);
    tcase_add_test(tcase, impossible_sizes_are_refused);
    tcase_add_test(tcase, a_sound_header_is_read_as_it_was_written);
    tcase_add_loop_test(tcase, no_bit_of_the_geometry_can_be_damaged_unseen, 0,
                        (int)(sizeof fields / sizeof fields[0]));
    tcase_add_test(tcase, limits_and_addresses_out_of_bounds_are_refused);
    return tcase;
}
