/* What a pool is when it was just created, and what create refuses. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contract/contract.h"

START_TEST(a_size_is_rounded_up_to_whole_pages)
{
    const struct {
        size_t asked, got;
    } sizes[] = {
        {1, page()},
        {page() - 1, page()},
        {page(), page()},
        {page() + 1, pages(2)},
        {pages(1000) - 1, pages(1000)},
        {pages(100000), pages(100000)},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        shmpool_id pool = shmpool_create(sizes[i].asked, NULL);
        ck_ok(pool);
        ck_assert_uint_eq(stats_of(pool).total, sizes[i].got);
        pool_drop(pool);
    }
}
END_TEST

START_TEST(a_fresh_pool_is_free_in_one_piece)
{
    static const size_t sizes[] = {1, 2, 31, 32, 33, 511, 512, 513, 5000, 1000000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        shmpool_id pool = pool_new(sizes[i]);
        struct shmpool_stats stats = stats_of(pool);
        ck_assert_uint_eq(stats.total, pages(sizes[i]));
        ck_assert_uint_eq(stats.max_size, stats.total);
        ck_assert_uint_eq(stats.page_size, page());
        ck_assert_uint_eq(stats.members, 0);
        ck_assert_uint_gt(stats.metadata, 0);
        for (size_t r = 0; r < sizeof stats.reserved / sizeof stats.reserved[0]; r++)
            ck_assert_uint_eq(stats.reserved[r], 0);
        ck_pool_is_whole(pool);
        pool_drop(pool);
    }
}
END_TEST

START_TEST(the_object_is_the_metadata_and_the_pages)
{
    shmpool_id pool = pool_new(700);
    struct shmpool_stats stats = stats_of(pool);
    size_t needed = stats.metadata + stats.total;
    ck_assert_uint_eq(object_state(pool).size, (needed + unit() - 1) / unit() * unit());
    pool_drop(pool);
}
END_TEST

START_TEST(a_pool_may_have_room_for_growth)
{
    struct shmpool_options options = {.max_size = pages(1000) - 1};
    shmpool_id pool = shmpool_create(pages(10), &options);
    ck_ok(pool);
    struct shmpool_stats stats = stats_of(pool);
    ck_assert_uint_eq(stats.total, pages(10));
    ck_assert_uint_eq(stats.max_size, pages(1000));
    ck_fails_null(shmpool_alloc(pool, pages(11)), ENOSPC);
    void *block = shmpool_alloc(pool, pages(10));
    ck_assert_ptr_nonnull(block);
    ck_ok(shmpool_free(pool, block));
    ck_pool_is_whole(pool);
    pool_drop(pool);
}
END_TEST

START_TEST(generated_names_are_pid_counter_random)
{
    shmpool_id one = pool_named(NULL, 1);
    shmpool_id two = pool_named(NULL, 1);
    const char *names[] = {shmpool_name(one), shmpool_name(two)};
    for (int i = 0; i < 2; i++) {
        int pid = 0;
        unsigned counter = 0;
        char random[64] = "";
        ck_assert_ptr_nonnull(names[i]);
        ck_assert_int_eq(sscanf(names[i], "%d-%u-%63[A-Za-z0-9]", &pid, &counter, random), 3);
        ck_assert_int_eq(pid, getpid());
        ck_assert_uint_ge(strlen(random), 4);
        ck_assert_uint_le(strlen(names[i]), 200);
    }
    ck_assert_str_ne(names[0], names[1]);
    pool_drop(one);
    pool_drop(two);
}
END_TEST

START_TEST(a_taken_name_is_refused_and_stays_what_it_was)
{
    char name[RUN_NAME_SIZE];
    struct shmpool_options options = {.name = run_name(name, "taken")};
    if (!backend()->has_names)
        return;
    shmpool_id first = pool_named(name, 10);
    void *block = shmpool_alloc(first, page());
    ck_fails(shmpool_create(pages(20), &options), EEXIST);
    ck_says(name);
    ck_assert_uint_eq(stats_of(first).total, pages(10));
    ck_assert_int_eq(shmpool_size_at(first, block), (ssize_t)page());
    ck_ok(shmpool_unlink(first));
    shmpool_id second = pool_named(name, 20);
    ck_assert_int_ne(first, second);
    ck_assert_uint_eq(stats_of(first).total, pages(10));
    pool_drop(second);
    ck_ok(shmpool_release(first));
}
END_TEST

START_TEST(the_object_has_the_name_of_the_pool)
{
    char name[RUN_NAME_SIZE];
    char path[256];
    struct stat status;
    if (backend()->prefix == NULL)
        return;
    shmpool_id pool = pool_named(run_name(name, "object"), 3);
    struct proc_object object = pool_object(pool);
    object_path(path, sizeof path, name);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_ino, object.inode);
    ck_assert_uint_eq(status.st_dev, object.device);
    pool_drop(pool);
}
END_TEST

static void ck_mode(mode_t asked, mode_t mask, mode_t expected)
{
    struct shmpool_options options = {.mode = asked};
    mode_t old = umask(mask);
    shmpool_id pool = shmpool_create(page(), &options);
    ck_ok(pool);
    ck_assert_uint_eq(umask(old), mask);
    ck_assert_uint_eq(object_state(pool).mode, expected);
    pool_drop(pool);
}

START_TEST(the_mode_is_exact_under_any_umask)
{
    static const mode_t modes[] = {0600, 0640, 0660, 0644, 0666, 0777};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        ck_mode(modes[i], 0, modes[i]);
        ck_mode(modes[i], 077, modes[i]);
        ck_mode(modes[i], 0777, modes[i]);
    }
    ck_mode(0, 0, 0600);
    ck_mode(0, 077, 0600);
}
END_TEST

static void ck_create_refused(size_t size, struct shmpool_options options, int code)
{
    int n_mappings = proc_count_shared();
    ck_fails(shmpool_create(size, &options), code);
    ck_assert_int_eq(proc_count_shared(), n_mappings);
}

START_TEST(impossible_sizes_are_refused)
{
    ck_create_refused(0, (struct shmpool_options){0}, EINVAL);
    ck_create_refused(SIZE_MAX, (struct shmpool_options){0}, ENOMEM);
    ck_create_refused(SIZE_MAX - page() + 1, (struct shmpool_options){0}, ENOMEM);
    ck_create_refused(SIZE_MAX / 2, (struct shmpool_options){0}, ENOMEM);
    ck_create_refused((size_t)1 << 50, (struct shmpool_options){0}, ENOMEM);
    ck_create_refused(page(), (struct shmpool_options){.max_size = SIZE_MAX}, ENOMEM);
}
END_TEST

START_TEST(a_limit_below_the_size_is_refused)
{
    ck_create_refused(pages(10), (struct shmpool_options){.max_size = pages(9)}, EINVAL);
    ck_create_refused(page(), (struct shmpool_options){.max_size = 1}, EINVAL);
}
END_TEST

START_TEST(flags_that_create_does_not_take_are_refused)
{
    const unsigned taken = SHMPOOL_COMMIT | SHMPOOL_ZERO | SHMPOOL_PRIVATE | SHMPOOL_AUTOTRIM |
                           SHMPOOL_DUMP | SHMPOOL_KEEP;
    for (unsigned bit = 0; bit < 32; bit++) {
        unsigned flag = 1u << bit;
        if ((flag & taken) == 0)
            ck_create_refused(page(), (struct shmpool_options){.flags = flag}, EINVAL);
    }
    ck_create_refused(page(), (struct shmpool_options){.flags = SHMPOOL_COMMIT | SHMPOOL_AUTOTRIM},
                      EINVAL);
}
END_TEST

START_TEST(reserved_fields_must_be_zero)
{
    for (int i = 0; i < 8; i++) {
        struct shmpool_options options = {0};
        options.reserved[i] = 1;
        ck_create_refused(page(), options, EINVAL);
    }
}
END_TEST

START_TEST(a_mode_is_permission_bits)
{
    ck_create_refused(page(), (struct shmpool_options){.mode = 0100600}, EINVAL);
    ck_create_refused(page(), (struct shmpool_options){.mode = (mode_t)-1}, EINVAL);
}
END_TEST

START_TEST(an_unknown_backend_is_refused_and_the_known_ones_are_named)
{
    ck_create_refused(page(), (struct shmpool_options){.backend = "nosuch"}, EINVAL);
    ck_says("nosuch");
    ck_says("posix");
    ck_says("sysv");
    ck_says("memfd");
    ck_create_refused(page(), (struct shmpool_options){.backend = ""}, EINVAL);
    setenv("SHMPOOL_BACKEND", "nosuch", 1);
    ck_create_refused(page(), (struct shmpool_options){0}, EINVAL);
    ck_says("posix");
    ck_says("memfd");
}
END_TEST

START_TEST(the_option_wins_over_the_environment)
{
    const char *named = backend()->name;
    struct shmpool_options options = {.backend = named};
    struct proc_mapping mapping;
    setenv("SHMPOOL_BACKEND", strcmp(named, "posix") == 0 ? "memfd" : "posix", 1);
    shmpool_id pool = shmpool_create(page(), &options);
    ck_ok(pool);
    ck_assert(proc_mapping_at(pool_base(pool), &mapping));
    ck_assert_int_eq(strstr(mapping.path, "memfd:") != NULL, strcmp(named, "memfd") == 0);
    pool_drop(pool);
}
END_TEST

START_TEST(without_a_choice_the_backend_is_posix)
{
    char path[512];
    struct stat status;
    unsetenv("SHMPOOL_BACKEND");
    shmpool_id pool = pool_new(1);
    object_path(path, sizeof path, shmpool_name(pool));
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_ino, pool_object(pool).inode);
    pool_drop(pool);
}
END_TEST

START_TEST(a_committed_pool_has_its_memory)
{
    struct shmpool_options options = {.flags = SHMPOOL_COMMIT};
    shmpool_id pool = shmpool_create(pages(2000), &options);
    ck_ok(pool);
    ck_assert_uint_ge(object_state(pool).allocated, pages(2000));
    ck_pool_is_whole(pool);
    pool_drop(pool);
}
END_TEST

START_TEST(a_pool_that_is_not_committed_takes_no_memory_for_its_pages)
{
    shmpool_id pool = pool_new(100000);
    ck_assert_uint_lt(object_state(pool).allocated, pages(1000) + 4 * (unit() - page()));
    pool_drop(pool);
}
END_TEST

START_TEST(contents_are_kept_out_of_core_dumps_unless_told)
{
    struct shmpool_options options = {.flags = SHMPOOL_DUMP};
    shmpool_id kept_out = pool_new(1);
    shmpool_id dumped = shmpool_create(page(), &options);
    ck_ok(dumped);
    void *secret = shmpool_alloc(kept_out, 1);
    void *shown = shmpool_alloc(dumped, 1);
    ck_assert(unit() > page() || proc_mapping_has_flag(secret, " dd"));
    ck_assert(!proc_mapping_has_flag(shown, " dd"));
    pool_drop(kept_out);
    pool_drop(dumped);
}
END_TEST

START_TEST(many_pools_can_be_open_at_once)
{
    enum { MANY = 200 };
    shmpool_id pool[MANY];
    void *block[MANY];
    for (int i = 0; i < MANY; i++) {
        pool[i] = pool_new(2);
        block[i] = shmpool_alloc(pool[i], pages(2));
        ck_assert_ptr_nonnull(block[i]);
        *(int *)block[i] = i;
    }
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(*(int *)block[i], i);
        ck_assert_int_eq(shmpool_of(block[i]), pool[i]);
        pool_drop(pool[i]);
    }
}
END_TEST

static int take_descriptor(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* How many descriptors can still be had. */
static int free_descriptors(void)
{
    int taken[256];
    int n = 0;
    while (n < 256 && (taken[n] = take_descriptor()) >= 0)
        n++;
    for (int i = 0; i < n; i++)
        close(taken[i]);
    return n;
}

