/* The limits that setrlimit(2) sets on a process. None needs a privilege. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "commit/commit.h"
#include "support/leftover.h"
#include "support/random.h"
#include "support/sanitized.h"

enum { ROUNDS = 1800 };

static void set_limit(int resource, size_t value)
{
    const struct rlimit limit = {value, value};
    CHILD_CHECK(setrlimit((__rlimit_resource_t)resource, &limit) == 0);
}

static size_t address_space_used(void)
{
    unsigned long n_pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    CHILD_CHECK(file != NULL && fscanf(file, "%lu", &n_pages) == 1);
    fclose(file);
    return pages(n_pages);
}

static int create_in_little_address_space(void *arg)
{
    const int rounds = *(const int *)arg;
    unsigned n[2] = {0, 0};
    struct random random = random_stream(random_seed(), 10);
    CHILD_CHECK(attempt(page(), 0, NULL) == MADE);
    struct state before = state_now(false);
    set_limit(RLIMIT_AS, address_space_used() + (2 << 20));
    for (int i = 0; i < rounds; i++)
        n[attempt(random_between(&random, 1, 3 << 20), ENOMEM, "RLIMIT_AS")]++;
    CHILD_CHECK(n[MADE] > 0 && n[REFUSED] > 0);
    CHILD_CHECK(attempt(64 << 20, ENOMEM, "67108864 bytes) was asked for") == REFUSED);
    check_same(&before, false);
    return 0;
}

START_TEST(little_address_space_is_an_error)
{
    int rounds = ROUNDS;
    if (SANITIZED)
        not_run("a sanitizer's own needs are beyond any limit of address space");
    else
        ck_child_ok(create_in_little_address_space, &rounds);
}
END_TEST

enum { LARGE = 64 << 20, NOBODY = 65534 };

static bool has_names(void)
{
    return strcmp(getenv("SHMPOOL_BACKEND"), "memfd") != 0;
}

/* Who may lock anything becomes somebody else first. */
static int map_in_little_locked_memory(void *arg)
{
    const struct shmpool_options options = {.name = run_name(arg, "locked")};
    struct rlimit limit;
    CHILD_CHECK(geteuid() != 0 || setresuid(NOBODY, NOBODY, NOBODY) == 0);
    shmpool_id pool = shmpool_create(LARGE, &options);
    CHILD_CHECK(pool > 0 && (!has_names() || shmpool_release(pool) == 0));
    CHILD_CHECK(getrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    set_limit(RLIMIT_MEMLOCK, limit.rlim_max < 1 << 20 ? limit.rlim_max : 1 << 20);
    CHILD_CHECK(mlockall(MCL_FUTURE) == 0);
    CHILD_CHECK(attempt(LARGE, ENOMEM, "RLIMIT_MEMLOCK") == REFUSED);
    if (has_names()) {
        CHILD_CHECK(shmpool_open(options.name, 0) == -1 && errno == ENOMEM);
        CHILD_CHECK(strstr(shmpool_errmsg(), "RLIMIT_MEMLOCK") != NULL);
    }
    CHILD_CHECK(munlockall() == 0 && (!has_names() || shmpool_open(options.name, 0) == pool));
    drop(pool);
    return 0;
}

/* Of a process that locks all it maps. */
START_TEST(little_locked_memory_is_an_error)
{
    char name[RUN_NAME_SIZE];
    if (SANITIZED)
        not_run("a sanitizer's own memory is beyond any limit of locked memory");
    else
        ck_child_ok(map_in_little_locked_memory, name);
}
END_TEST

/* Committed and not, for SIGXFSZ does not wait for the commitment. */
static int create_in_small_files(void *arg)
{
    const int rounds = *(const int *)arg;
    unsigned n[2] = {0, 0};
    struct random random = random_stream(random_seed(), 11);
    CHILD_CHECK(attempt(page(), 0, NULL) == MADE);
    struct state before = state_now(false);
    set_limit(RLIMIT_FSIZE, 1 << 20);
    for (int i = 0; i < rounds; i++) {
        unsigned flags = i % 2 == 0 ? SHMPOOL_COMMIT : 0;
        shmpool_id pool =
            create_or_refuse(random_between(&random, 1, 2 << 20), flags, ENOSPC, "RLIMIT_FSIZE");
        n[pool > 0 ? MADE : REFUSED]++;
        if (pool == 0)
            continue;
        touch_all_of(pool);
        drop(pool);
    }
    CHILD_CHECK(n[MADE] > 0 && n[REFUSED] > 0);
    check_same(&before, false);
    return 0;
}

START_TEST(a_limit_of_file_sizes_is_an_error)
{
    int rounds = ROUNDS;
    ck_child_ok(create_in_small_files, &rounds);
}
END_TEST

/* With 0, 1, 2 ... free descriptors. */
static int create_with_few_descriptors(void *arg)
{
    (void)arg;
    int taken[256];
    int n_taken = 0;
    CHILD_CHECK(attempt(page(), 0, NULL) == MADE);
    set_limit(RLIMIT_NOFILE, 200);
    while (n_taken < 256 && (taken[n_taken] = dup(STDERR_FILENO)) >= 0)
        n_taken++;
    for (int i = 0; i < 500; i++)
        CHILD_CHECK(attempt(page(), EMFILE, "RLIMIT_NOFILE") == REFUSED);
    close(taken[--n_taken]);
    for (int i = 0; i < 500; i++)
        CHILD_CHECK(attempt(page(), EMFILE, "RLIMIT_NOFILE") == REFUSED);
    for (int i = 0; i < 4; i++)
        close(taken[--n_taken]);
    struct state before = state_now(false);
    for (int i = 0; i < 100; i++)
        CHILD_CHECK(attempt(page(), 0, NULL) == MADE);
    check_same(&before, false);
    return 0;
}

START_TEST(few_descriptors_are_an_error)
{
    ck_child_ok(create_with_few_descriptors, NULL);
}
END_TEST

/* Where other constraints cannot be set, this one makes up for them. */
START_TEST(ten_thousand_creations_were_constrained)
{
    int rounds = CREATIONS - (int)tally_creations();
    if (rounds <= 0)
        return;
    if (!SANITIZED)
        ck_child_ok(create_in_little_address_space, &rounds);
    else if (has_descriptors())
        ck_child_ok(create_in_small_files, &rounds);
}
END_TEST

static void constrain(void)
{
    part = PART_LIMITS;
}

TCase *rest_case(void)
{
    TCase *tcase = tcase_create("rest");
    tcase_add_checked_fixture(tcase, constrain, NULL);
    tcase_add_test(tcase, ten_thousand_creations_were_constrained);
    return tcase;
}

TCase *limits_case(void)
{
    TCase *tcase = tcase_create("limits");
    tcase_add_checked_fixture(tcase, constrain, NULL);
    tcase_add_test(tcase, little_address_space_is_an_error);
    tcase_add_test(tcase, little_locked_memory_is_an_error);
    if (has_descriptors()) {
        tcase_add_test(tcase, a_limit_of_file_sizes_is_an_error);
        tcase_add_test(tcase, few_descriptors_are_an_error);
    }
    return tcase;
}
