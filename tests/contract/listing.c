/* Looking from outside: which pools there are, in what state, and a look into one. */
#include <inttypes.h>
#include <limits.h>
#include <shmpool/inspect.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "contract/contract.h"

/* ---- finding one's own entry ---- */

struct entry {
    const char *name; /* wanted */
    int n;            /* how many have it */
    struct shmpool_listed listed;
    char handle[320];
    char wrong[1024];
};

static int note(const struct shmpool_listed *listed, void *arg)
{
    struct entry *entry = arg;
    if (listed->name == NULL || strcmp(listed->name, entry->name) != 0 ||
        strcmp(listed->backend, backend()->name) != 0)
        return 0;
    entry->n++;
    entry->listed = *listed;
    snprintf(entry->handle, sizeof entry->handle, "%s", listed->handle ? listed->handle : "");
    snprintf(entry->wrong, sizeof entry->wrong, "%s", listed->wrong ? listed->wrong : "");
    return 0;
}

static struct entry entry_of(const char *name)
{
    struct entry entry = {.name = name};
    ck_ok(shmpool_list(note, &entry));
    return entry;
}

static bool is_there(const struct shmpool_listed *listed)
{
    return listed->backend != NULL;
}

static bool is_live(const struct shmpool_listed *listed)
{
    return listed->state == SHMPOOL_LIVE;
}

static bool has_strangers(const struct shmpool_listed *listed)
{
    return listed->holders > 1 || (listed->holder != 0 && listed->holder != getpid());
}

/* Another test that lists all pools has this one for a moment: what it seems then passes. */
static struct entry entry_without(const char *name,
                                  bool (*seems)(const struct shmpool_listed *listed))
{
    const struct timespec nap = {.tv_nsec = 10000000};
    struct entry entry = entry_of(name);
    for (int i = 0; i < 500 && seems(&entry.listed); i++) {
        nanosleep(&nap, NULL);
        entry = entry_of(name);
    }
    return entry;
}

static struct entry entry_at_rest(const char *name)
{
    return entry_without(name, is_live);
}

/* Of a pool that this process alone has. */
static struct entry entry_of_own(const char *name)
{
    return entry_without(name, has_strangers);
}

/* ---- the list ---- */

START_TEST(a_pool_is_listed_once_with_what_it_is)
{
    char name[RUN_NAME_SIZE];
    struct shmpool_options options = {.name = run_name(name, "list"), .flags = SHMPOOL_KEEP};
    shmpool_id pool = shmpool_create(pages(10), &options);
    ck_ok(pool);
    struct entry entry = entry_of_own(name);
    ck_assert_int_eq(entry.n, 1);
    ck_assert_int_eq(entry.listed.state, SHMPOOL_LIVE);
    ck_assert_int_eq(entry.listed.creator_life, SHMPOOL_ALIVE);
    ck_assert_int_eq(entry.listed.creator, getpid());
    ck_assert_int_eq(entry.listed.holder, getpid());
    ck_assert_uint_eq(entry.listed.holders, 1);
    ck_assert_uint_eq(entry.listed.flags, SHMPOOL_KEEP);
    ck_assert_uint_eq(entry.listed.uid, geteuid());
    ck_assert_uint_eq(entry.listed.mode, 0600);
    ck_assert_uint_ge(entry.listed.size, pages(10));
    ck_assert_ptr_eq(entry.listed.address, pool_base(pool));
    ck_assert_str_eq(entry.wrong, "");
    ck_assert_uint_eq(entry.listed.inode, pool_object(pool).inode);
    pool_drop(pool);
    ck_assert_int_eq(entry_without(name, is_there).n, 0);
}
END_TEST

