/* What has a pool's name in /dev/shm and is no pool, or another user's. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostile/opened.h"
#include "hostile/suites.h"
#include "support/child.h"
#include "support/leftover.h"
#include "support/namespace.h"
#include "support/proc.h"

static struct opened object;

/* ---- what has the name and is no pool ---- */

static void squat_fifo(const char *path)
{
    ck_assert_int_eq(mkfifo(path, 0666), 0);
}

static void squat_link_to_a_pool(const char *path)
{
    char target[256];
    opened_path(target, object.victim.name);
    ck_assert_int_eq(symlink(target, path), 0);
}

static void squat_link_to_nothing(const char *path)
{
    ck_assert_int_eq(symlink("/dev/shm/shmpool.nothing.is.here", path), 0);
}

static void squat_folder(const char *path)
{
    ck_assert_int_eq(mkdir(path, 0777), 0);
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

static void squat_empty(const char *path)
{
    write_file(path, "", 0);
}

static void squat_short(const char *path)
{
    write_file(path, "shmpool", 8);
}

static void squat_foreign(const char *path)
{
    static const char text[16384] = "somebody else's bytes";
    write_file(path, text, sizeof text);
}

static void squat_noise(const char *path)
{
    static uint64_t noise[8192];
    struct random random = {random_seed()};
    for (size_t i = 0; i < sizeof noise / sizeof noise[0]; i++)
        noise[i] = random_next(&random);
    write_file(path, noise, sizeof noise);
}

/* The first page of a pool and nothing behind it. */
static void squat_cut_off(const char *path)
{
    write_file(path, object.victim.image, object.victim.layout.page_size);
}

static const struct squat {
    const char *what;
    void (*make)(const char *path);
    const char *open; /* a part of the sentence */
    int unlink_errno; /* 0: unlink_name removes it, for it begins as a pool does */
} squats[] = {
    {"fifo", squat_fifo, "is not a pool: remove it by hand", ENOENT},
    {"link-to-pool", squat_link_to_a_pool, "is not a pool: remove it by hand", ENOENT},
    {"link-to-nothing", squat_link_to_nothing, "is not a pool: remove it by hand", ENOENT},
    {"folder", squat_folder, "is not a pool: remove it by hand", ENOENT},
    {"empty", squat_empty, "is not a pool: remove it by hand", ENOENT},
    {"short", squat_short, "is not a pool: remove it by hand", ENOENT},
    {"foreign", squat_foreign, "is not a sound pool", ENOENT},
    {"noise", squat_noise, "is not a sound pool", ENOENT},
    {"cut-off", squat_cut_off, "is not a sound pool", 0},
};

enum { N_SQUATS = sizeof squats / sizeof squats[0] };

static void ck_says_of(const char *text, const char *name)
{
    ck_assert_msg(strstr(shmpool_errmsg(), text) != NULL && strstr(shmpool_errmsg(), name) != NULL,
                  "\"%s\" of %s is not in: %s", text, name, shmpool_errmsg());
}

static void ck_cannot_be_opened(const struct squat *squat, const char *name)
{
    for (unsigned flags = 0; flags <= SHMPOOL_RDONLY; flags += SHMPOOL_RDONLY) {
        errno = 0;
        ck_assert_int_eq(shmpool_open(name, flags), -1);
        ck_assert_int_eq(errno, EUCLEAN);
        ck_says_of(squat->open, name);
    }
}

static void ck_name_stays_taken(const char *name)
{
    const struct shmpool_options options = {.name = name};
    errno = 0;
    ck_assert_int_eq(shmpool_create(1, &options), -1);
    ck_assert_int_eq(errno, EEXIST);
    ck_says_of("taken", name);
}

START_TEST(a_squatter_is_refused_and_left_alone)
{
    const struct squat *squat = &squats[_i];
    char name[RUN_NAME_SIZE], path[256];
    struct stat before, after;
    opened_make(&object, 0);
    opened_path(path, run_name(name, squat->what));
    squat->make(path);
    ck_assert_int_eq(lstat(path, &before), 0);
    ck_cannot_be_opened(squat, name);
    ck_name_stays_taken(name);
    ck_assert_int_eq(lstat(path, &after), 0);
    ck_assert(before.st_ino == after.st_ino && before.st_mode == after.st_mode &&
              before.st_size == after.st_size && before.st_mtime == after.st_mtime);
    errno = 0;
    ck_assert_int_eq(shmpool_unlink_name(name), squat->unlink_errno == 0 ? 0 : -1);
    ck_assert(squat->unlink_errno == 0 || errno == squat->unlink_errno);
    ck_assert_int_eq(remove(path), squat->unlink_errno == 0 ? -1 : 0);
    opened_drop(&object);
}
END_TEST

/* ---- another user's ---- */

enum { STRANGER = 65534 };

static void check_refused(const char *name, int code)
{
    CHILD_CHECK(errno == code);
    CHILD_CHECK(strstr(shmpool_errmsg(), name) != NULL);
}

static int meets_strange_objects(void *name)
{
    const struct shmpool_options options = {.name = name};
    CHILD_CHECK(shmpool_open(name, 0) == -1);
    check_refused(name, EACCES);
    CHILD_CHECK(shmpool_open(name, SHMPOOL_RDONLY) == -1);
    check_refused(name, EACCES);
    CHILD_CHECK(shmpool_unlink_name(name) == -1);
    check_refused(name, EACCES);
    CHILD_CHECK(shmpool_create(1, &options) == -1);
    check_refused(name, EEXIST);
    return 0;
}

/* Closed to others, and open to everybody: a pool holds pointers, so its owner decides. */
START_TEST(another_users_pool_is_refused)
{
    char name[RUN_NAME_SIZE], path[256];
    const struct shmpool_options options = {.name = run_name(name, "strange")};
    shmpool_id pool = shmpool_create(1, &options);
    ck_assert_int_gt(pool, 0);
    opened_path(path, name);
    ck_child_ok_as(STRANGER, STRANGER, meets_strange_objects, name);
    ck_assert_int_eq(chmod(path, 0666), 0);
    ck_child_ok_as(STRANGER, STRANGER, meets_strange_objects, name);
    ck_assert_int_eq(shmpool_check(pool, stderr), 0);
    ck_assert_int_eq(shmpool_unlink(pool), 0);
    ck_assert_int_eq(shmpool_release(pool), 0);
}
END_TEST

/* A file of root's, as long as a pool: it gets the name by a mount. */
#define FILE_OF_ROOT "/bin/sh"

static void squat_by_mount(const char *path)
{
    struct stat status;
    write_file(path, "", 0);
    CHILD_CHECK(mount(FILE_OF_ROOT, path, NULL, MS_BIND, NULL) == 0);
    CHILD_CHECK(stat(path, &status) == 0 && status.st_uid != geteuid());
    CHILD_CHECK(status.st_size >= sysconf(_SC_PAGESIZE));
}

/* Says whose it is where the system lets it look inside. */
static int meets_a_file_of_root(void *name)
{
    char path[256];
    struct stat before, after;
    if (!namespace_enter(0) || mount("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777") != 0) {
        printf("this system allows no mounts of one's own: not run\n");
        return 0;
    }
    opened_path(path, name);
    squat_by_mount(path);
    CHILD_CHECK(stat(path, &before) == 0);
    CHILD_CHECK(shmpool_open("nothing", 0) == -1); /* the library's own are mapped */
    int shared = proc_count_shared();
    CHILD_CHECK(meets_strange_objects(name) == 0);
    CHILD_CHECK(shmpool_open(name, SHMPOOL_RDONLY) == -1);
    CHILD_CHECK(strstr(shmpool_errmsg(), "belongs to user") != NULL);
    CHILD_CHECK(stat(path, &after) == 0 && before.st_ino == after.st_ino);
    CHILD_CHECK(before.st_size == after.st_size && before.st_mtime == after.st_mtime);
    CHILD_CHECK(proc_count_shared() == shared);
    return 0;
}

/* Needs no root: an ordinary user cannot make another's file, but mount one. Segments cannot be
 * mounted: that strangers' are refused, given away or open to everybody, tests/backend/sysv.c tries
 * as root alone. */
START_TEST(another_users_file_is_refused)
{
    char name[RUN_NAME_SIZE];
    run_name(name, "of.root");
    if (geteuid() == 0)
        ck_child_ok_as(STRANGER, STRANGER, meets_a_file_of_root, name);
    else
        ck_child_ok(meets_a_file_of_root, name);
}
END_TEST

TCase *squats_case(void)
{
    TCase *tcase = tcase_create("squats");
    tcase_add_checked_fixture(tcase, leftover_setup, leftover_teardown);
    tcase_add_loop_test(tcase, a_squatter_is_refused_and_left_alone, 0, N_SQUATS);
    tcase_add_test(tcase, another_users_file_is_refused);
    if (child_can_be_others())
        tcase_add_test(tcase, another_users_pool_is_refused);
    return tcase;
}
