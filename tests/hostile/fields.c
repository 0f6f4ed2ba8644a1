/* A pool's header, field by field, as somebody finds it who opens the pool. */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "hostile/opened.h"
#include "hostile/population.h"
#include "hostile/suites.h"
#include "support/leftover.h"
#include "support/sanitized.h"

static struct opened object;

static int refusal;
static const char *sentence;

/* The damaged pool is refused with that errno and sentence, for reading too, and is sound again
 * with the bytes back. */
static void ck_header_refused(void)
{
    for (unsigned flags = 0; flags <= SHMPOOL_RDONLY; flags += SHMPOOL_RDONLY) {
        ck_assert(!opened_try(&object, flags));
        ck_assert_msg(errno == refusal, "errno %d: %s", errno, shmpool_errmsg());
        ck_assert_msg(strstr(shmpool_errmsg(), sentence) != NULL, "\"%s\" is not in: %s", sentence,
                      shmpool_errmsg());
    }
    victim_restore(&object.victim, object.tables);
    ck_assert_int_eq(shmpool_open(object.victim.name, 0), object.victim.id);
    ck_assert_int_eq(shmpool_check(object.victim.id, stderr), 0);
    ck_assert_int_eq(shmpool_release(object.victim.id), 0);
    victim_restore(&object.victim, object.tables);
}

static void ck_value_refused(size_t offset, size_t size, uint64_t value)
{
    const uint32_t half = (uint32_t)value;
    memcpy(object.tables + offset, size == sizeof half ? (const void *)&half : &value, size);
    ck_header_refused();
}

static uint64_t field_of(size_t offset, size_t size)
{
    uint64_t whole;
    uint32_t half;
    if (size == sizeof half) {
        memcpy(&half, object.tables + offset, sizeof half);
        return half;
    }
    memcpy(&whole, object.tables + offset, sizeof whole);
    return whole;
}

#define FIELD(name) offsetof(struct header_shm, name), sizeof(((struct header_shm *)0)->name)

/* A field for which no value but its own is sound. */
static const struct fixed {
    size_t offset;
    size_t size;
    const char *sentence;
} fixed[] = {
    {FIELD(magic), "does not begin as a pool does"},
    {FIELD(version), "layout version"},
    {FIELD(stamp), "layout version"},
    {FIELD(mapping_size), "tables do not lie"},
    {FIELD(domains_offset), "tables do not lie"},
    {FIELD(rows_offset), "tables do not lie"},
    {FIELD(slots_offset), "tables do not lie"},
    {FIELD(words_offset), "tables do not lie"},
    {FIELD(hints_offset), "tables do not lie"},
    {FIELD(tags_offset), "tables do not lie"},
    {FIELD(used_offset), "tables do not lie"},
    {FIELD(pages_offset), "tables do not lie"},
    {FIELD(n_rows), "tables do not lie"},
};

START_TEST(a_fixed_field_has_one_sound_value)
{
    const struct fixed *field = &fixed[_i];
    opened_make(&object, 0);
    const uint64_t own = field_of(field->offset, field->size);
    const uint64_t values[] = {0, 1, own + 1, own - 1, own << 1, ~own, UINT64_MAX, own ^ 0x1000};
    refusal = EUCLEAN;
    sentence = field->sentence;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (field->size == 8 ? values[i] != own : (uint32_t)values[i] != own)
            ck_value_refused(field->offset, field->size, values[i]);
    opened_drop(&object);
}
END_TEST

START_TEST(the_version_that_is_there_is_told)
{
    opened_make(&object, 0);
    refusal = EUCLEAN;
    sentence = "is of layout version 2, and this library knows version 1";
    ck_value_refused(FIELD(version), 2);
    opened_drop(&object);
}
END_TEST

START_TEST(an_impossible_geometry_is_refused)
{
    static const uint64_t page_sizes[] = {0,       1,       4095,    4097, 8191,
                                          1 << 21, 3 << 12, 1 << 11, 2,    UINT64_MAX};
    static const uint64_t counts[] = {0, UINT64_MAX, UINT64_MAX / 4096, UINT64_C(1) << 33,
                                      UINT64_C(1) << 52};
    opened_make(&object, 0);
    refusal = EUCLEAN;
    sentence = "page size or page count";
    for (size_t i = 0; i < sizeof page_sizes / sizeof page_sizes[0]; i++)
        ck_value_refused(FIELD(page_size), page_sizes[i]);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        ck_value_refused(FIELD(max_pages), counts[i]);
    sentence = "tables do not lie";
    ck_value_refused(FIELD(page_size), object.victim.layout.page_size * 2);
    ck_value_refused(FIELD(max_pages), POPULATION_MAX_PAGES + 1);
    ck_value_refused(FIELD(max_pages), POPULATION_MAX_PAGES - 1);
    opened_drop(&object);
}
END_TEST

