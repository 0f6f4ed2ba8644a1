/* Opening by name: from this process, from unrelated ones, and after all users are gone. */
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract/contract.h"

static const char greeting[] = "written before you came";

/* read NAME ADDRESS: the pool's root is at the address and says the greeting. */
static int helper_read(char **argv)
{
    uintptr_t address = strtoumax(argv[1], NULL, 0);
    shmpool_id pool = shmpool_open(argv[0], 0);
    CHILD_CHECK(pool > 0);
    char *root = shmpool_root(pool);
    CHILD_CHECK((uintptr_t)root == address);
    CHILD_CHECK(strcmp(root, greeting) == 0);
    CHILD_CHECK(proc_mapping_has_flag(root, " dd"));
    CHILD_CHECK(shmpool_size_at(pool, root) == (ssize_t)page());
    CHILD_CHECK(shmpool_of(root) == pool);
    CHILD_CHECK(shmpool_alloc(pool, 1) != NULL);
    return 0;
}

/* write NAME ADDRESS: frees nothing, makes a block, tells its address in the block there. */
static int helper_write(char **argv)
{
    shmpool_id pool = shmpool_open(argv[0], 0);
    CHILD_CHECK(pool > 0);
    void **mailbox = shmpool_root(pool);
    char *block = shmpool_alloc(pool, pages(40));
    CHILD_CHECK(block != NULL);
    strcpy(block, greeting);
    CHILD_CHECK(shmpool_publish(pool, block, mailbox) == 0);
    return 0;
}

/* objects DEVICE INODE: nothing of that object is open or mapped here. */
static int helper_objects(char **argv)
{
    struct proc_object object = {strtoumax(argv[0], NULL, 0), strtoumax(argv[1], NULL, 0)};
    CHILD_CHECK(proc_count_mappings(object, NULL) == 0);
    CHILD_CHECK(proc_descriptors_of(object, NULL, 0) == 0);
    return 0;
}

/* create NAME: a pool that stays when its creator is gone. */
static int helper_create(char **argv)
{
    struct shmpool_options options = {.name = argv[0]};
    CHILD_CHECK(shmpool_create(pages(10), &options) > 0);
    return 0;
}

/* fresh: what the library says to a program that did nothing yet. */
static int helper_fresh(char **argv)
{
    (void)argv;
    CHILD_CHECK(shmpool_errmsg() != NULL);
    CHILD_CHECK(shmpool_self() == 0);
    CHILD_FAILS_NULL(shmpool_alloc(1, 1), EBADF);
    CHILD_FAILS(shmpool_of(&argv), ENOENT);
    CHILD_FAILS(shmpool_join(1, NULL, 0), EBADF);
    return 0;
}

/* left NAME: whatever its users died in, the pool is sound, and nothing but the root is lost. */
static int helper_left(char **argv)
{
    struct shmpool_stats stats;
    shmpool_id pool = shmpool_open(argv[0], 0);
    CHILD_CHECK(pool > 0);
    CHILD_CHECK(strcmp(shmpool_root(pool), greeting) == 0);
    CHILD_CHECK(shmpool_check(pool, stderr) == 0);
    CHILD_CHECK(shmpool_reclaim(pool, 0) >= 0);
    CHILD_CHECK(shmpool_stats(pool, &stats) == 0 && stats.blocks == 1);
    CHILD_CHECK(stats.free == stats.total - page());
    CHILD_CHECK(shmpool_alloc(pool, stats.contiguous) != NULL);
    return shmpool_unlink(pool);
}

/* exec N NAME: uses the pool and becomes this program again, N times; earlier ones left nothing. */
static int helper_exec(char **argv)
{
    struct shmpool_stats stats;
    char left[16];
    int n = atoi(argv[0]);
    shmpool_id pool = shmpool_open(argv[1], 0);
    CHILD_CHECK(pool > 0);
    void *block = shmpool_alloc(pool, pages(2));
    CHILD_CHECK(block != NULL && shmpool_free(pool, block) == 0);
    CHILD_CHECK(shmpool_stats(pool, &stats) == 0 && stats.members == 1);
    if (n == 0)
        return 0;
    snprintf(left, sizeof left, "%d", n - 1);
    execl("/proc/self/exe", "contract", "exec", left, argv[1], (char *)NULL);
    return 1;
}

int helper_main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int n_arguments;
        int (*run)(char **);
    } helpers[] = {
        {"read", 2, helper_read},
        {"write", 1, helper_write},
        {"objects", 2, helper_objects},
        {"create", 1, helper_create},
        {"fresh", 0, helper_fresh},
        {"make", 2, helper_make},
        {"look", 2, helper_look},
        {"left", 1, helper_left},
        {"make-family", 1, helper_make_family},
        {"open", 1, helper_open},
        {"exec", 2, helper_exec},
    };
    if (strcmp(argv[1], "spawned") == 0)
        return spawned_main(argc, argv);
    for (size_t i = 0; i < sizeof helpers / sizeof helpers[0]; i++)
        if (strcmp(argv[1], helpers[i].name) == 0 && argc == 2 + helpers[i].n_arguments)
            return helpers[i].run(argv + 2);
    fprintf(stderr, "unknown: %s\n", argv[1]);
    return 2;
}