START_TEST(a_list_changes_no_sentence_and_needs_a_visitor)
{
    shmpool_id pool = pool_new(1);
    ck_fails(shmpool_list(NULL, NULL), EINVAL);
    ck_fails(shmpool_runs(pool, NULL, NULL), EINVAL);
    ck_fails(shmpool_processes(pool, NULL, NULL), EINVAL);
    ck_fails(shmpool_free(pool, NULL), ENOENT);
    char before[1024];
    snprintf(before, sizeof before, "%s", shmpool_errmsg());
    entry_of("nothing");
    ck_assert_str_eq(shmpool_errmsg(), before);
    pool_drop(pool);
}
END_TEST

static int stop_at_once(const struct shmpool_listed *listed, void *arg)
{
    (void)listed;
    ++*(int *)arg;
    return 42;
}

START_TEST(a_visitor_ends_the_list)
{
    int n = 0;
    shmpool_id pool = pool_new(1);
    ck_assert_int_eq(shmpool_list(stop_at_once, &n), 42);
    ck_assert_int_eq(n, 1);
    pool_drop(pool);
}
END_TEST

/* make NAME FLAGS: a pool whose maker is dead, with its whole family. */
int helper_make(char **argv)
{
    struct shmpool_options options = {.name = argv[0], .flags = (unsigned)atoi(argv[1])};
    CHILD_CHECK(shmpool_create(pages(5), &options) > 0);
    return 0;
}

static void make_and_die(const char *name, unsigned flags)
{
    char text[16];
    snprintf(text, sizeof text, "%u", flags);
    const char *const argv[] = {"contract", "make", name, text, NULL};
    ck_status_ok(child_exec(argv));
}

static void ck_left_in_state(const char *name, int state)
{
    struct entry entry = entry_at_rest(name);
    ck_assert_int_eq(entry.n, 1);
    ck_assert_int_eq(entry.listed.creator_life, SHMPOOL_DEAD);
    ck_assert_int_eq(entry.listed.state, state);
    ck_ok(shmpool_unlink_name(name));
}

START_TEST(a_pool_of_a_dead_family_is_an_orphan)
{
    char name[RUN_NAME_SIZE];
    if (!backend()->has_names)
        return;
    make_and_die(run_name(name, "orphan"), 0);
    ck_left_in_state(name, SHMPOOL_ORPHAN);
}
END_TEST

START_TEST(a_pool_that_is_kept_is_idle)
{
    char name[RUN_NAME_SIZE];
    if (!backend()->has_names)
        return;
    make_and_die(run_name(name, "kept"), SHMPOOL_KEEP);
    ck_left_in_state(name, SHMPOOL_IDLE);
}
END_TEST

static int create_and_die(void *name)
{
    const struct shmpool_options options = {.name = name};
    CHILD_CHECK(shmpool_create(pages(5), &options) > 0);
    return 0;
}

START_TEST(a_pool_whose_family_lives_is_idle)
{
    char name[RUN_NAME_SIZE];
    if (!backend()->has_names)
        return;
    pool_drop(pool_new(1)); /* from here on children are of this family */
    ck_child_ok(create_and_die, (void *)run_name(name, "family"));
    ck_left_in_state(name, SHMPOOL_IDLE);
}
END_TEST

START_TEST(a_pool_that_nobody_has_is_idle_while_its_maker_lives)
{
    char name[RUN_NAME_SIZE];
    if (!backend()->has_names)
        return;
    ck_ok(shmpool_release(pool_named(run_name(name, "idle"), 2)));
    ck_assert_int_eq(entry_at_rest(name).listed.state, SHMPOOL_IDLE);
    ck_ok(shmpool_unlink_name(name));
}
END_TEST

/* ---- what is no sound pool ---- */

static struct entry entry_with(const char *subject, size_t offset, uint32_t value)
{
    static char name[RUN_NAME_SIZE];
    shmpool_id pool = pool_named(run_name(name, subject), 10);
    uint32_t *place = (uint32_t *)(void *)((char *)pool_base(pool) + offset);
    uint32_t before[2] = {place[0], place[1]};
    place[0] = value;
    if (offset == 0)
        place[1] = value;
    struct entry entry = entry_of_own(name);
    if (entry.n == 1)
        ck_fails(shmpool_inspect(backend()->has_names ? name : entry.handle), EUCLEAN);
    memcpy(place, before, sizeof before);
    pool_drop(pool);
    return entry;
}

