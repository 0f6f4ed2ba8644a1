/* Registration: which tables are taken, and who can choose them then. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "own/own.h"
#include "own/ram.h"
#include "support/child.h"
#include "support/leftover.h"

/* One change to a good table, and what the refusal says. */
struct fault {
    void (*make)(struct shmpool_backend *table);
    int code;
    const char *says;
};

#define CHANGE(name, statement)                                                                    \
    static void name(struct shmpool_backend *table)                                                \
    {                                                                                              \
        statement;                                                                                 \
    }

CHANGE(version, table->version = 7)
CHANGE(no_version, table->version = 0)
CHANGE(no_name, table->name = NULL)
CHANGE(empty_name, table->name = "")
CHANGE(dot_name, table->name = "..")
CHANGE(colon_name, table->name = "a:b")
CHANGE(space_name, table->name = "a b")
CHANGE(long_name, table->name = "a2345678901234567890123456789012")
CHANGE(no_place, table->place = NULL)
CHANGE(empty_place, table->place = "")
CHANGE(unknown, table->capabilities |= 64)
CHANGE(persistent, table->capabilities = SHMPOOL_BACKEND_PERSISTENT)
CHANGE(reserved, table->reserved[3] = 1)
CHANGE(no_create, table->create = NULL)
CHANGE(no_open, table->open = NULL)
CHANGE(no_unlink, table->unlink = NULL)
CHANGE(no_map, table->map = NULL)
CHANGE(no_unmap, table->unmap = NULL)
CHANGE(no_commit, table->commit = NULL)
CHANGE(no_describe, table->describe = NULL)
CHANGE(no_restrict, table->restrict_access = NULL)
CHANGE(no_close, table->close = NULL)
CHANGE(nameless, table->capabilities = SHMPOOL_BACKEND_COMMIT)
CHANGE(uncommitted, table->capabilities = SHMPOOL_BACKEND_NAMES)
CHANGE(as_posix, table->name = "posix")
CHANGE(as_memfd, table->name = "memfd")

static const struct fault faults[] = {
    {version, ENOTSUP, "version is 7"},
    {no_version, ENOTSUP, "version is 0"},
    {no_name, EINVAL, "name is NULL"},
    {empty_name, EINVAL, "name is \"\""},
    {dot_name, EINVAL, "name is \"..\""},
    {colon_name, EINVAL, "a:b"},
    {space_name, EINVAL, "a b"},
    {long_name, EINVAL, "more than 31 bytes"},
    {no_place, EINVAL, "place is NULL"},
    {empty_place, EINVAL, "place is empty"},
    {unknown, EINVAL, "0x40"},
    {persistent, EINVAL, "SHMPOOL_BACKEND_PERSISTENT"},
    {reserved, EINVAL, "reserved[3]"},
    {no_create, EINVAL, "create is NULL"},
    {no_open, EINVAL, "open is NULL"},
    {no_unlink, EINVAL, "unlink is NULL"},
    {no_map, EINVAL, "map is NULL"},
    {no_unmap, EINVAL, "unmap is NULL"},
    {no_commit, EINVAL, "commit is NULL"},
    {no_describe, EINVAL, "describe is NULL"},
    {no_restrict, EINVAL, "restrict_access is NULL"},
    {no_close, EINVAL, "close is NULL"},
    {nameless, EINVAL, "capabilities lack SHMPOOL_BACKEND_NAMES"},
    {uncommitted, EINVAL, "commit is set"},
    {as_posix, EEXIST, "posix"},
    {as_memfd, EEXIST, "memfd"},
};

enum { N_FAULTS = sizeof faults / sizeof faults[0] };

/* Good but for its name. */
static struct shmpool_backend table_of(const char *name)
{
    struct shmpool_backend table = ram;
    table.name = name;
    return table;
}

START_TEST(a_faulty_table_is_refused_by_its_member)
{
    struct shmpool_backend table = ram;
    struct shmpool_options options = {.backend = "ram"};
    faults[_i].make(&table);
    ck_fails(shmpool_backend_register(&table), faults[_i].code);
    ck_says(faults[_i].says);
    ck_fails(shmpool_create(1, &options), EINVAL);
}
END_TEST

START_TEST(no_table_is_refused)
{
    ck_fails(shmpool_backend_register(NULL), EINVAL);
    ck_says("NULL");
}
END_TEST

START_TEST(the_optional_publish_and_list_may_be_absent)
{
    struct shmpool_backend table = ram;
    table.publish = NULL;
    table.list = NULL;
    ck_ok(shmpool_backend_register(&table));
}
END_TEST

START_TEST(the_same_table_again_is_success_and_another_is_not)
{
    struct shmpool_backend other = ram;
    ck_ok(shmpool_backend_register(&ram));
    ck_ok(shmpool_backend_register(&ram));
    ck_ok(shmpool_backend_register(&other));
    other.publish = NULL;
    ck_fails(shmpool_backend_register(&other), EEXIST);
    ck_says("ram");
    other = ram;
    other.place = "another place";
    ck_fails(shmpool_backend_register(&other), EEXIST);
}
END_TEST

