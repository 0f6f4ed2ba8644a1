/* How use ends: release, unlink, unlink_name; whose pool it is; and the root, the way back in. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contract/contract.h"

enum { NOBODY = 65534, OTHER_GROUP = 54321 };

START_TEST(release_unmaps_and_closes_and_removes_nothing)
{
    char name[RUN_NAME_SIZE];
    shmpool_id pool = pool_named(run_name(name, "release"), 10);
    struct proc_object object = pool_object(pool);
    ck_ok(shmpool_release(pool));
    ck_assert_int_eq(proc_count_mappings(object, NULL), 0);
    ck_assert_int_eq(proc_descriptors_of(object, NULL, 0), 0);
    ck_fails(shmpool_release(pool), EACCES);
    if (!backend()->has_names)
        return;
    ck_assert(object_is_named(name));
    ck_ok(shmpool_unlink_name(name));
}
END_TEST

START_TEST(a_released_pool_is_EACCES_in_every_function)
{
    shmpool_id pool = pool_new(10);
    void *block = shmpool_alloc(pool, 1);
    ck_ok(shmpool_unlink(pool));
    ck_ok(shmpool_release(pool));
    ck_assert_pstr_eq(call_that_does_not_fail(pool, block, EACCES, false), NULL);
    ck_fails(shmpool_of(block), ENOENT);
}
END_TEST

START_TEST(blocks_stay_allocated_when_their_owner_releases_the_pool)
{
    char name[RUN_NAME_SIZE];
    if (!backend()->has_names)
        return;
    shmpool_id pool = pool_named(run_name(name, "stay"), 10);
    void *block = shmpool_alloc(pool, pages(3));
    ck_ok(shmpool_release(pool));
    ck_assert_int_eq(shmpool_open(name, 0), pool);
    ck_assert_int_eq(shmpool_size_at(pool, block), (ssize_t)pages(3));
    ck_assert_uint_eq(stats_of(pool).free, pages(7));
    pool_drop(pool);
}
END_TEST

START_TEST(unlink_removes_the_name_and_nothing_else)
{
    char name[RUN_NAME_SIZE];
    shmpool_id pool = pool_named(run_name(name, "unlink"), 10);
    int *block = shmpool_alloc(pool, page());
    *block = 5;
    ck_ok(shmpool_unlink(pool));
    if (backend()->has_names) {
        ck_assert(!object_is_named(name));
        ck_fails(shmpool_open(name, 0), ENOENT);
    }
    ck_assert_int_eq(*block, 5);
    ck_assert_ptr_nonnull(shmpool_alloc(pool, pages(9)));
    ck_fails(shmpool_unlink(pool), ENOENT);
    ck_ok(shmpool_release(pool));
}
END_TEST

START_TEST(unlink_does_not_hit_a_later_pool_of_the_same_name)
{
    char name[RUN_NAME_SIZE];
    if (!backend()->has_names)
        return;
    shmpool_id first = pool_named(run_name(name, "later"), 1);
    ck_ok(shmpool_unlink_name(name));
    shmpool_id second = pool_named(name, 2);
    ck_assert_int_ne(first, second);
    ck_fails(shmpool_unlink(first), ENOENT);
    ck_assert_int_eq(shmpool_open(name, 0), second);
    ck_ok(shmpool_release(first));
    pool_drop(second);
}
END_TEST

START_TEST(unlink_name_needs_no_open_pool)
{
    char name[RUN_NAME_SIZE];
    if (!backend()->has_names)
        return;
    shmpool_id pool = pool_named(run_name(name, "closed"), 1);
    ck_ok(shmpool_release(pool));
    ck_ok(shmpool_unlink_name(name));
    ck_fails(shmpool_unlink_name(name), ENOENT);
    ck_fails(shmpool_open(name, 0), ENOENT);
}
END_TEST

/* Files of huge pages are mapped and never written to. */
static void put_text(int fd, const char *text)
{
    ck_assert_int_eq(ftruncate(fd, (off_t)unit()), 0);
    char *start = mmap(NULL, unit(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ck_assert(start != MAP_FAILED);
    strcpy(start, text);
    munmap(start, unit());
}

/* A file that lies where a pool's object would. */
static void put_file(const char *path, const char *text)
{
    int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    if (unit() > page())
        put_text(fd, text);
    else
        ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

START_TEST(what_is_not_a_pool_is_not_removed)
{
    char name[RUN_NAME_SIZE];
    char path[256];
    if (backend()->prefix == NULL)
        return;
    object_path(path, sizeof path, run_name(name, "file"));
    put_file(path, "this is no pool");
    ck_fails(shmpool_unlink_name(name), ENOENT);
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_assert_int_lt(shmpool_open(name, 0), 0);
    struct shmpool_options options = {.name = name};
    ck_fails(shmpool_create(page(), &options), EEXIST);
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

static int unlink_in_worker(void *arg)
{
    return shmpool_unlink(*(shmpool_id *)arg);
}

START_TEST(any_process_that_has_the_pool_may_unlink_it)
{
    char name[RUN_NAME_SIZE];
    shmpool_id pool = pool_named(run_name(name, "any"), 1);
    ck_worker_ok(unlink_in_worker, &pool, NULL);
    if (backend()->has_names)
        ck_fails(shmpool_open(name, 0), ENOENT);
    ck_fails(shmpool_unlink(pool), ENOENT);
    ck_ok(shmpool_release(pool));
}
END_TEST

struct other_users_pool {
    char name[RUN_NAME_SIZE];
    void *root;
};

static int is_refused(void *arg)
{
    const struct other_users_pool *other = arg;
    CHILD_FAILS(shmpool_open(other->name, 0), EACCES);
    CHILD_FAILS(shmpool_open(other->name, SHMPOOL_RDONLY), EACCES);
    CHILD_FAILS(shmpool_unlink_name(other->name), EACCES);
    return 0;
}

static int is_let_in(void *arg)
{
    const struct other_users_pool *other = arg;
    shmpool_id pool = shmpool_open(other->name, 0);
    CHILD_CHECK(pool > 0);
    CHILD_CHECK(shmpool_root(pool) == other->root);
    void *block = shmpool_alloc(pool, page());
    CHILD_CHECK(block != NULL);
    CHILD_CHECK(shmpool_free(pool, block) == 0);
    return 0;
}

static int is_let_in_to_read(void *arg)
{
    const struct other_users_pool *other = arg;
    CHILD_FAILS(shmpool_open(other->name, 0), EACCES);
    shmpool_id pool = shmpool_open(other->name, SHMPOOL_RDONLY);
    CHILD_CHECK(pool > 0);
    CHILD_CHECK(shmpool_root(pool) == other->root);
    return 0;
}

static shmpool_id pool_with_mode(const char *name, mode_t mode, void **root)
{
    struct shmpool_options options = {.name = name, .mode = mode};
    shmpool_id pool = shmpool_create(pages(10), &options);
    ck_ok(pool);
    *root = shmpool_alloc(pool, 1);
    ck_ok(shmpool_set_root(pool, *root));
    return pool;
}

START_TEST(another_users_pool_is_refused)
{
    static const mode_t modes[] = {0600, 0660, 0666, 0777};
    struct other_users_pool other;
    if (!backend()->has_names || !child_can_be_others())
        return;
    run_name(other.name, "refused");
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        shmpool_id pool = pool_with_mode(other.name, modes[i], &other.root);
        ck_ok(shmpool_release(pool));
        ck_child_ok_as(NOBODY, OTHER_GROUP, is_refused, &other);
        ck_ok(shmpool_unlink_name(other.name));
    }
}
END_TEST

START_TEST(the_mode_can_let_a_group_in)
{
    struct other_users_pool other;
    if (!backend()->has_names || !child_can_be_others())
        return;
    shmpool_id pool = pool_with_mode(run_name(other.name, "group"), 0660, &other.root);
    ck_ok(shmpool_release(pool));
    ck_child_ok_as(NOBODY, getegid(), is_let_in, &other);
    ck_ok(shmpool_unlink_name(other.name));
    pool = pool_with_mode(other.name, 0640, &other.root);
    ck_ok(shmpool_release(pool));
    ck_child_ok_as(NOBODY, getegid(), is_let_in_to_read, &other);
    ck_ok(shmpool_unlink_name(other.name));
    pool = pool_with_mode(other.name, 0600, &other.root);
    ck_ok(shmpool_release(pool));
    ck_child_ok_as(NOBODY, getegid(), is_refused, &other);
    ck_ok(shmpool_unlink_name(other.name));
}
END_TEST

static int create_as_other(void *arg)
{
    struct other_users_pool *other = arg;
    struct shmpool_options options = {.name = other->name};
    shmpool_id pool = shmpool_create(pages(10), &options);
    CHILD_CHECK(pool > 0);
    other->root = shmpool_alloc(pool, 1);
    return shmpool_set_root(pool, other->root);
}

START_TEST(root_may_open_any_users_pool)
{
    struct other_users_pool *other = shared_memory(sizeof *other);
    if (!backend()->has_names || !child_can_be_others())
        return;
    run_name(other->name, "users");
    ck_child_ok_as(NOBODY, OTHER_GROUP, create_as_other, other);
    ck_child_ok(is_let_in, other);
    ck_ok(shmpool_unlink_name(other->name));
}
END_TEST

START_TEST(a_pool_without_a_root_says_so)
{
    shmpool_id pool = pool_new(1);
    ck_fails_null(shmpool_root(pool), ENOENT);
    pool_drop(pool);
}
END_TEST

START_TEST(a_root_is_set_once_and_cleared_with_NULL)
{
    shmpool_id pool = pool_new(10);
    char *one = shmpool_alloc(pool, 1);
    char *two = shmpool_alloc(pool, pages(2));
    ck_ok(shmpool_set_root(pool, one));
    ck_assert_ptr_eq(shmpool_root(pool), one);
    ck_fails(shmpool_set_root(pool, two), EEXIST);
    ck_fails(shmpool_set_root(pool, one), EEXIST);
    ck_assert_ptr_eq(shmpool_root(pool), one);
    ck_ok(shmpool_set_root(pool, NULL));
    ck_fails_null(shmpool_root(pool), ENOENT);
    ck_ok(shmpool_set_root(pool, NULL));
    ck_ok(shmpool_set_root(pool, two + page() + 3));
    ck_assert_ptr_eq(shmpool_root(pool), two + page() + 3);
    pool_drop(pool);
}
END_TEST

START_TEST(a_root_outside_of_the_pool_is_refused)
{
    int here;
    shmpool_id pool = pool_new(10);
    shmpool_id other = pool_new(10);
    char *all = shmpool_alloc(pool, pages(10));
    ck_fails(shmpool_set_root(pool, &here), EINVAL);
    ck_fails(shmpool_set_root(pool, shmpool_alloc(other, 1)), EINVAL);
    ck_fails(shmpool_set_root(pool, all + pages(10)), EINVAL);
    ck_fails(shmpool_set_root(pool, pool_base(other)), EINVAL);
    ck_ok(shmpool_set_root(pool, all + pages(10) - 1));
    pool_drop(pool);
    pool_drop(other);
}
END_TEST

struct racers {
    _Atomic int ready;
    _Atomic int winners;
    shmpool_id pool;
    char *first;
};

static int race_for_the_root(void *arg)
{
    struct racers *racers = arg;
    int me = atomic_fetch_add(&racers->ready, 1);
    wait_for(&racers->ready, 4);
    if (shmpool_set_root(racers->pool, racers->first + me) == 0)
        atomic_fetch_add(&racers->winners, 1);
    else
        CHILD_CHECK(errno == EEXIST);
    return 0;
}

START_TEST(of_several_setters_one_wins)
{
    struct racers *racers = shared_memory(sizeof *racers);
    shmpool_worker workers[4];
    racers->pool = pool_new(1);
    racers->first = shmpool_alloc(racers->pool, 1);
    for (int round = 0; round < 20; round++) {
        atomic_store(&racers->ready, 0);
        atomic_store(&racers->winners, 0);
        for (int i = 0; i < 4; i++)
            workers[i] = shmpool_start(race_for_the_root, racers, NULL);
        for (int i = 0; i < 4; i++)
            ck_join_ok(workers[i]);
        ck_assert_int_eq(atomic_load(&racers->winners), 1);
        ck_ok(shmpool_set_root(racers->pool, NULL));
    }
    pool_drop(racers->pool);
}
END_TEST

TCase *ending_case(void)
{
    TCase *tcase = contract_case("ending");
    tcase_add_test(tcase, release_unmaps_and_closes_and_removes_nothing);
    tcase_add_test(tcase, a_released_pool_is_EACCES_in_every_function);
    tcase_add_test(tcase, blocks_stay_allocated_when_their_owner_releases_the_pool);
    tcase_add_test(tcase, unlink_removes_the_name_and_nothing_else);
    tcase_add_test(tcase, unlink_does_not_hit_a_later_pool_of_the_same_name);
    tcase_add_test(tcase, unlink_name_needs_no_open_pool);
    tcase_add_test(tcase, what_is_not_a_pool_is_not_removed);
    tcase_add_test(tcase, any_process_that_has_the_pool_may_unlink_it);
    tcase_add_test(tcase, another_users_pool_is_refused);
    tcase_add_test(tcase, the_mode_can_let_a_group_in);
    tcase_add_test(tcase, root_may_open_any_users_pool);
    tcase_add_test(tcase, a_pool_without_a_root_says_so);
    tcase_add_test(tcase, a_root_is_set_once_and_cleared_with_NULL);
    tcase_add_test(tcase, a_root_outside_of_the_pool_is_refused);
    tcase_add_test(tcase, of_several_setters_one_wins);
    return tcase;
}