START_TEST(another_version_is_listed_as_one)
{
    struct entry entry = entry_with("version", 8, 77);
    ck_assert_int_eq(entry.n, 1);
    ck_assert_int_eq(entry.listed.state, SHMPOOL_OTHER_VERSION);
    ck_assert_ptr_nonnull(strstr(entry.wrong, "77"));
    ck_assert_uint_eq(entry.listed.holders, 1);
}
END_TEST

START_TEST(a_damaged_header_is_listed_as_one)
{
    struct entry entry = entry_with("damaged", 0x20, 0);
    ck_assert_int_eq(entry.n, 1);
    ck_assert_int_eq(entry.listed.state, SHMPOOL_DAMAGED);
    ck_assert_str_ne(entry.wrong, "");
    ck_assert_ptr_null(entry.listed.address);
}
END_TEST

/* On sysv an unfinished segment has no name that could be trusted. */
START_TEST(an_unfinished_object_is_listed_as_one)
{
    struct entry entry = entry_with("unfinished", 0, 0);
    ck_assert_int_eq(entry.n, strcmp(backend()->name, "sysv") == 0 ? 0 : 1);
    if (entry.n == 1)
        ck_assert_int_eq(entry.listed.state, SHMPOOL_UNFINISHED);
}
END_TEST

/* ---- a look into one ---- */

/* look HANDLE BLOCK: what a stranger finds in a pool of 20 pages with one block of three. */
int helper_look(char **argv)
{
    struct shmpool_stats stats;
    shmpool_id pool = shmpool_inspect(argv[0]);
    CHILD_CHECK(pool > 0);
    CHILD_CHECK(shmpool_stats(pool, &stats) == 0);
    CHILD_CHECK(stats.blocks == 1 && stats.members == 1 && stats.free == pages(17));
    CHILD_CHECK(shmpool_size_at(pool, (void *)strtoumax(argv[1], NULL, 0)) == (ssize_t)pages(3));
    CHILD_CHECK(shmpool_check(pool, stderr) == 0);
    CHILD_FAILS_NULL(shmpool_alloc(pool, 1), EROFS);
    CHILD_FAILS(shmpool_recover(pool), EROFS);
    CHILD_CHECK(shmpool_inspect(argv[0]) == pool);
    CHILD_CHECK(shmpool_release(pool) == 0);
    return 0;
}

static void leave(shmpool_id pool)
{
    (void)pool;
}

static void unlink_it(shmpool_id pool)
{
    ck_ok(shmpool_unlink(pool));
}

/* how: what becomes of the pool before it is looked into. */
static void look_into(const char *subject, void (*how)(shmpool_id pool))
{
    char name[RUN_NAME_SIZE];
    char block[32];
    shmpool_id pool = pool_named(run_name(name, subject), 20);
    snprintf(block, sizeof block, "%p", shmpool_alloc(pool, pages(3)));
    struct shmpool_stats before = stats_of(pool);
    how(pool);
    struct entry entry = entry_of(name);
    const char *const argv[] = {"contract", "look", entry.handle, block, NULL};
    ck_status_ok(child_exec(argv));
    struct shmpool_stats after = stats_of(pool);
    ck_assert_mem_eq(&after, &before, sizeof after);
    if (how == leave)
        ck_ok(shmpool_unlink(pool));
    ck_ok(shmpool_release(pool));
}

START_TEST(a_stranger_looks_into_a_pool_without_a_trace)
{
    look_into("look", leave);
}
END_TEST

START_TEST(a_pool_that_was_unlinked_is_found_by_who_has_it)
{
    if (strcmp(backend()->name, "file") != 0)
        look_into("unlinked", unlink_it);
}
END_TEST

struct creator {
    char name[RUN_NAME_SIZE];
    _Atomic int ready;
    _Atomic int go;
};