static void helper_with_address(const char *what, const char *name, const void *address)
{
    char text[32];
    snprintf(text, sizeof text, "%#" PRIxPTR, (uintptr_t)address);
    const char *const argv[] = {"contract", what, name, text, NULL};
    ck_status_ok(child_exec(argv));
}

static char *greet(shmpool_id pool)
{
    char *block = shmpool_alloc(pool, page());
    CHILD_CHECK(block != NULL);
    strcpy(block, greeting);
    CHILD_CHECK(shmpool_set_root(pool, block) == 0);
    return block;
}

START_TEST(an_unrelated_process_finds_the_pool_at_its_address)
{
    char name[RUN_NAME_SIZE];
    if (!backend()->has_names)
        return;
    shmpool_id pool = pool_named(run_name(name, "unrelated"), 10);
    const char *block = greet(pool);
    for (int i = 0; i < 3; i++)
        helper_with_address("read", name, block);
    ck_assert_uint_eq(stats_of(pool).blocks, 4);
    pool_drop(pool);
}
END_TEST

START_TEST(what_an_unrelated_process_stores_is_read_by_plain_pointers)
{
    char name[RUN_NAME_SIZE];
    if (!backend()->has_names)
        return;
    shmpool_id pool = pool_named(run_name(name, "plain"), 100);
    char **mailbox = shmpool_alloc(pool, page());
    *mailbox = NULL;
    ck_ok(shmpool_set_root(pool, mailbox));
    const char *const argv[] = {"contract", "write", name, NULL};
    ck_status_ok(child_exec(argv));
    ck_assert_ptr_nonnull(*mailbox);
    ck_assert_str_eq(*mailbox, greeting);
    ck_assert_int_eq(shmpool_size_at(pool, *mailbox), (ssize_t)pages(40));
    ck_ok(shmpool_free(pool, *mailbox));
    pool_drop(pool);
}
END_TEST

struct shared_address {
    char name[RUN_NAME_SIZE];
    void *address;
};

static int create_and_die(void *arg)
{
    struct shared_address *shared = arg;
    struct shmpool_options options = {.name = shared->name};
    shmpool_id pool = shmpool_create(pages(10), &options);
    CHILD_CHECK(pool > 0);
    shared->address = greet(pool);
    raise(SIGKILL);
    return 1;
}

START_TEST(a_pool_outlives_the_death_of_all_its_users)
{
    struct shared_address *shared = shared_memory(sizeof *shared);
    if (!backend()->has_names)
        return;
    run_name(shared->name, "outlives");
    int status = child_run(create_and_die, shared);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    helper_with_address("read", shared->name, shared->address);
    shmpool_id pool = shmpool_open(shared->name, 0);
    ck_ok(pool);
    ck_assert_ptr_eq(shmpool_root(pool), shared->address);
    ck_assert_str_eq(shared->address, greeting);
    ck_assert_int_eq(shmpool_check(pool, stderr), 0);
    pool_drop(pool);
}
END_TEST

enum { N_USERS = 3, RESTARTS = 15 };

struct users {
    char name[RUN_NAME_SIZE];
    shmpool_id pool;
    pid_t workers[N_USERS];
    _Atomic int all_started;
    _Atomic int n_rounds;
};

static int uses_it_for_ever(void *arg)
{
    struct users *users = arg;
    for (size_t i = (size_t)getpid();; i++) {
        void *block = shmpool_alloc(users->pool, pages(i % 3 == 0 ? 100 : i % 7 + 1));
        CHILD_CHECK(block != NULL || errno == ENOSPC);
        CHILD_CHECK(i % 50 != 0 || shmpool_trim(users->pool) >= 0);
        CHILD_CHECK(block == NULL || shmpool_free(users->pool, block) == 0);
        CHILD_CHECK(shmpool_grow(users->pool, pages(i % 1000)) == 0);
        atomic_fetch_add(&users->n_rounds, 1);
    }
}

static int starts_users(void *arg)
{
    struct users *users = arg;
    struct shmpool_options options = {.name = users->name, .max_size = pages(1000)};
    users->pool = shmpool_create(pages(300), &options);
    CHILD_CHECK(users->pool > 0);
    greet(users->pool);
    for (int i = 0; i < N_USERS; i++) {
        users->workers[i] = shmpool_worker_pid(shmpool_start(uses_it_for_ever, users, NULL));
        CHILD_CHECK(users->workers[i] > 0);
    }
    atomic_store(&users->all_started, 1);
    return child_sleep(NULL);
}

