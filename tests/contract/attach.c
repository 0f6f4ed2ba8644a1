/* Late attach: a pool that a member of the family created while others ran, by its ID. */
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract/contract.h"
#include "support/random.h"

static const char greeting[] = "made while you ran";

/* What a creator tells of its pool, in memory that the family shares. */
struct board {
    _Atomic int ready;
    _Atomic int go;
    char name[RUN_NAME_SIZE]; /* empty: one of the creator's own */
    unsigned flags;
    shmpool_id pool;
    char *block;
    struct proc_object object;
};

static struct board *board_new(void)
{
    return shared_memory(sizeof(struct board));
}

/* Creates a pool with a greeting and ends without releasing it. */
static int creates(void *arg)
{
    struct board *board = arg;
    char name[RUN_NAME_SIZE];
    struct shmpool_options options = {.flags = board->flags};
    options.name = board->name[0] != '\0' ? board->name : run_name(name, "late");
    board->pool = shmpool_create(pages(20), &options);
    CHILD_CHECK(board->pool > 0);
    board->block = shmpool_alloc(board->pool, page());
    CHILD_CHECK(board->block != NULL);
    strcpy(board->block, greeting);
    CHILD_CHECK(shmpool_set_root(board->pool, board->block) == 0);
    board->object = pool_object(board->pool);
    atomic_store(&board->ready, 1);
    return 0;
}

static int creates_and_waits(void *arg)
{
    struct board *board = arg;
    creates(board);
    wait_for(&board->go, 1);
    return 0;
}

static int creates_and_unlinks(void *arg)
{
    struct board *board = arg;
    creates_and_waits(board);
    return shmpool_unlink(board->pool);
}

static int creates_and_is_killed(void *arg)
{
    creates(arg);
    raise(SIGKILL);
    return 1;
}

static int lacks_it(void *arg)
{
    const struct board *board = arg;
    CHILD_CHECK(proc_count_mappings(board->object, NULL) == 0);
    CHILD_CHECK(proc_descriptors_of(board->object, NULL, 0) == 0);
    CHILD_FAILS_NULL(shmpool_root(board->pool), EACCES);
    return 0;
}

static int can_use_it(void *arg)
{
    const struct board *board = arg;
    CHILD_CHECK(shmpool_root(board->pool) == board->block);
    CHILD_CHECK(strcmp(board->block, greeting) == 0);
    CHILD_CHECK(proc_mapping_has_flag(board->block, " dd"));
    CHILD_CHECK(shmpool_of(board->block) == board->pool);
    void *block = shmpool_alloc(board->pool, pages(3));
    CHILD_CHECK(block != NULL);
    memset(block, 1, pages(3));
    CHILD_CHECK(shmpool_free(board->pool, block) == 0);
    CHILD_CHECK(shmpool_check(board->pool, stderr) == 0);
    return 0;
}

static int can_only_read_it(void *arg)
{
    const struct board *board = arg;
    CHILD_CHECK(strcmp(board->block, greeting) == 0);
    CHILD_CHECK(proc_mapping_has_flag(board->block, " dd"));
    CHILD_FAILS_NULL(shmpool_alloc(board->pool, 1), EROFS);
    CHILD_CHECK(proc_count_mappings(board->object, "r--s") > 0);
    CHILD_CHECK(proc_count_mappings(board->object, "rw-s") == 0);
    int fds[8];
    int n_fds = proc_descriptors_of(board->object, fds, 8);
    for (int i = 0; i < n_fds; i++)
        CHILD_CHECK((fcntl(fds[i], F_GETFL) & O_ACCMODE) == O_RDONLY);
    return 0;
}

static int attaches_it(void *arg)
{
    struct board *board = arg;
    lacks_it(board);
    CHILD_CHECK(strstr(shmpool_errmsg(), "attach") != NULL);
    CHILD_CHECK(shmpool_attach(board->pool, 0) == 0);
    return can_use_it(board);
}

static int attaches_it_for_reading(void *arg)
{
    struct board *board = arg;
    lacks_it(board);
    CHILD_CHECK(shmpool_attach(board->pool, SHMPOOL_RDONLY) == 0);
    return can_only_read_it(board);
}