static int create_and_hold(void *arg)
{
    struct creator *creator = arg;
    const struct shmpool_options options = {.name = creator->name};
    shmpool_id pool = shmpool_create(pages(1), &options);
    CHILD_CHECK(pool > 0 && (!backend()->has_names || shmpool_unlink(pool) == 0));
    atomic_store(&creator->ready, 1);
    wait_for(&creator->go, 1);
    return shmpool_release(pool);
}

/* Its process ID is larger, as a rule, than that of this process, which looks. */
START_TEST(a_pool_without_a_name_is_reached_by_its_creator_whoever_looks_at_it)
{
    struct creator *creator = shared_memory(sizeof *creator);
    if (strcmp(backend()->name, "file") == 0)
        return;
    run_name(creator->name, "creator");
    pid_t child = child_start(create_and_hold, creator);
    wait_for(&creator->ready, 1);
    struct entry alone = entry_of(creator->name);
    shmpool_id pool = shmpool_inspect(alone.handle);
    ck_ok(pool);
    struct entry entry = entry_of(creator->name);
    ck_assert_int_eq(entry.n, 1);
    ck_assert_int_eq(entry.listed.holder, child);
    ck_assert_uint_ge(entry.listed.holders, 2);
    ck_assert_str_eq(entry.handle, alone.handle);
    ck_ok(shmpool_release(pool));
    atomic_store(&creator->go, 1);
    ck_status_ok(child_wait(child));
}
END_TEST

START_TEST(two_pools_of_one_label_have_two_handles)
{
    char name[RUN_NAME_SIZE];
    struct shmpool_stats stats;
    if (backend()->has_names)
        return;
    shmpool_id one = pool_named(run_name(name, "label"), 1);
    shmpool_id two = pool_named(name, 2);
    struct entry last = entry_of(name);
    ck_assert_int_eq(last.n, 2);
    ck_assert_ptr_nonnull(strchr(strchr(last.handle, '@'), '.'));
    shmpool_id found = shmpool_inspect(last.handle);
    ck_assert(found == one || found == two);
    ck_ok(shmpool_stats(found, &stats));
    *strchr(strchr(last.handle, '@'), '.') = '\0';
    ck_assert_int_eq(shmpool_inspect(last.handle), found == one ? two : one);
    pool_drop(one);
    pool_drop(two);
}
END_TEST

/* Looks into its own pool while it is shown, also by a list within the visit. */
static int look_at_once(const struct shmpool_listed *listed, void *arg)
{
    struct entry *entry = arg;
    struct entry inner = {.name = entry->name};
    if (note(listed, arg) != 0 || listed->name == NULL || strcmp(listed->name, entry->name) != 0)
        return 0;
    ck_ok(shmpool_list(note, &inner));
    shmpool_id pool = shmpool_inspect(listed->handle);
    ck_ok(pool);
    ck_assert_str_eq(shmpool_name(pool), entry->name);
    ck_assert_int_eq(shmpool_inspect(inner.handle), pool);
    return 0;
}

START_TEST(a_visitor_looks_into_what_it_is_shown)
{
    char name[RUN_NAME_SIZE];
    shmpool_id pool = pool_named(run_name(name, "shown"), 3);
    struct entry entry = {.name = name};
    ck_ok(shmpool_list(look_at_once, &entry));
    ck_assert_int_eq(entry.n, 1);
    pool_drop(pool);
}
END_TEST

START_TEST(a_handle_that_is_none_is_refused)
{
    shmpool_id pool = pool_new(1);
    ck_fails(shmpool_inspect(NULL), EINVAL);
    ck_fails(shmpool_inspect(""), EINVAL);
    ck_fails(shmpool_inspect("x@"), EINVAL);
    ck_fails(shmpool_inspect("x@y"), EINVAL);
    ck_fails(shmpool_inspect("x@-1"), EINVAL);
    ck_fails(shmpool_inspect("x@1.2.3"), EINVAL);
    ck_fails(shmpool_inspect("nowhere:x@1"), EINVAL);
    ck_fails(shmpool_inspect("a/b@1"), EINVAL);
    ck_fails(shmpool_inspect("memfd:x"), ENOTSUP);
    ck_fails(shmpool_inspect("memfd:nobody-has-this@2147483647"), ENOENT);
    pool_drop(pool);
}
END_TEST