static int makes_a_pool(const char *backend)
{
    struct shmpool_options options = {.backend = backend};
    shmpool_id pool = shmpool_create(1, &options);
    CHILD_CHECK(pool > 0);
    CHILD_CHECK(shmpool_alloc(pool, 1) != NULL);
    CHILD_CHECK(shmpool_unlink(pool) == 0 && shmpool_release(pool) == 0);
    return 0;
}

static int makes_a_pool_on_copied(void *unused)
{
    (void)unused;
    return makes_a_pool("copied");
}

START_TEST(a_table_is_copied_and_inherited)
{
    char name[] = "copied", place[] = "somewhere";
    struct shmpool_backend table = table_of(name);
    table.place = place;
    ck_ok(shmpool_backend_register(&table));
    memset(&table, 0xa5, sizeof table);
    memset(name, 'x', sizeof name - 1);
    memset(place, 'x', sizeof place - 1);
    ck_child_ok(makes_a_pool_on_copied, NULL);
    ck_assert_int_eq(makes_a_pool("copied"), 0);
}
END_TEST

START_TEST(a_registered_backend_is_chosen_by_option_environment_and_prefix)
{
    char name[RUN_NAME_SIZE], prefixed[RUN_NAME_SIZE + 8];
    struct shmpool_options options = {.name = run_name(name, "chosen"), .backend = "ram"};
    ck_ok(shmpool_backend_register(&ram));
    shmpool_id pool = shmpool_create(1, &options);
    ck_ok(pool);
    snprintf(prefixed, sizeof prefixed, "ram:%s", name);
    ck_assert_int_eq(shmpool_open(prefixed, 0), pool);
    ck_assert_int_eq(shmpool_open(name, 0), pool);
    ck_ok(shmpool_unlink_name(prefixed));
    ck_ok(shmpool_release(pool));
    setenv("SHMPOOL_BACKEND", "ram", 1);
    options.backend = NULL;
    pool = shmpool_create(1, &options);
    ck_ok(pool);
    ck_assert_int_eq(shmpool_open(name, 0), pool);
    ck_ok(shmpool_unlink(pool));
    ck_ok(shmpool_release(pool));
}
END_TEST

int helper_main(void)
{
    CHILD_CHECK(shmpool_create(1, NULL) == -1 && errno == EINVAL);
    CHILD_CHECK(strstr(shmpool_errmsg(), "shmpool_backend_register") != NULL);
    CHILD_CHECK(shmpool_open("ram:x", 0) == -1 && errno == EINVAL);
    CHILD_CHECK(strstr(shmpool_errmsg(), "shmpool_backend_register") != NULL);
    CHILD_CHECK(shmpool_backend_register(&ram) == 0);
    return makes_a_pool(NULL);
}

START_TEST(after_exec_a_backend_is_registered_again)
{
    const char *const argv[] = {"own", "helper", NULL};
    setenv("SHMPOOL_BACKEND", "ram", 1);
    ck_ok(shmpool_backend_register(&ram));
    ck_status_ok(child_exec(argv));
}
END_TEST

START_TEST(there_is_room_for_sixteen)
{
    char name[32];
    struct shmpool_backend table = table_of(name);
    for (int i = 0; i < 16; i++) {
        snprintf(name, sizeof name, "number%d", i);
        ck_ok(shmpool_backend_register(&table));
    }
    ck_ok(shmpool_backend_register(&table));
    ck_assert_int_eq(makes_a_pool("number15"), 0);
    table.name = "onemore";
    ck_fails(shmpool_backend_register(&table), EMFILE);
    ck_says("16");
    ck_fails(shmpool_open("onemore:x", 0), EINVAL);
    ck_says("number15");
}
END_TEST

enum { THREADS = 8 };

static pthread_barrier_t start;
static int n_refused;

/* Half of the threads register one table, the others one of the same name that differs. */
static void *registers(void *arg)
{
    struct shmpool_backend table = table_of("contended");
    if (arg != NULL)
        table.place = "another place";
    pthread_barrier_wait(&start);
    if (shmpool_backend_register(&table) != 0) {
        ck_assert_int_eq(errno, EEXIST);
        __atomic_add_fetch(&n_refused, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

START_TEST(of_threads_that_register_at_once_one_table_wins)
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&start, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, registers, i % 2 ? &start : NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(n_refused, THREADS / 2);
    ck_assert_int_eq(makes_a_pool("contended"), 0);
}
END_TEST

TCase *tables_case(void)
{
    TCase *tcase = tcase_create("tables");
    tcase_add_checked_fixture(tcase, leftover_setup, leftover_teardown);
    tcase_add_loop_test(tcase, a_faulty_table_is_refused_by_its_member, 0, N_FAULTS);
    tcase_add_test(tcase, no_table_is_refused);
    tcase_add_test(tcase, the_optional_publish_and_list_may_be_absent);
    tcase_add_test(tcase, the_same_table_again_is_success_and_another_is_not);
    tcase_add_test(tcase, a_table_is_copied_and_inherited);
    tcase_add_test(tcase, a_registered_backend_is_chosen_by_option_environment_and_prefix);
    tcase_add_test(tcase, after_exec_a_backend_is_registered_again);
    tcase_add_test(tcase, there_is_room_for_sixteen);
    tcase_add_test(tcase, of_threads_that_register_at_once_one_table_wins);
    return tcase;
}
