/* What the library makes of functions that fail, and of such as break their promises: an error with
 * a sentence, and nothing left. */
#include <errno.h>
#include <shmpool/inspect.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "own/own.h"
#include "own/ram.h"
#include "support/child.h"
#include "support/leftover.h"
#include "support/proc.h"
#include "support/sanitized.h"

static struct shmpool_options options;
static char name[RUN_NAME_SIZE], prefixed[RUN_NAME_SIZE + 8];
static int n_shared;

/* The family, and what it keeps mapped, begins before anything is counted. */
static void begin(void)
{
    shmpool_open("posix:nosuch", 0);
    ck_ok(shmpool_backend_register(&ram));
    options = (struct shmpool_options){.name = run_name(name, "fault"), .backend = "ram"};
    snprintf(prefixed, sizeof prefixed, "ram:%s", name);
    n_shared = proc_count_shared();
    leftover_setup();
}

static void end(void)
{
    ck_assert_int_eq(proc_count_shared(), n_shared);
    leftover_teardown();
}

static shmpool_id made(void)
{
    shmpool_id pool = shmpool_create(1, &options);
    ck_ok(pool);
    return pool;
}

static void drop(shmpool_id pool)
{
    ck_ok(shmpool_unlink(pool));
    ck_ok(shmpool_release(pool));
}

/* What comes out of a function that fails with such an errno. */
static const struct {
    int in, out;
    const char *says;
} codes[] = {
    {0, EIO, "does not say why"},
    {EINTR, EIO, "signal"},
    {EDQUOT, EDQUOT, "quota"},
    {EACCES, EACCES, "denied"},
};

enum { N_CODES = sizeof codes / sizeof codes[0] };

static void ck_create_fails(enum ram_verb verb, int i)
{
    ram_fail(verb, codes[i].in);
    ck_fails(shmpool_create(1, &options), codes[i].out);
    ck_says("backend ram");
    ck_says(codes[i].says);
    ck_assert_int_eq(proc_count_shared(), n_shared);
    ram_lie(RAM_HONEST);
    drop(made());
}

START_TEST(a_create_that_fails_says_what_failed)
{
    options.flags = SHMPOOL_COMMIT;
    ck_create_fails(RAM_CREATE, _i);
    ck_says(name);
    ck_create_fails(RAM_DESCRIBE, _i);
    ck_create_fails(RAM_MAP, _i);
    ck_create_fails(RAM_COMMIT, _i);
    ck_says("the test's memory");
    ck_create_fails(RAM_PUBLISH, _i);
    ck_says(name);
}
END_TEST

START_TEST(a_name_that_is_taken_has_its_remedy)
{
    shmpool_id pool = made();
    ck_fails(shmpool_create(1, &options), EEXIST);
    ck_says(name);
    ck_says("choose another name");
    drop(pool);
}
END_TEST

START_TEST(a_lack_of_memory_has_its_figures)
{
    options.flags = SHMPOOL_COMMIT;
    ram_fail(RAM_COMMIT, ENOSPC);
    ck_fails(shmpool_create(1 << 20, &options), ENOSPC);
    ck_says("the test's memory has no room for");
    ck_says("ask for less");
}
END_TEST

START_TEST(an_open_that_fails_says_what_failed)
{
    static const enum ram_verb verbs[] = {RAM_OPEN, RAM_DESCRIBE, RAM_MAP};
    shmpool_id pool = made();
    ck_ok(shmpool_release(pool));
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        ram_fail(verbs[i], codes[_i].in);
        ck_fails(shmpool_open(prefixed, 0), codes[_i].out);
        ck_says("backend ram");
        ck_says(codes[_i].says);
    }
    ram_fail(RAM_UNLINK, codes[_i].in);
    ck_fails(shmpool_unlink_name(prefixed), codes[_i].out);
    ck_says(codes[_i].says);
    ram_lie(RAM_HONEST);
    drop(shmpool_open(prefixed, 0));
    ck_fails(shmpool_open(prefixed, 0), ENOENT);
    ck_says(name);
}
END_TEST