/* ---- walks ---- */

struct walk {
    size_t next; /* page */
    size_t blocks;
    size_t free;
    size_t shared;
    size_t mine;
    unsigned process;
    const void *block; /* looked for */
    struct shmpool_run run;
};

static int walk_on(const struct shmpool_run *run, void *arg)
{
    struct walk *walk = arg;
    ck_quiet(run->page == walk->next);
    walk->next += run->pages;
    walk->blocks += run->kind == SHMPOOL_BLOCK;
    walk->free += run->kind == SHMPOOL_FREE ? run->pages : 0;
    walk->shared += run->kind == SHMPOOL_BLOCK && run->ownership == SHMPOOL_SHARED;
    if (run->ownership == SHMPOOL_OWNED && run->owner == getpid()) {
        walk->mine++;
        walk->process = run->process;
    }
    if (run->address == walk->block)
        walk->run = *run;
    return 0;
}

START_TEST(runs_cover_the_pool_in_order)
{
    shmpool_id pool = pool_new(300);
    void *table = shmpool_alloc(pool, 1);
    void *block[6];
    for (size_t i = 0; i < 6; i++)
        block[i] = shmpool_alloc(pool, pages(1 + i * 13));
    memset(table, 0, page());
    ck_ok(shmpool_free(pool, block[2]));
    ck_ok(shmpool_publish(pool, block[4], table));
    struct walk walk = {.block = block[5]};
    ck_assert_int_eq(shmpool_runs(pool, walk_on, &walk), 0);
    ck_assert_uint_eq(walk.next, 300);
    ck_assert_uint_eq(walk.blocks, 6);
    ck_assert_uint_eq(pages(walk.free), stats_of(pool).free);
    ck_assert_uint_eq(walk.shared, 1);
    ck_assert_uint_eq(walk.mine, 5);
    ck_assert_uint_eq(walk.run.pages, 66);
    ck_assert_int_eq(walk.run.kind, SHMPOOL_BLOCK);
    pool_drop(pool);
}
END_TEST

static int stop_at_third(const struct shmpool_run *run, void *arg)
{
    (void)run;
    return ++*(int *)arg == 3 ? 7 : 0;
}

START_TEST(a_visitor_ends_a_walk)
{
    int n = 0;
    shmpool_id pool = pool_new(10);
    for (int i = 0; i < 10; i++)
        ck_assert_ptr_nonnull(shmpool_alloc(pool, 1));
    ck_assert_int_eq(shmpool_runs(pool, stop_at_third, &n), 7);
    ck_assert_int_eq(n, 3);
    pool_drop(pool);
}
END_TEST

/* Blocks that lie across several words come and go. */
static int churn(void *pool)
{
    void *blocks[8] = {NULL};
    for (unsigned i = 0; i < UINT_MAX; i++) {
        void **block = &blocks[i % 8];
        CHILD_CHECK(*block == NULL || shmpool_free(*(shmpool_id *)pool, *block) == 0);
        *block = shmpool_alloc(*(shmpool_id *)pool, pages(20 + i * 7 % 60));
    }
    return 0;
}

static int count_strays(const struct shmpool_run *run, void *strays)
{
    *(size_t *)strays += run->kind == SHMPOOL_STRAY;
    return 0;
}

START_TEST(a_walk_beside_members_at_work_sees_no_damage)
{
    size_t strays = 0;
    shmpool_id pool = pool_new(600);
    pid_t child = child_start(churn, &pool);
    for (int i = 0; i < 20000; i++)
        ck_quiet(shmpool_runs(pool, count_strays, &strays) == 0);
    kill(child, SIGKILL);
    child_wait(child);
    ck_assert_uint_eq(strays, 0);
    pool_drop(pool);
}
END_TEST

