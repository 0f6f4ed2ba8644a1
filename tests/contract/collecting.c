/* Removing what is left over: only that, and only what the entry means. */
#include <fcntl.h>
#include <linux/magic.h>
#include <shmpool/inspect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "contract/contract.h"
#include "support/filefolder.h"

/* ---- entries ---- */

/* A copy of what is listed under a name, and how many have it. */
struct kept {
    const char *name;
    int n;
    struct shmpool_listed listed;
};

/* Where pools have names, one that was removed is listed with its label still while another test,
 * which looked at it, has it. */
static bool is_removed(const struct shmpool_listed *listed)
{
    return backend()->has_names && (listed->handle == NULL || strchr(listed->handle, '@') != NULL);
}

static int keep(const struct shmpool_listed *listed, void *arg)
{
    struct kept *kept = arg;
    if (listed->name == NULL || strcmp(listed->name, kept->name) != 0 ||
        strcmp(listed->backend, backend()->name) != 0 || is_removed(listed))
        return 0;
    kept->n++;
    kept->listed = *listed;
    kept->listed.backend = backend()->name;
    kept->listed.name = kept->name;
    kept->listed.handle = kept->listed.wrong = NULL;
    kept->listed.where = "the object";
    return 0;
}

static struct kept kept_of(const char *name)
{
    struct kept kept = {.name = name};
    ck_ok(shmpool_list(keep, &kept));
    return kept;
}

/* Another test that lists all pools has this one for a moment, and it seems live. */
static struct kept kept_at_rest(const char *name)
{
    const struct timespec nap = {.tv_nsec = 10000000};
    struct kept kept = kept_of(name);
    for (int i = 0; i < 200 && kept.listed.state == SHMPOOL_LIVE; i++) {
        nanosleep(&nap, NULL);
        kept = kept_of(name);
    }
    return kept;
}

/* ---- what is left over ---- */

/* On an overlay of file systems nobody can tell who uses a file. */
static bool is_on_overlay(void)
{
    struct statfs status;
    return filefolder_path() != NULL && statfs(filefolder_path(), &status) == 0 &&
           status.f_type == OVERLAYFS_SUPER_MAGIC;
}

static bool can_be_left_over(void)
{
    return backend()->has_names && !is_on_overlay();
}

static void make_and_die(const char *name, const char *flags)
{
    const char *const argv[] = {"contract", "make", name, flags, NULL};
    ck_status_ok(child_exec(argv));
}

static struct kept left_over(char name[RUN_NAME_SIZE], const char *subject)
{
    make_and_die(run_name(name, subject), "0");
    return kept_at_rest(name);
}

/* While another test lists all pools it has this one, perhaps for longer than collecting waits. */
static int collect_at_rest(const struct kept *kept, unsigned flags)
{
    const struct timespec nap = {.tv_nsec = 10000000};
    int result = shmpool_collect(&kept->listed, flags);
    for (int i = 0; i < 200 && result != 0 && errno == EBUSY; i++) {
        nanosleep(&nap, NULL);
        result = shmpool_collect(&kept->listed, flags);
    }
    return result;
}

static void ck_collected(const struct kept *kept)
{
    ck_ok(collect_at_rest(kept, 0));
    ck_assert_int_eq(kept_of(kept->name).n, 0);
}

START_TEST(what_is_left_over_is_collected_once)
{
    char name[RUN_NAME_SIZE];
    if (!can_be_left_over())
        return;
    struct kept kept = left_over(name, "left");
    ck_assert_int_eq(kept.listed.state, SHMPOOL_ORPHAN);
    ck_ok(collect_at_rest(&kept, SHMPOOL_PRETEND));
    ck_assert_int_eq(kept_of(name).n, 1);
    ck_collected(&kept);
    ck_fails(shmpool_collect(&kept.listed, 0), ENOENT);
    ck_fails(shmpool_open(name, 0), ENOENT);
    pool_drop(pool_named(name, 2));
}
END_TEST

START_TEST(a_visitor_may_collect)
{
    char name[RUN_NAME_SIZE];
    if (!can_be_left_over())
        return;
    left_over(name, "visitor");
    ck_assert_int_eq(kept_of(name).n, 1);
    ck_collected(&(struct kept){.name = name, .listed = kept_of(name).listed});
}
END_TEST

/* ---- what is not ---- */

static void ck_stays(const struct kept *kept)
{
    ck_fails(shmpool_collect(&kept->listed, SHMPOOL_PRETEND), EBUSY);
    ck_fails(shmpool_collect(&kept->listed, 0), EBUSY);
    ck_assert_int_eq(kept_of(kept->name).n, 1);
}