static void kill_all(const struct users *users, pid_t starter)
{
    kill(starter, SIGSTOP);
    for (int i = 0; i < N_USERS; i++)
        kill(users->workers[i], SIGKILL);
    kill(starter, SIGKILL);
    ck_assert(WIFSIGNALED(child_wait(starter)));
    for (int i = 0; i < N_USERS; i++)
        while (proc_runs(users->workers[i]))
            usleep(1000);
}

START_TEST(a_pool_whose_users_all_died_at_work_is_opened_in_order)
{
    if (!backend()->has_names)
        return;
    struct users *users = shared_memory(sizeof *users);
    const char *const argv[] = {"contract", "left", run_name(users->name, "left"), NULL};
    for (int i = 0; i < RESTARTS; i++) {
        atomic_store(&users->all_started, 0);
        pid_t starter = child_start(starts_users, users);
        wait_for(&users->all_started, 1);
        wait_for(&users->n_rounds, atomic_load(&users->n_rounds) + 50);
        usleep((useconds_t)i * 37 % 500);
        kill_all(users, starter);
        ck_status_ok(child_exec(argv));
    }
}
END_TEST

START_TEST(a_memory_without_a_name_goes_with_its_last_user)
{
    struct proc_object object;
    if (backend()->has_names)
        return;
    shmpool_id pool = pool_new(10);
    object = pool_object(pool);
    ck_ok(shmpool_release(pool));
    ck_assert_int_eq(proc_count_mappings(object, NULL), 0);
    ck_assert_int_eq(proc_descriptors_of(object, NULL, 0), 0);
}
END_TEST

START_TEST(nothing_is_left_of_a_pool_after_exec)
{
    char device[32], inode[32];
    shmpool_id pool = pool_new(10);
    struct proc_object object = pool_object(pool);
    if (backend()->has_descriptors)
        ck_assert_int_gt(proc_descriptors_of(object, NULL, 0), 0);
    snprintf(device, sizeof device, "%ju", (uintmax_t)object.device);
    snprintf(inode, sizeof inode, "%ju", (uintmax_t)object.inode);
    const char *const argv[] = {"contract", "objects", device, inode, NULL};
    ck_status_ok(child_exec(argv));
    pool_drop(pool);
}
END_TEST

START_TEST(a_program_that_did_nothing_gets_answers)
{
    const char *const argv[] = {"contract", "fresh", NULL};
    ck_status_ok(child_exec(argv));
}
END_TEST

START_TEST(opening_twice_gives_the_same_id)
{
    char name[RUN_NAME_SIZE];
    const char *const argv[] = {"contract", "create", name, NULL};
    if (!backend()->has_names)
        return;
    run_name(name, "twice");
    ck_status_ok(child_exec(argv));
    shmpool_id pool = shmpool_open(name, 0);
    ck_ok(pool);
    int n_mappings = proc_count_mappings(pool_object(pool), NULL);
    int n_descriptors = proc_descriptors_of(pool_object(pool), NULL, 0);
    ck_assert_int_eq(shmpool_open(name, 0), pool);
    ck_assert_int_eq(proc_count_mappings(pool_object(pool), NULL), n_mappings);
    ck_assert_int_eq(proc_descriptors_of(pool_object(pool), NULL, 0), n_descriptors);
    ck_ok(shmpool_release(pool));
    ck_fails_null(shmpool_alloc(pool, 1), EACCES);
    ck_assert_int_eq(shmpool_open(name, 0), pool);
    pool_drop(pool);
}
END_TEST

START_TEST(what_is_not_there_is_ENOENT)
{
    char name[RUN_NAME_SIZE];
    if (!backend()->has_names)
        return;
    ck_fails(shmpool_open(run_name(name, "nothing"), 0), ENOENT);
    ck_says(name);
    ck_fails(shmpool_open(name, SHMPOOL_RDONLY), ENOENT);
    ck_fails(shmpool_unlink_name(name), ENOENT);
    ck_says(name);
}
END_TEST

START_TEST(open_takes_no_flag_but_RDONLY)
{
    char name[RUN_NAME_SIZE];
    if (!backend()->has_names)
        return;
    shmpool_id pool = pool_named(run_name(name, "flags"), 10);
    for (unsigned bit = 0; bit < 32; bit++)
        if (1u << bit != SHMPOOL_RDONLY)
            ck_fails(shmpool_open(name, 1u << bit), EINVAL);
    pool_drop(pool);
}
END_TEST