struct crowd {
    struct shmpool_process mine;
    struct shmpool_process other;
    pid_t other_pid;
    int n;
};

static int count_process(const struct shmpool_process *process, void *arg)
{
    struct crowd *crowd = arg;
    crowd->n++;
    if (process->pid == getpid())
        crowd->mine = *process;
    if (process->pid == crowd->other_pid)
        crowd->other = *process;
    return 0;
}

static int own_blocks(void *pool)
{
    for (size_t i = 1; i < 4; i++)
        CHILD_CHECK(shmpool_alloc(*(shmpool_id *)pool, pages(i)) != NULL);
    return 0;
}

START_TEST(processes_are_listed_with_what_they_own)
{
    shmpool_id pool = pool_new(100);
    struct crowd crowd = {.n = 0};
    ck_assert_int_eq(shmpool_processes(pool, count_process, &crowd), 0);
    ck_assert_int_eq(crowd.n, 0);
    ck_assert_ptr_nonnull(shmpool_alloc(pool, pages(7)));
    crowd.other_pid = child_start(own_blocks, &pool);
    ck_status_ok(child_wait(crowd.other_pid));
    ck_assert_int_eq(shmpool_processes(pool, count_process, &crowd), 0);
    ck_assert_int_eq(crowd.n, 2);
    ck_assert_int_eq(crowd.mine.life, SHMPOOL_ALIVE);
    ck_assert_uint_eq(crowd.mine.threads, 1);
    ck_assert_uint_eq(crowd.mine.busy, 0);
    ck_assert_uint_eq(crowd.mine.blocks, 1);
    ck_assert_uint_eq(crowd.mine.pages, 7);
    ck_assert_int_eq(crowd.other.life, SHMPOOL_DEAD);
    ck_assert_uint_eq(crowd.other.blocks, 3);
    ck_assert_uint_eq(crowd.other.pages, 6);
    ck_assert_uint_ne(crowd.other.process, crowd.mine.process);
    pool_drop(pool);
}
END_TEST

TCase *listing_case(void)
{
    TCase *tcase = contract_case("looking from outside");
    tcase_add_test(tcase, a_pool_is_listed_once_with_what_it_is);
    tcase_add_test(tcase, a_list_changes_no_sentence_and_needs_a_visitor);
    tcase_add_test(tcase, a_visitor_ends_the_list);
    tcase_add_test(tcase, a_pool_of_a_dead_family_is_an_orphan);
    tcase_add_test(tcase, a_pool_that_is_kept_is_idle);
    tcase_add_test(tcase, a_pool_whose_family_lives_is_idle);
    tcase_add_test(tcase, a_pool_that_nobody_has_is_idle_while_its_maker_lives);
    tcase_add_test(tcase, another_version_is_listed_as_one);
    tcase_add_test(tcase, a_damaged_header_is_listed_as_one);
    tcase_add_test(tcase, an_unfinished_object_is_listed_as_one);
    tcase_add_test(tcase, a_stranger_looks_into_a_pool_without_a_trace);
    tcase_add_test(tcase, a_pool_that_was_unlinked_is_found_by_who_has_it);
    tcase_add_test(tcase, a_pool_without_a_name_is_reached_by_its_creator_whoever_looks_at_it);
    tcase_add_test(tcase, two_pools_of_one_label_have_two_handles);
    tcase_add_test(tcase, a_visitor_looks_into_what_it_is_shown);
    tcase_add_test(tcase, a_handle_that_is_none_is_refused);
    tcase_add_test(tcase, runs_cover_the_pool_in_order);
    tcase_add_test(tcase, a_visitor_ends_a_walk);
    tcase_add_test(tcase, a_walk_beside_members_at_work_sees_no_damage);
    tcase_add_test(tcase, processes_are_listed_with_what_they_own);
    return tcase;
}
