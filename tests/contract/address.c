/* Every pool has one address, and nothing that is mapped there is ever replaced. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "contract/contract.h"
#include "support/sanitized.h"

enum { OCCUPANT_BYTE = 0x5a };

/* Maps a page of this program's own file there, and one byte after it that is ours alone. */
static void *occupy(void *address)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    unsigned char *there =
        mmap(address, page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd, 0);
    ck_assert_ptr_eq(there, address);
    close(fd);
    memset(there, OCCUPANT_BYTE, page());
    return there;
}

static void ck_occupant_is_unharmed(const void *address)
{
    const unsigned char *bytes = address;
    for (size_t i = 0; i < page(); i++)
        ck_quiet(bytes[i] == OCCUPANT_BYTE);
}

/* The file name by which maps shows the occupant. */
static const char *occupant_name(void)
{
    static char path[512];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    ck_assert_int_gt(length, 0);
    path[length] = '\0';
    return strrchr(path, '/') + 1;
}

START_TEST(a_wanted_address_is_honoured)
{
    void *wanted = proc_free_range(pages(1000));
    struct shmpool_options options = {.address = wanted};
    shmpool_id pool = shmpool_create(pages(10), &options);
    ck_ok(pool);
    ck_assert_ptr_eq(pool_base(pool), wanted);
    char *block = shmpool_alloc(pool, pages(10));
    ck_assert_uint_gt((uintptr_t)block, (uintptr_t)wanted);
    memset(block, 1, pages(10));
    pool_drop(pool);
}
END_TEST

START_TEST(a_wanted_address_need_only_be_page_aligned)
{
    char *wanted = (char *)proc_free_range(pages(1000) + unit()) + unit();
    struct shmpool_options options = {.address = wanted};
    shmpool_id pool = shmpool_create(pages(10), &options);
    ck_ok(pool);
    ck_assert_ptr_eq(pool_base(pool), wanted);
    pool_drop(pool);
    options.address = wanted + 1;
    ck_fails(shmpool_create(pages(10), &options), EINVAL);
}
END_TEST

START_TEST(an_occupied_address_is_refused_and_its_occupant_named)
{
    void *wanted = proc_free_range(pages(1000));
    struct shmpool_options options = {.address = wanted};
    occupy(wanted);
    ck_fails(shmpool_create(pages(10), &options), EADDRINUSE);
    ck_says(occupant_name());
    ck_occupant_is_unharmed(wanted);
    munmap(wanted, page());
    shmpool_id pool = shmpool_create(pages(10), &options);
    ck_ok(pool);
    pool_drop(pool);
}
END_TEST

START_TEST(the_whole_range_up_to_max_size_must_be_free)
{
    char *wanted = proc_free_range(pages(5000));
    struct shmpool_options options = {.address = wanted, .max_size = pages(3000)};
    void *occupant = occupy(wanted + pages(2000));
    ck_fails(shmpool_create(pages(10), &options), EADDRINUSE);
    ck_says(occupant_name());
    ck_occupant_is_unharmed(occupant);
    ck_assert(!proc_mapping_at(wanted, &(struct proc_mapping){0}));
    munmap(occupant, page());
}
END_TEST

START_TEST(another_pool_counts_as_an_occupant)
{
    shmpool_id first = pool_new(10);
    int *block = shmpool_alloc(first, page());
    *block = 77;
    struct shmpool_options options = {.address = pool_base(first)};
    ck_fails(shmpool_create(pages(10), &options), EADDRINUSE);
    ck_assert_int_eq(*block, 77);
    pool_drop(first);
}
END_TEST

START_TEST(addresses_outside_of_user_space_are_refused)
{
    struct shmpool_options options = {.address = (void *)(UINTPTR_MAX - page() + 1)};
    ck_fails(shmpool_create(page(), &options), ENOMEM);
    ck_says("NULL leaves the place to the library");
    options.address = (void *)((uintptr_t)1 << 56);
    ck_fails(shmpool_create(page(), &options), ENOMEM);
    ck_says("it was to lie at 0x100000000000000");
}
END_TEST