static int use_readonly(void *arg)
{
    const struct shared_address *shared = arg;
    shmpool_id pool = shmpool_open(shared->name, SHMPOOL_RDONLY);
    CHILD_CHECK(pool > 0);
    CHILD_CHECK(shmpool_root(pool) == shared->address);
    CHILD_CHECK(strcmp(shared->address, greeting) == 0);
    CHILD_CHECK(shmpool_size_at(pool, shared->address) == (ssize_t)page());
    CHILD_FAILS_NULL(shmpool_alloc(pool, 1), EROFS);
    CHILD_FAILS(shmpool_free(pool, shared->address), EROFS);
    CHILD_FAILS(shmpool_set_root(pool, NULL), EROFS);
    CHILD_CHECK(shmpool_check(pool, stderr) == 0);
    struct proc_mapping mapping;
    CHILD_CHECK(proc_mapping_at(shared->address, &mapping));
    CHILD_CHECK(strcmp(mapping.permissions, "r--s") == 0);
    CHILD_CHECK(proc_count_mappings(mapping.object, "rw-s") == 0);
    *(char *)shared->address = 1;
    return 0;
}

START_TEST(a_pool_opened_for_reading_cannot_be_written)
{
    struct shared_address shared;
    if (!backend()->has_names)
        return;
    shmpool_id pool = pool_named(run_name(shared.name, "reading"), 10);
    shared.address = greet(pool);
    ck_ok(shmpool_release(pool));
    signal(SIGSEGV, SIG_DFL);
    int status = child_run(use_readonly, &shared);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "%s", child_text(status));
    ck_ok(shmpool_unlink_name(shared.name));
}
END_TEST

/* A pool is seen complete or not at all, however the opener hits the moment of creation. */
struct appearing {
    char name[RUN_NAME_SIZE];
    _Atomic int done;
    _Atomic int seen;
};

static int open_as_it_appears(void *arg)
{
    struct appearing *appearing = arg;
    while (atomic_load(&appearing->done) == 0) {
        struct shmpool_stats stats;
        shmpool_id pool = shmpool_open(appearing->name, 0);
        if (pool < 0) {
            CHILD_CHECK(errno == ENOENT);
            continue;
        }
        CHILD_CHECK(shmpool_stats(pool, &stats) == 0 && stats.total == pages(10));
        CHILD_CHECK(shmpool_release(pool) == 0);
        atomic_fetch_add(&appearing->seen, 1);
    }
    return 0;
}

START_TEST(a_pool_appears_complete_or_not_at_all)
{
    struct appearing *appearing = shared_memory(sizeof *appearing);
    if (!backend()->has_names)
        return;
    run_name(appearing->name, "appears");
    pid_t child = child_start(open_as_it_appears, appearing);
    for (int i = 0; i < 500; i++) {
        shmpool_id pool = pool_named(appearing->name, 10);
        if (i % 5 == 0)
            usleep(200);
        pool_drop(pool);
    }
    shmpool_id last = pool_named(appearing->name, 10);
    wait_for(&appearing->seen, atomic_load(&appearing->seen) + 1);
    atomic_store(&appearing->done, 1);
    ck_status_ok(child_wait(child));
    pool_drop(last);
}
END_TEST

START_TEST(a_program_that_executes_itself_leaves_no_slots_behind)
{
    char name[RUN_NAME_SIZE];
    if (!backend()->has_names)
        return;
    run_name(name, "exec");
    shmpool_id pool = pool_named(name, 10);
    const char *const argv[] = {"contract", "exec", "5", name, NULL};
    ck_status_ok(child_exec(argv));
    ck_ok(shmpool_recover(pool));
    ck_assert_uint_eq(stats_of(pool).members, 1); /* this thread */
    ck_pool_is_whole(pool);
    pool_drop(pool);
}
END_TEST

TCase *opening_case(void)
{
    TCase *tcase = contract_case("opening");
    tcase_add_test(tcase, an_unrelated_process_finds_the_pool_at_its_address);
    tcase_add_test(tcase, what_an_unrelated_process_stores_is_read_by_plain_pointers);
    tcase_add_test(tcase, a_pool_outlives_the_death_of_all_its_users);
    tcase_add_test(tcase, a_pool_whose_users_all_died_at_work_is_opened_in_order);
    tcase_add_test(tcase, a_memory_without_a_name_goes_with_its_last_user);
    tcase_add_test(tcase, nothing_is_left_of_a_pool_after_exec);
    tcase_add_test(tcase, a_program_that_executes_itself_leaves_no_slots_behind);
    tcase_add_test(tcase, a_program_that_did_nothing_gets_answers);
    tcase_add_test(tcase, opening_twice_gives_the_same_id);
    tcase_add_test(tcase, what_is_not_there_is_ENOENT);
    tcase_add_test(tcase, open_takes_no_flag_but_RDONLY);
    tcase_add_test(tcase, a_pool_opened_for_reading_cannot_be_written);
    tcase_add_test(tcase, a_pool_appears_complete_or_not_at_all);
    return tcase;
}