/* With 0, 1, 2 … free descriptors, until it works. */
static int create_without_descriptors(void *arg)
{
    (void)arg;
    const struct rlimit limit = {256, 256};
    int last = -1;
    shmpool_id pool = -1;
    CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    for (int fd = take_descriptor(); fd >= 0; fd = take_descriptor())
        last = fd;
    for (int n_free = 0; pool < 0; n_free++, close(last--)) {
        CHILD_CHECK(n_free < 8 && free_descriptors() == n_free);
        pool = shmpool_create(page(), NULL);
        CHILD_CHECK(pool > 0 || (errno == EMFILE && free_descriptors() == n_free));
        CHILD_CHECK(n_free > 0 || pool < 0 || !backend()->has_descriptors);
    }
    CHILD_CHECK(shmpool_alloc(pool, 1) != NULL);
    return shmpool_unlink(pool);
}

START_TEST(without_descriptors_create_fails_and_leaves_nothing)
{
    ck_child_ok(create_without_descriptors, NULL);
}
END_TEST

TCase *creation_case(void)
{
    TCase *tcase = contract_case("creation");
    tcase_add_test(tcase, a_size_is_rounded_up_to_whole_pages);
    tcase_add_test(tcase, a_fresh_pool_is_free_in_one_piece);
    tcase_add_test(tcase, the_object_is_the_metadata_and_the_pages);
    tcase_add_test(tcase, a_pool_may_have_room_for_growth);
    tcase_add_test(tcase, generated_names_are_pid_counter_random);
    tcase_add_test(tcase, a_taken_name_is_refused_and_stays_what_it_was);
    tcase_add_test(tcase, the_object_has_the_name_of_the_pool);
    tcase_add_test(tcase, the_mode_is_exact_under_any_umask);
    tcase_add_test(tcase, impossible_sizes_are_refused);
    tcase_add_test(tcase, a_limit_below_the_size_is_refused);
    tcase_add_test(tcase, flags_that_create_does_not_take_are_refused);
    tcase_add_test(tcase, reserved_fields_must_be_zero);
    tcase_add_test(tcase, a_mode_is_permission_bits);
    tcase_add_test(tcase, an_unknown_backend_is_refused_and_the_known_ones_are_named);
    tcase_add_test(tcase, the_option_wins_over_the_environment);
    tcase_add_test(tcase, without_a_choice_the_backend_is_posix);
    tcase_add_test(tcase, a_committed_pool_has_its_memory);
    tcase_add_test(tcase, a_pool_that_is_not_committed_takes_no_memory_for_its_pages);
    tcase_add_test(tcase, contents_are_kept_out_of_core_dumps_unless_told);
    tcase_add_test(tcase, many_pools_can_be_open_at_once);
    tcase_add_test(tcase, without_descriptors_create_fails_and_leaves_nothing);
    return tcase;
}