START_TEST(pools_lie_in_the_zone_where_nothing_else_lands)
{
    for (int i = 0; i < 50; i++) {
        shmpool_id pool = pool_new(1);
        uintptr_t base = (uintptr_t)pool_base(pool);
        ck_assert_uint_ge(base, 0x200000000000u);
        ck_assert_uint_eq(base % ((size_t)2 << 20), 0);
        pool_drop(pool);
    }
}
END_TEST

/* Opening puts the pool where it was made, or nowhere. */
START_TEST(open_never_maps_over_anything)
{
    char name[RUN_NAME_SIZE];
    if (!backend()->has_names)
        return;
    shmpool_id pool = pool_named(run_name(name, "over"), 10);
    void *base = pool_base(pool);
    ck_ok(shmpool_release(pool));
    occupy(base);
    ck_fails(shmpool_open(name, 0), EADDRINUSE);
    ck_says(occupant_name());
    ck_fails(shmpool_open(name, SHMPOOL_RDONLY), EADDRINUSE);
    ck_occupant_is_unharmed(base);
    munmap(base, page());
    ck_assert_int_eq(shmpool_open(name, 0), pool);
    ck_assert_ptr_eq(pool_base(pool), base);
    pool_drop(pool);
}
END_TEST

START_TEST(open_looks_at_the_whole_range)
{
    char name[RUN_NAME_SIZE];
    struct shmpool_options options = {.name = run_name(name, "range"), .max_size = pages(3000)};
    if (!backend()->has_names)
        return;
    shmpool_id pool = shmpool_create(pages(10), &options);
    ck_ok(pool);
    char *base = pool_base(pool);
    ck_ok(shmpool_release(pool));
    void *occupant = occupy(base + pages(2000));
    ck_fails(shmpool_open(name, 0), EADDRINUSE);
    ck_occupant_is_unharmed(occupant);
    munmap(occupant, page());
    ck_ok(shmpool_unlink_name(name));
}
END_TEST

static int maps_anonymous_memory_behind_a_pool(void *arg)
{
    char *end = arg;
    char *there =
        mmap(end, page(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    return there == end ? 0 : 1;
}

START_TEST(the_range_of_growth_is_kept_free_in_workers_too)
{
    struct shmpool_options options = {.max_size = pages(3000)};
    shmpool_id pool = shmpool_create(pages(10), &options);
    ck_ok(pool);
    char *inside = (char *)pool_base(pool) + pages(2000);
    ck_assert_int_ne(maps_anonymous_memory_behind_a_pool(inside), 0);
    ck_assert(!child_ok(worker_run(maps_anonymous_memory_behind_a_pool, inside, NULL)));
    pool_drop(pool);
}
END_TEST

TCase *address_case(void)
{
    TCase *tcase = contract_case("address");
    tcase_add_test(tcase, a_wanted_address_is_honoured);
    tcase_add_test(tcase, a_wanted_address_need_only_be_page_aligned);
    tcase_add_test(tcase, an_occupied_address_is_refused_and_its_occupant_named);
    tcase_add_test(tcase, the_whole_range_up_to_max_size_must_be_free);
    tcase_add_test(tcase, another_pool_counts_as_an_occupant);
    if (!SANITIZED) /* the thread sanitizer's mmap ends the process */
        tcase_add_test(tcase, addresses_outside_of_user_space_are_refused);
    tcase_add_test(tcase, pools_lie_in_the_zone_where_nothing_else_lands);
    tcase_add_test(tcase, open_never_maps_over_anything);
    tcase_add_test(tcase, open_looks_at_the_whole_range);
    tcase_add_test(tcase, the_range_of_growth_is_kept_free_in_workers_too);
    return tcase;
}