START_TEST(what_is_kept_stays)
{
    char name[RUN_NAME_SIZE];
    char flags[16];
    if (!can_be_left_over())
        return;
    snprintf(flags, sizeof flags, "%d", SHMPOOL_KEEP);
    make_and_die(run_name(name, "keep"), flags);
    struct kept kept = kept_of(name);
    ck_stays(&kept);
    ck_assert_ptr_nonnull(strstr(shmpool_errmsg(), "SHMPOOL_KEEP"));
    ck_ok(shmpool_unlink_name(name));
}
END_TEST

static int create_and_die(void *name)
{
    const struct shmpool_options options = {.name = name};
    CHILD_CHECK(shmpool_create(pages(5), &options) > 0);
    return 0;
}

START_TEST(what_a_living_family_made_stays)
{
    char name[RUN_NAME_SIZE];
    if (!can_be_left_over())
        return;
    ck_child_ok(create_and_die, (void *)run_name(name, "family"));
    struct kept kept = kept_of(name);
    ck_assert_int_eq(kept.listed.creator_life, SHMPOOL_DEAD);
    ck_stays(&kept);
    ck_ok(shmpool_unlink_name(name));
}
END_TEST

/* make-family NAME: a member of the family creates a pool and dies; the rest of the family closes
 * all its descriptors and waits for the end of its input. */
int helper_make_family(char **argv)
{
    char byte;
    shmpool_id first = shmpool_create(pages(1), NULL); /* the family begins here */
    CHILD_CHECK(shmpool_unlink(first) == 0 && shmpool_release(first) == 0);
    CHILD_CHECK(child_ok(child_run(create_and_die, argv[0])));
    closefrom(3);
    CHILD_CHECK(write(STDOUT_FILENO, "x", 1) == 1);
    CHILD_CHECK(read(STDIN_FILENO, &byte, 1) == 0);
    return 0;
}

/* open NAME: holds it by a mapping alone until the end of its input. */
int helper_open(char **argv)
{
    char byte;
    CHILD_CHECK(shmpool_open(argv[0], SHMPOOL_RDONLY) > 0);
    closefrom(3);
    CHILD_CHECK(write(STDOUT_FILENO, "x", 1) == 1);
    CHILD_CHECK(read(STDIN_FILENO, &byte, 1) == 0);
    return 0;
}

/* A program of another family that has said by a byte that it is ready. */
struct stranger {
    const char *const *argv;
    int input;
    int output;
    int end; /* of its input: the last one that is open */
    pid_t pid;
};

static int be_stranger(void *arg)
{
    const struct stranger *stranger = arg;
    close(stranger->end);
    dup2(stranger->input, STDIN_FILENO);
    dup2(stranger->output, STDOUT_FILENO);
    return child_ok(child_exec(stranger->argv)) ? 0 : 1;
}

static void stranger_start(struct stranger *stranger, const char *verb, const char *name)
{
    const char *argv[] = {"contract", verb, name, NULL};
    int in[2], out[2];
    char byte;
    ck_ok(pipe2(in, O_CLOEXEC));
    ck_ok(pipe2(out, O_CLOEXEC));
    *stranger = (struct stranger){argv, in[0], out[1], in[1], 0};
    stranger->pid = child_start(be_stranger, stranger);
    close(in[0]);
    close(out[1]);
    ck_assert_int_eq(read(out[0], &byte, 1), 1);
    close(out[0]);
}

static void stranger_end(const struct stranger *stranger)
{
    close(stranger->end);
    ck_status_ok(child_wait(stranger->pid));
}

START_TEST(what_a_family_without_descriptors_made_stays)
{
    char name[RUN_NAME_SIZE];
    struct stranger family;
    if (!can_be_left_over())
        return;
    stranger_start(&family, "make-family", run_name(name, "family"));
    struct kept kept = kept_at_rest(name);
    ck_assert_int_eq(kept.listed.creator_life, SHMPOOL_DEAD);
    ck_assert_int_eq(kept.listed.state, SHMPOOL_IDLE);
    ck_stays(&kept);
    stranger_end(&family);
    ck_assert_int_eq(kept_at_rest(name).listed.state, SHMPOOL_ORPHAN);
    ck_collected(&kept);
}
END_TEST

START_TEST(what_a_stranger_has_mapped_stays)
{
    char name[RUN_NAME_SIZE];
    struct stranger user;
    if (!can_be_left_over())
        return;
    struct kept kept = left_over(name, "mapped");
    stranger_start(&user, "open", name);
    ck_stays(&kept);
    stranger_end(&user);
    ck_collected(&kept);
}
END_TEST