static int count_own(const struct shmpool_listed *listed, void *n)
{
    *(int *)n += listed->name != NULL && strcmp(listed->name, name) == 0 &&
                 strcmp(listed->backend, "ram") == 0 && strcmp(listed->handle, prefixed) == 0;
    return 0;
}

START_TEST(a_list_that_fails_says_what_failed)
{
    int n = 0;
    shmpool_id pool = made();
    ram_fail(RAM_LIST, codes[_i].in);
    ck_fails(shmpool_list(count_own, &n), codes[_i].out);
    ck_says("backend ram cannot list");
    ck_says(codes[_i].says);
    n = 0;
    ram_lie(RAM_HONEST);
    ck_ok(shmpool_list(count_own, &n));
    ck_assert_int_eq(n, 1);
    drop(pool);
}
END_TEST

START_TEST(growth_and_trim_that_fail_say_what_failed)
{
    options.max_size = 1 << 20;
    shmpool_id pool = made();
    ram_fail(RAM_RESIZE, codes[_i].in);
    ck_fails(shmpool_grow(pool, 1 << 20), codes[_i].out);
    ck_says("backend ram");
    ck_says(codes[_i].says);
    ram_lie(RAM_HONEST);
    ck_ok(shmpool_grow(pool, 1 << 20));
    void *block = shmpool_alloc(pool, 1 << 20);
    ck_assert_ptr_nonnull(block);
    memset(block, 1, 1 << 20);
    ck_ok(shmpool_free(pool, block));
    ram_fail(RAM_DISCARD, codes[_i].in);
    ck_fails((int)shmpool_trim(pool), codes[_i].out);
    ck_says("backend ram");
    ck_says(codes[_i].says);
    ram_lie(RAM_HONEST);
    ck_assert_int_gt((int)shmpool_trim(pool), 0);
    drop(pool);
}
END_TEST

START_TEST(what_a_function_leaves_in_errno_after_success_does_not_come_out)
{
    shmpool_id pool = made();
    errno = 0;
    ck_ok(shmpool_release(pool));
    ck_assert_int_eq(errno, 0);
    ck_ok(shmpool_unlink_name(prefixed));
}
END_TEST

static const struct {
    enum ram_lie lie;
    const char *says;
} lies[] = {
    {RAM_ELSEWHERE, "when it is told"},
    {RAM_NAMELESS, "neither device nor inode"},
    {RAM_SHORT, "were asked for"},
    {RAM_ENORMOUS, "18446744073709551615 bytes"},
    {RAM_SILENT, "0 bytes"},
};

START_TEST(a_broken_promise_is_ENOTSUP)
{
    ram_lie(lies[_i].lie);
    ck_fails(shmpool_create(1 << 20, &options), ENOTSUP);
    ck_says("backend ram");
    ck_says(lies[_i].says);
    ram_lie(RAM_HONEST);
    drop(made());
}
END_TEST

START_TEST(a_broken_promise_at_open_is_an_error)
{
    static const struct {
        enum ram_lie lie;
        int code;
    } at_open[] = {{RAM_ELSEWHERE, ENOTSUP},
                   {RAM_NAMELESS, ENOTSUP},
                   {RAM_ENORMOUS, ENOTSUP},
                   {RAM_SILENT, EUCLEAN}};
    shmpool_id pool = made();
    ck_ok(shmpool_release(pool));
    for (size_t i = 0; i < sizeof at_open / sizeof at_open[0]; i++) {
        ram_lie(at_open[i].lie);
        ck_fails(shmpool_open(prefixed, 0), at_open[i].code);
    }
    ram_lie(RAM_HONEST);
    ck_ok(shmpool_unlink_name(prefixed));
}
END_TEST

START_TEST(a_map_that_returns_what_mmap_does_has_failed)
{
    ram_lie(RAM_MAP_FAILED);
    ram_fail(RAM_MAP, ENODEV);
    ck_fails(shmpool_create(1, &options), ENODEV);
    ck_says("backend ram cannot map");
}
END_TEST

static int maps_in_little_address_space(void *unused)
{
    (void)unused;
    const struct rlimit limit = {(rlim_t)1 << 40, (rlim_t)1 << 40};
    CHILD_CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    ram_fail(RAM_MAP, ENOMEM);
    CHILD_CHECK(shmpool_create(1, &options) == -1 && errno == ENOMEM);
    CHILD_CHECK(strstr(shmpool_errmsg(), "RLIMIT_AS allows this process 1.0 TiB") != NULL);
    return 0;
}