static int may_not_attach_it(void *arg)
{
    struct board *board = arg;
    lacks_it(board);
    CHILD_CHECK(strstr(shmpool_errmsg(), "is not granted to this process") != NULL);
    CHILD_FAILS(shmpool_attach(board->pool, 0), EACCES);
    CHILD_FAILS(shmpool_attach(board->pool, SHMPOOL_RDONLY), EACCES);
    return lacks_it(board);
}

/* Attached here by the test, and dropped. */
static void drop(const struct board *board)
{
    ck_ok(shmpool_attach(board->pool, 0));
    pool_drop(board->pool);
}

static const struct shmpool_start_options none = {.inherit = SHMPOOL_INHERIT_NONE};

START_TEST(a_pool_of_a_sibling_is_attached_by_its_id)
{
    struct board *board = board_new();
    shmpool_worker creator = shmpool_start(creates_and_waits, board, NULL);
    wait_for(&board->ready, 1);
    ck_child_ok(lacks_it, board);
    ck_child_ok(attaches_it, board);
    ck_worker_ok(attaches_it, board, NULL);
    ck_child_ok(attaches_it, board);
    lacks_it(board);
    atomic_store(&board->go, 1);
    ck_join_ok(creator);
    drop(board);
}
END_TEST

START_TEST(a_pool_attached_for_reading_can_only_be_read)
{
    struct board *board = board_new();
    ck_worker_ok(creates, board, NULL);
    ck_child_ok(attaches_it_for_reading, board);
    ck_worker_ok(attaches_it_for_reading, board, NULL);
    drop(board);
}
END_TEST

START_TEST(a_pool_is_attached_after_its_creators_end)
{
    struct board *board = board_new();
    ck_worker_ok(creates, board, NULL);
    ck_child_ok(attaches_it, board);
    drop(board);
    *board = (struct board){0};
    int status = worker_run(creates_and_is_killed, board, NULL);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ck_child_ok(attaches_it, board);
    ck_child_ok(attaches_it_for_reading, board);
    drop(board);
}
END_TEST

static int creates_and_lets_nobody_look(void *arg)
{
    CHILD_CHECK(prctl(PR_SET_DUMPABLE, 0) == 0);
    return creates_and_waits(arg);
}