START_TEST(what_this_process_has_mapped_stays)
{
    char name[RUN_NAME_SIZE];
    if (!can_be_left_over())
        return;
    struct kept kept = left_over(name, "own");
    shmpool_id pool = shmpool_open(name, 0);
    ck_stays(&kept);
    ck_pool_is_whole(pool);
    ck_ok(shmpool_release(pool));
    ck_collected(&kept);
}
END_TEST

START_TEST(another_pool_of_the_name_stays)
{
    char name[RUN_NAME_SIZE];
    if (!can_be_left_over())
        return;
    struct kept kept = left_over(name, "another");
    shmpool_id first = shmpool_open(name, 0); /* its number is not used again meanwhile */
    ck_ok(shmpool_unlink(first));
    make_and_die(name, "0");
    ck_fails(shmpool_collect(&kept.listed, 0), ENOENT);
    ck_ok(shmpool_release(first));
    kept = kept_of(name);
    ck_assert_int_eq(kept.n, 1);
    ck_collected(&kept);
}
END_TEST

START_TEST(what_has_no_sound_header_stays)
{
    char name[RUN_NAME_SIZE];
    if (!can_be_left_over())
        return;
    shmpool_id pool = pool_named(run_name(name, "damaged"), 3);
    uint32_t *version = (uint32_t *)(void *)((char *)pool_base(pool) + 8);
    *version = 77;
    struct kept kept = kept_of(name);
    ck_assert_int_eq(kept.listed.state, SHMPOOL_OTHER_VERSION);
    ck_fails(shmpool_collect(&kept.listed, 0), EUCLEAN);
    pool_drop(pool);
}
END_TEST

START_TEST(what_lies_on_an_overlay_stays)
{
    char name[RUN_NAME_SIZE];
    if (!is_on_overlay())
        return;
    struct kept kept = left_over(name, "overlay");
    ck_fails(shmpool_collect(&kept.listed, 0), ENOTSUP);
    ck_ok(shmpool_unlink_name(name));
}
END_TEST

START_TEST(pools_without_names_are_never_left_over)
{
    char name[RUN_NAME_SIZE];
    if (backend()->has_names)
        return;
    shmpool_id pool = pool_named(run_name(name, "label"), 1);
    struct kept kept = kept_of(name);
    ck_fails(shmpool_collect(&kept.listed, 0), ENOTSUP);
    pool_drop(pool);
}
END_TEST

START_TEST(an_entry_that_is_none_is_refused)
{
    struct shmpool_listed listed = {.backend = backend()->name, .where = "nowhere"};
    ck_fails(shmpool_collect(NULL, 0), EINVAL);
    ck_fails(shmpool_collect(&listed, 2), EINVAL);
    ck_fails(shmpool_collect(&(struct shmpool_listed){.where = ""}, 0), EINVAL);
    ck_fails(shmpool_collect(&(struct shmpool_listed){.backend = "nothing"}, 0), EINVAL);
    ck_fails(shmpool_collect(&listed, 0), backend()->has_names ? ENOENT : ENOTSUP);
    listed.name = "a/b";
    ck_fails(shmpool_collect(&listed, 0), backend()->has_names ? EINVAL : ENOTSUP);
    listed.state = SHMPOOL_UNFINISHED;
    ck_fails(shmpool_collect(&listed, 0),
             strcmp(backend()->name, "posix") == 0 || strcmp(backend()->name, "sysv") == 0
                 ? ENOENT
                 : ENOTSUP);
}
END_TEST

TCase *collecting_case(void)
{
    TCase *tcase = contract_case("collecting");
    tcase_add_test(tcase, what_is_left_over_is_collected_once);
    tcase_add_test(tcase, a_visitor_may_collect);
    tcase_add_test(tcase, what_is_kept_stays);
    tcase_add_test(tcase, what_a_living_family_made_stays);
    tcase_add_test(tcase, what_a_family_without_descriptors_made_stays);
    tcase_add_test(tcase, what_a_stranger_has_mapped_stays);
    tcase_add_test(tcase, what_this_process_has_mapped_stays);
    tcase_add_test(tcase, another_pool_of_the_name_stays);
    tcase_add_test(tcase, what_has_no_sound_header_stays);
    tcase_add_test(tcase, what_lies_on_an_overlay_stays);
    tcase_add_test(tcase, pools_without_names_are_never_left_over);
    tcase_add_test(tcase, an_entry_that_is_none_is_refused);
    return tcase;
}