START_TEST(a_page_count_is_met_by_the_object)
{
    opened_make(&object, 0);
    refusal = EUCLEAN;
    sentence = "page count is out of bounds";
    ck_value_refused(FIELD(limit), 0);
    ck_value_refused(FIELD(limit), POPULATION_MAX_PAGES + 1);
    ck_value_refused(FIELD(limit), UINT64_MAX);
    sentence = "shorter than its page count";
    ck_value_refused(FIELD(limit), POPULATION_PAGES + 1);
    ck_value_refused(FIELD(limit), POPULATION_MAX_PAGES);
    opened_drop(&object);
}
END_TEST

static void lay_out_for(struct header_shm *header, uint64_t page_size)
{
    struct layout other;
    ck_assert_int_eq(layout_compute(&other, page_size, POPULATION_MAX_PAGES / 16), 0);
    layout_write(&other, header);
    atomic_store(&header->limit, 1);
}

START_TEST(a_pool_of_another_page_size_is_refused)
{
    opened_make(&object, 0);
    refusal = EUCLEAN;
    sentence = "another page size";
    lay_out_for((struct header_shm *)(void *)object.tables, object.victim.layout.page_size * 4);
    ck_header_refused();
    opened_drop(&object);
}
END_TEST

START_TEST(an_address_where_nothing_can_be_is_refused)
{
    static const uint64_t impossible[] = {
        0, 1, 4095, 0x200000000001, (UINT64_C(1) << 56) + 4096, UINT64_MAX};
    opened_make(&object, 0);
    refusal = EUCLEAN;
    sentence = "address is impossible";
    for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++)
        ck_value_refused(FIELD(address), impossible[i]);
    ck_value_refused(FIELD(address), UINT64_MAX - object.victim.layout.page_size + 1);
    /* Beyond user space, whatever its size. */
    refusal = ENOMEM;
    sentence = "cannot be mapped";
    if (!SANITIZED) /* the thread sanitizer asks for address 0 instead, which root gets */
        ck_value_refused(FIELD(address), UINT64_C(1) << 56);
    opened_drop(&object);
}
END_TEST

/* The address of something that this process has: it stays, and is named. */
START_TEST(an_address_that_is_occupied_is_told)
{
    char on_stack = 7;
    const uintptr_t pages = ~(uintptr_t)(sysconf(_SC_PAGESIZE) - 1);
    opened_make(&object, 0);
    refusal = EADDRINUSE;
    sentence = "[stack]";
    ck_value_refused(FIELD(address), (uintptr_t)&on_stack & pages);
    sentence = "is occupied in this process";
    ck_value_refused(FIELD(address), (uintptr_t)&object & pages);
    ck_value_refused(FIELD(address), (uintptr_t)opened_path & pages);
    ck_value_refused(FIELD(address), (uintptr_t)object.tables);
    ck_value_refused(FIELD(address), (uintptr_t)object.tables - object.victim.layout.page_size);
    ck_assert_int_eq(on_stack, 7);
    opened_drop(&object);
}
END_TEST

TCase *fields_case(void)
{
    TCase *tcase = tcase_create("fields");
    tcase_add_checked_fixture(tcase, leftover_setup, leftover_teardown);
    tcase_add_loop_test(tcase, a_fixed_field_has_one_sound_value, 0,
                        sizeof fixed / sizeof fixed[0]);
    tcase_add_test(tcase, the_version_that_is_there_is_told);
    tcase_add_test(tcase, an_impossible_geometry_is_refused);
    tcase_add_test(tcase, a_page_count_is_met_by_the_object);
    tcase_add_test(tcase, a_pool_of_another_page_size_is_refused);
    tcase_add_test(tcase, an_address_where_nothing_can_be_is_refused);
    tcase_add_test(tcase, an_address_that_is_occupied_is_told);
    return tcase;
}