/* The kernel refuses every look into the creator: a debugger's right is what nobody has. */
static int attaches_without_looking(void *arg)
{
    struct board *board = arg;
    char path[64];
    shmpool_worker creator = shmpool_start(creates_and_lets_nobody_look, board, NULL);
    CHILD_CHECK(creator > 0);
    wait_for(&board->ready, 1);
    snprintf(path, sizeof path, "/proc/%d/mem", (int)shmpool_worker_pid(creator));
    CHILD_CHECK(open(path, O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES);
    attaches_it(board);
    atomic_store(&board->go, 1);
    CHILD_CHECK(child_ok(worker_join(creator)));
    return shmpool_unlink(board->pool);
}

START_TEST(attaching_takes_no_right_to_look_into_anybody)
{
    struct board *board = board_new();
    if (geteuid() == 0)
        ck_child_ok_as(65534, 65534, attaches_without_looking, board);
    else
        ck_child_ok(attaches_without_looking, board);
}
END_TEST

START_TEST(attaching_what_is_mapped_is_success)
{
    shmpool_id pool = pool_new(10);
    int mappings = proc_count_mappings(pool_object(pool), NULL);
    int descriptors = proc_count_descriptors();
    ck_ok(shmpool_attach(pool, 0));
    ck_ok(shmpool_attach(pool, SHMPOOL_RDONLY));
    ck_assert_int_eq(proc_count_mappings(pool_object(pool), NULL), mappings);
    ck_assert_int_eq(proc_count_descriptors(), descriptors);
    pool_drop(pool);
}
END_TEST

START_TEST(what_is_attached_for_reading_is_not_attached_in_full)
{
    struct board *board = board_new();
    ck_worker_ok(creates, board, NULL);
    ck_ok(shmpool_attach(board->pool, SHMPOOL_RDONLY));
    ck_ok(shmpool_attach(board->pool, SHMPOOL_RDONLY));
    ck_fails(shmpool_attach(board->pool, 0), EROFS);
    ck_says("read-only in this process: release it first");
    ck_ok(shmpool_unlink(board->pool));
    ck_ok(shmpool_release(board->pool));
}
END_TEST

static int releases_and_attaches(void *arg)
{
    struct board *board = arg;
    CHILD_CHECK(shmpool_release(board->pool) == 0);
    attaches_it(board);
    CHILD_CHECK(shmpool_release(board->pool) == 0);
    return attaches_it_for_reading(board);
}

START_TEST(a_pool_released_here_can_be_attached_again)
{
    struct board *board = board_new();
    creates(board);
    ck_child_ok(releases_and_attaches, board);
    can_use_it(board);
    pool_drop(board->pool);
}
END_TEST

/* Restricted: what it or a process below it created, and nothing else. */
struct family {
    struct board *masters;
    struct board *own;
    struct board *below;
    struct board *siblings;
};

static struct family family_new(void)
{
    return (struct family){board_new(), board_new(), board_new(), board_new()};
}

static int below_a_restricted_one(void *arg)
{
    struct family *family = arg;
    may_not_attach_it(family->masters);
    return attaches_it(family->own);
}

static int restricted_again(void *arg)
{
    struct family *family = arg;
    may_not_attach_it(family->masters);
    may_not_attach_it(family->own);
    return creates(family->below);
}

static int is_restricted(void *arg)
{
    struct family *family = arg;
    may_not_attach_it(family->masters);
    if (atomic_load(&family->siblings->ready))
        may_not_attach_it(family->siblings);
    CHILD_CHECK(child_ok(worker_run(creates, family->own, NULL)));
    CHILD_CHECK(child_ok(worker_run(below_a_restricted_one, family, NULL)));
    CHILD_CHECK(child_ok(child_run(below_a_restricted_one, family)));
    CHILD_CHECK(child_ok(worker_run(restricted_again, family, &none)));
    attaches_it(family->below);
    return attaches_it(family->own);
}

START_TEST(a_restricted_worker_attaches_what_it_and_its_own_created)
{
    struct family family = family_new();
    creates(family.masters);
    ck_worker_ok(is_restricted, &family, &none);
    ck_child_ok(attaches_it, family.own);
    ck_child_ok(attaches_it, family.below);
    struct family other = {family.masters, board_new(), board_new(), family.own};
    ck_worker_ok(is_restricted, &other, &none);
    pool_drop(family.masters->pool);
    drop(family.own);
    drop(family.below);
    drop(other.own);
    drop(other.below);
}
END_TEST

/* Deeper than a chain of restricted starts is remembered. */
enum { DEPTH = 10 };

struct descent {
    int depth;
    struct board board[DEPTH + 1];
};

static int descends(void *arg)
{
    struct descent *descent = arg;
    struct board *own = &descent->board[++descent->depth];
    int depth = descent->depth;
    may_not_attach_it(&descent->board[depth - 1]);
    creates(own);
    if (depth == DEPTH)
        return 0;
    CHILD_CHECK(child_ok(worker_run(descends, descent, &none)));
    attaches_it(&descent->board[depth + 1]);
    if (depth == 1)
        may_not_attach_it(&descent->board[DEPTH]);
    return 0;
}

START_TEST(restricted_ones_below_each_other_keep_apart)
{
    struct descent *descent = shared_memory(sizeof *descent);
    creates(&descent->board[0]);
    ck_worker_ok(descends, descent, &none);
    for (int depth = 1; depth <= DEPTH; depth++) {
        ck_child_ok(attaches_it, &descent->board[depth]);
        drop(&descent->board[depth]);
    }
    pool_drop(descent->board[0].pool);
}
END_TEST

static int had_it_for_reading(void *arg)
{
    struct board *board = arg;
    can_only_read_it(board);
    CHILD_FAILS(shmpool_attach(board->pool, 0), EROFS);
    CHILD_CHECK(strstr(shmpool_errmsg(), "and stays so") != NULL);
    CHILD_CHECK(shmpool_release(board->pool) == 0);
    CHILD_FAILS(shmpool_attach(board->pool, 0), EACCES);
    CHILD_CHECK(strstr(shmpool_errmsg(), "reading only") != NULL);
    if (!backend()->has_names) {
        CHILD_FAILS(shmpool_attach(board->pool, SHMPOOL_RDONLY), ENOTSUP);
        return 0;
    }
    CHILD_CHECK(shmpool_attach(board->pool, SHMPOOL_RDONLY) == 0);
    return can_only_read_it(board);
}

static int had_it_in_full(void *arg)
{
    struct board *board = arg;
    CHILD_CHECK(shmpool_release(board->pool) == 0);
    CHILD_CHECK(!backend()->has_names || shmpool_attach(board->pool, 0) == 0);
    return backend()->has_names ? can_use_it(board) : 0;
}

START_TEST(what_was_granted_and_released_comes_back_as_it_was)
{
    struct board *board = board_new();
    creates(board);
    struct shmpool_grant grant = {board->pool, SHMPOOL_RDONLY};
    struct shmpool_start_options options = {.inherit = &grant, .n_inherit = 1};
    ck_worker_ok(had_it_for_reading, board, &options);
    grant.flags = 0;
    ck_worker_ok(had_it_in_full, board, &options);
    pool_drop(board->pool);
}
END_TEST

START_TEST(a_private_pool_is_attached_by_nobody)
{
    struct board *board = board_new();
    board->flags = SHMPOOL_PRIVATE;
    shmpool_worker creator = shmpool_start(creates_and_unlinks, board, NULL);
    wait_for(&board->ready, 1);
    ck_child_ok(may_not_attach_it, board);
    ck_worker_ok(may_not_attach_it, board, &none);
    ck_fails(shmpool_attach(board->pool, 0), EACCES);
    ck_says("private");
    atomic_store(&board->go, 1);
    ck_join_ok(creator);
}
END_TEST

START_TEST(an_id_that_names_no_pool_is_EBADF)
{
    shmpool_id pool = pool_new(1);
    const shmpool_id bad[] = {0, -1, INT32_MIN, INT32_MAX, pool + 1, pool + 4096};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_fails(shmpool_attach(bad[i], 0), EBADF);
    for (unsigned bit = 0; bit < 32; bit++)
        if (1u << bit != SHMPOOL_RDONLY)
            ck_fails(shmpool_attach(pool, 1u << bit), EINVAL);
    pool_drop(pool);
}
END_TEST

START_TEST(a_pool_that_was_unlinked_is_found_no_more)
{
    struct board *board = board_new();
    atomic_store(&board->go, 1);
    creates(board);
    ck_ok(shmpool_unlink(board->pool));
    ck_ok(shmpool_release(board->pool));
    ck_fails(shmpool_attach(board->pool, 0), ENOENT);
    ck_worker_ok(creates_and_unlinks, board, NULL);
    ck_fails(shmpool_attach(board->pool, 0), ENOENT);
    ck_says("unlinked");
}
END_TEST

START_TEST(a_pool_without_a_name_goes_with_its_last_user)
{
    if (backend()->has_names)
        return;
    shmpool_id pool = pool_new(1);
    ck_ok(shmpool_release(pool));
    ck_fails(shmpool_attach(pool, 0), ENOENT);
    ck_says("last user");
}
END_TEST

START_TEST(a_name_that_stands_for_another_pool_is_not_followed)
{
    char name[RUN_NAME_SIZE];
    if (!backend()->has_names)
        return;
    shmpool_id pool = pool_named(run_name(name, "another"), 1);
    ck_ok(shmpool_release(pool));
    ck_ok(shmpool_unlink_name(name));
    ck_fails(shmpool_attach(pool, 0), ENOENT);
    shmpool_id other = pool_named(name, 1);
    ck_fails(shmpool_attach(pool, 0), ENOENT);
    ck_says("another pool");
    pool_drop(other);
}
END_TEST

static int has_no_room_for_it(void *arg)
{
    const struct board *board = arg;
    void *base = (void *)((uintptr_t)board->block & ~(uintptr_t)0xfffff);
    void *mine = mmap(base, 1 << 20, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    CHILD_CHECK(mine == base);
    int descriptors = proc_count_descriptors();
    CHILD_FAILS(shmpool_attach(board->pool, 0), EADDRINUSE);
    CHILD_CHECK(strstr(shmpool_errmsg(), "memory without a name") != NULL);
    CHILD_CHECK(proc_count_descriptors() == descriptors);
    CHILD_CHECK(munmap(mine, 1 << 20) == 0);
    return attaches_it(arg);
}

START_TEST(an_occupied_address_is_EADDRINUSE_and_the_occupant_named)
{
    struct board *board = board_new();
    ck_worker_ok(creates, board, NULL);
    ck_child_ok(has_no_room_for_it, board);
    drop(board);
}
END_TEST

/* Without a name: what the family keeps. */
START_TEST(thousands_of_pools_use_nothing_up)
{
    struct board *board = board_new();
    if (backend()->has_names)
        return;
    for (int i = 0; i < 3000; i++)
        pool_drop(pool_new(1));
    for (int i = 0; i < 100; i++)
        ck_ok(shmpool_release(pool_new(1)));
    ck_worker_ok(creates, board, NULL);
    ck_child_ok(attaches_it, board);
    drop(board);
}
END_TEST

enum { CREATORS = 2, MANY = 150, LIMIT = 450 };

struct crowd {
    int n;
    shmpool_id pool[CREATORS * MANY];
    struct board board;
};

/* The limit is also that of descriptors on their way, which those in the mailbox are. */
static int creates_many(void *arg)
{
    struct crowd *crowd = arg;
    const struct rlimit limit = {LIMIT, LIMIT};
    CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    for (int i = 0; i < MANY; i++)
        CHILD_CHECK((crowd->pool[crowd->n++] = shmpool_create(page(), NULL)) > 0);
    return 0;
}

static int attaches_each_or_is_told(void *arg)
{
    struct crowd *crowd = arg;
    int attached = 0;
    for (int i = 0; i < CREATORS * MANY; i++) {
        int result = shmpool_attach(crowd->pool[i], SHMPOOL_RDONLY);
        CHILD_CHECK(result == 0 || errno == ENOTSUP);
        attached += result == 0;
        CHILD_CHECK(result != 0 || shmpool_unlink(crowd->pool[i]) == 0);
        CHILD_CHECK(result != 0 || shmpool_release(crowd->pool[i]) == 0);
    }
    CHILD_CHECK(attached > 0 && attached < CREATORS * MANY);
    return 0;
}

START_TEST(a_full_mailbox_hinders_nobody_and_empties)
{
    struct crowd *crowd = shared_memory(sizeof *crowd);
    if (backend()->has_names)
        return;
    for (int i = 0; i < CREATORS; i++)
        if (child_can_be_others())
            ck_child_ok_as(65534, 65534, creates_many, crowd);
        else
            ck_child_ok(creates_many, crowd);
    ck_child_ok(attaches_each_or_is_told, crowd);
    ck_worker_ok(creates, &crowd->board, NULL);
    ck_child_ok(attaches_it, &crowd->board);
    drop(&crowd->board);
}
END_TEST

static int attaches_without_mailbox(void *arg)
{
    struct board *board = arg;
    for (int fd = 3; fd < 300; fd++)
        close(fd);
    if (backend()->has_names)
        return attaches_it(board);
    CHILD_FAILS(shmpool_attach(board->pool, 0), ENOTSUP);
    CHILD_CHECK(strstr(shmpool_errmsg(), "closed") != NULL);
    return 0;
}

START_TEST(a_program_that_closes_the_mailbox_is_told)
{
    struct board *board = board_new();
    ck_worker_ok(creates, board, NULL);
    ck_child_ok(attaches_without_mailbox, board);
    drop(board);
}
END_TEST

/* Deaths. */

enum { ROUNDS = 100 };

static int attaches_and_releases(void *arg)
{
    struct board *board = arg;
    for (;;) {
        CHILD_CHECK(shmpool_attach(board->pool, 0) == 0);
        atomic_fetch_add(&board->ready, 1);
        CHILD_CHECK(shmpool_release(board->pool) == 0);
    }
}

static void kill_at_some_moment(pid_t child, struct random *random)
{
    usleep((useconds_t)random_between(random, 0, 800));
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    int status = child_wait(child);
    ck_assert_msg(WIFSIGNALED(status), "%s", child_text(status));
}

START_TEST(readers_killed_while_they_look_hinder_nobody)
{
    struct board *board = board_new();
    struct random random = random_stream(random_seed(), 1);
    shmpool_worker creator = shmpool_start(creates_and_waits, board, NULL);
    wait_for(&board->ready, 1);
    for (int i = 0; i < ROUNDS; i++) {
        atomic_store(&board->ready, 0);
        pid_t children[2] = {child_start(attaches_and_releases, board),
                             child_start(attaches_and_releases, board)};
        wait_for(&board->ready, 1);
        kill_at_some_moment(children[0], &random);
        kill_at_some_moment(children[1], &random);
        if (i % 10 == 0)
            ck_child_ok(attaches_it, board);
    }
    atomic_store(&board->go, 1);
    ck_join_ok(creator);
    drop(board);
}
END_TEST

static int creates_and_drops(void *arg)
{
    struct board *board = arg;
    for (;;) {
        creates(board);
        atomic_store(&board->ready, 2);
        CHILD_CHECK(shmpool_unlink(board->pool) == 0);
        CHILD_CHECK(shmpool_release(board->pool) == 0);
    }
}

START_TEST(creators_killed_at_any_moment_leave_what_can_be_attached_or_nothing)
{
    struct board *board = board_new();
    struct random random = random_stream(random_seed(), 2);
    run_name(board->name, "killed");
    for (int i = 0; i < ROUNDS; i++) {
        atomic_store(&board->ready, 0);
        pid_t child = child_start(creates_and_drops, board);
        wait_for(&board->ready, 2);
        kill_at_some_moment(child, &random);
        if (shmpool_attach(board->pool, 0) == 0) {
            ck_assert_int_eq(shmpool_check(board->pool, stderr), 0);
            pool_drop(board->pool);
        } else {
            ck_assert_msg(errno == ENOENT || errno == EBADF, "%s", shmpool_errmsg());
        }
        if (backend()->has_names)
            shmpool_unlink_name(board->name);
    }
    ck_worker_ok(creates, board, NULL); /* removes what is unfinished under the name */
    ck_child_ok(attaches_it, board);
    drop(board);
}
END_TEST

TCase *attach_case(void)
{
    TCase *tcase = contract_case("attach");
    tcase_add_test(tcase, a_pool_of_a_sibling_is_attached_by_its_id);
    tcase_add_test(tcase, a_pool_attached_for_reading_can_only_be_read);
    tcase_add_test(tcase, a_pool_is_attached_after_its_creators_end);
    tcase_add_test(tcase, attaching_takes_no_right_to_look_into_anybody);
    tcase_add_test(tcase, attaching_what_is_mapped_is_success);
    tcase_add_test(tcase, what_is_attached_for_reading_is_not_attached_in_full);
    tcase_add_test(tcase, a_pool_released_here_can_be_attached_again);
    tcase_add_test(tcase, a_restricted_worker_attaches_what_it_and_its_own_created);
    tcase_add_test(tcase, restricted_ones_below_each_other_keep_apart);
    tcase_add_test(tcase, what_was_granted_and_released_comes_back_as_it_was);
    tcase_add_test(tcase, a_private_pool_is_attached_by_nobody);
    tcase_add_test(tcase, an_id_that_names_no_pool_is_EBADF);
    tcase_add_test(tcase, a_pool_that_was_unlinked_is_found_no_more);
    tcase_add_test(tcase, a_pool_without_a_name_goes_with_its_last_user);
    tcase_add_test(tcase, a_name_that_stands_for_another_pool_is_not_followed);
    tcase_add_test(tcase, an_occupied_address_is_EADDRINUSE_and_the_occupant_named);
    tcase_add_test(tcase, thousands_of_pools_use_nothing_up);
    tcase_add_test(tcase, a_full_mailbox_hinders_nobody_and_empties);
    tcase_add_test(tcase, a_program_that_closes_the_mailbox_is_told);
    tcase_add_test(tcase, readers_killed_while_they_look_hinder_nobody);
    tcase_add_test(tcase, creators_killed_at_any_moment_leave_what_can_be_attached_or_nothing);
    return tcase;
}