START_TEST(a_map_that_a_limit_forbids_names_it)
{
    ram_fail(RAM_MAP, EAGAIN);
    ck_fails(shmpool_create(1, &options), ENOMEM);
    ck_says("RLIMIT_MEMLOCK");
    if (!SANITIZED)
        ck_child_ok(maps_in_little_address_space, NULL);
}
END_TEST

static int leaves_a_trace(void *arg)
{
    *(int *)arg = 1;
    return 0;
}

static void ck_worker_does_not_run(shmpool_id pool, enum ram_verb verb)
{
    const struct shmpool_grant grant = {pool, SHMPOOL_RDONLY};
    const struct shmpool_start_options start = {.inherit = &grant, .n_inherit = 1};
    int status = 0, trace = 0;
    ram_fail(verb, 0);
    shmpool_worker worker = shmpool_start(leaves_a_trace, &trace, &start);
    ram_lie(RAM_HONEST);
    if (worker > 0) {
        ck_ok(shmpool_join(worker, &status, -1));
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) != 0);
    }
    ck_assert_int_eq(trace, 0);
}

START_TEST(a_worker_whose_grant_cannot_be_met_does_not_run)
{
    shmpool_id pool = made();
    ck_worker_does_not_run(pool, RAM_DESCRIBE);
    ck_worker_does_not_run(pool, RAM_REPLACE);
    ck_worker_does_not_run(pool, RAM_RESTRICT);
    drop(pool);
}
END_TEST

static int reads_and_cannot_write(void *arg)
{
    const struct proc_mapping *mapping = arg;
    struct proc_mapping here;
    CHILD_CHECK(proc_mapping_at((const void *)mapping->start, &here));
    CHILD_CHECK(strcmp(here.permissions, "r--s") == 0);
    CHILD_CHECK(proc_descriptors_of(here.object, NULL, 0) == 2); /* one is ram's for the name */
    return 0;
}

START_TEST(a_worker_reads_a_pool_that_it_may_read)
{
    shmpool_id pool = made();
    const struct shmpool_grant grant = {pool, SHMPOOL_RDONLY};
    const struct shmpool_start_options start = {.inherit = &grant, .n_inherit = 1};
    struct proc_mapping mapping;
    int status = -1;
    ck_assert(proc_mapping_at(shmpool_alloc(pool, 1), &mapping));
    shmpool_worker worker = shmpool_start(reads_and_cannot_write, &mapping, &start);
    ck_ok(worker);
    ck_ok(shmpool_join(worker, &status, -1));
    ck_status_ok(status);
    drop(pool);
}
END_TEST

TCase *faults_case(void)
{
    TCase *tcase = tcase_create("faults");
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_loop_test(tcase, a_create_that_fails_says_what_failed, 0, N_CODES);
    tcase_add_test(tcase, a_name_that_is_taken_has_its_remedy);
    tcase_add_test(tcase, a_lack_of_memory_has_its_figures);
    tcase_add_loop_test(tcase, an_open_that_fails_says_what_failed, 0, N_CODES);
    tcase_add_loop_test(tcase, a_list_that_fails_says_what_failed, 0, N_CODES);
    tcase_add_loop_test(tcase, growth_and_trim_that_fail_say_what_failed, 0, N_CODES);
    tcase_add_test(tcase, what_a_function_leaves_in_errno_after_success_does_not_come_out);
    tcase_add_loop_test(tcase, a_broken_promise_is_ENOTSUP, 0, sizeof lies / sizeof lies[0]);
    tcase_add_test(tcase, a_broken_promise_at_open_is_an_error);
    tcase_add_test(tcase, a_map_that_returns_what_mmap_does_has_failed);
    tcase_add_test(tcase, a_map_that_a_limit_forbids_names_it);
    tcase_add_test(tcase, a_worker_whose_grant_cannot_be_met_does_not_run);
    tcase_add_test(tcase, a_worker_reads_a_pool_that_it_may_read);
    return tcase;
}
