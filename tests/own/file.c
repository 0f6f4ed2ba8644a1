/* The example's backend "file" where the contract suite does not look: the choice of its folder,
 * and file systems that are full, small, or know no nameless files. */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend_file/backend_file.h"
#include "backend_file/naming.h"
#include "own/own.h"
#include "support/child.h"
#include "support/filter.h"
#include "support/leftover.h"

static char folder[] = "/tmp/shmpool-own-XXXXXX";

void file_begin(void)
{
    if (mkdtemp(folder) == NULL) {
        perror(folder);
        exit(EXIT_FAILURE);
    }
}

int file_end(void)
{
    if (rmdir(folder) == 0)
        return 0;
    perror(folder);
    return 1;
}

START_TEST(the_folder_is_chosen_once)
{
    unsetenv("SHMPOOL_FILE_FOLDER");
    ck_fails(backend_file_use(NULL), EINVAL);
    ck_fails(backend_file_use(""), EINVAL);
    ck_fails(backend_file_use("/nosuch/folder"), ENOENT);
    ck_ok(backend_file_use(folder));
    ck_ok(backend_file_use(folder));
    ck_fails(backend_file_use("/"), EEXIST);
    setenv("SHMPOOL_FILE_FOLDER", folder, 1);
    ck_ok(backend_file_use(NULL));
}
END_TEST

START_TEST(a_relative_folder_stays_where_it_is)
{
    char path[128];
    struct shmpool_options options = {.name = "here", .backend = "file"};
    ck_assert_int_eq(chdir(folder), 0);
    ck_ok(backend_file_use("."));
    ck_assert_int_eq(chdir("/"), 0);
    shmpool_id pool = shmpool_create(1, &options);
    ck_ok(pool);
    snprintf(path, sizeof path, "%s/shmpool.here", folder);
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_fails(shmpool_create(1, &options), EEXIST);
    ck_says(folder);
    ck_ok(shmpool_unlink(pool));
    ck_ok(shmpool_release(pool));
}
END_TEST

/* Files in the folder, "." and ".." not counted. */
static int count_files(void)
{
    DIR *list = opendir(folder);
    int count = -2;
    CHILD_CHECK(list != NULL);
    while (readdir(list) != NULL)
        count++;
    closedir(list);
    return count;
}

static int closes(void *object)
{
    naming_close(object);
    return 0;
}

static int works_without_tmpfile(void *unused)
{
    struct shmpool_object object, late, opened;
    const size_t size = 2 * (size_t)sysconf(_SC_PAGESIZE);
    (void)unused;
    CHILD_CHECK(filter_tmpfile() == 0);
    CHILD_CHECK(naming_create(&object, "temporary", size, size, 0640) == 0);
    CHILD_CHECK(naming_create(&late, "temporary", size, size, 0600) == 0);
    CHILD_CHECK(count_files() == 2);
    CHILD_CHECK(child_ok(child_run(closes, &object)));
    CHILD_CHECK(naming_publish(&object, "temporary") == 0 && count_files() == 2);
    CHILD_CHECK(naming_publish(&late, "temporary") == -1 && errno == EEXIST);
    naming_close(&late);
    CHILD_CHECK(count_files() == 1);
    CHILD_CHECK(naming_open(&opened, "temporary", 0) == 0 && opened.inode == object.inode);
    CHILD_CHECK(naming_unlink(&object, "temporary") == 0 && count_files() == 0);
    naming_close(&opened);
    naming_close(&object);
    return 0;
}

START_TEST(a_temporary_name_serves_where_there_are_no_nameless_files)
{
    ck_ok(backend_file_use(folder));
    ck_child_ok(works_without_tmpfile, NULL);
}
END_TEST

static int is_bounded(void *unused)
{
    struct shmpool_options options = {.backend = "file"};
    struct rlimit limit = {1 << 16, 1 << 16};
    (void)unused;
    CHILD_CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHILD_CHECK(shmpool_create(1 << 20, &options) == -1 && errno == ENOSPC);
    CHILD_CHECK(strstr(shmpool_errmsg(), "RLIMIT_FSIZE") != NULL);
    return 0;
}

START_TEST(the_limit_of_file_sizes_is_no_signal)
{
    ck_ok(backend_file_use(folder));
    ck_child_ok(is_bounded, NULL);
}
END_TEST

START_TEST(what_cannot_be_a_pool_is_refused)
{
    char path[128];
    ck_ok(backend_file_use(folder));
    snprintf(path, sizeof path, "%s/shmpool.squat", folder);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(i == 0   ? mkfifo(path, 0666)
                         : i == 1 ? symlink("/etc/passwd", path)
                                  : mkdir(path, 0777),
                         0);
        ck_fails(shmpool_open("file:squat", 0), EUCLEAN);
        ck_fails(shmpool_open("file:squat", SHMPOOL_RDONLY), EUCLEAN);
        ck_fails(shmpool_unlink_name("file:squat"), ENOENT);
        ck_assert_int_eq(remove(path), 0);
    }
}
END_TEST

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
        child_fail(__FILE__, __LINE__, path);
}

/* Mounts of this process alone: as root, else as root of a user namespace; false where neither may
 * be done. */
static bool mount_for_itself(const char *path, const char *size)
{
    char users[64], groups[64];
    snprintf(users, sizeof users, "0 %u 1", (unsigned)geteuid());
    snprintf(groups, sizeof groups, "0 %u 1", (unsigned)getegid());
    if (unshare(CLONE_NEWNS) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
            return false;
        write_file("/proc/self/setgroups", "deny");
        write_file("/proc/self/uid_map", users);
        write_file("/proc/self/gid_map", groups);
    }
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", path, "tmpfs", 0, size) == 0;
}

static int fills_a_small_folder(void *unused)
{
    static const char *const parts[] = {"41943040 bytes), of which 4", "free", "ask for less"};
    struct shmpool_options options = {.name = "small", .backend = "file", .flags = SHMPOOL_COMMIT};
    (void)unused;
    if (!mount_for_itself(folder, "size=40m,mode=700")) {
        printf("no mounts of its own: a full folder was not tried\n");
        return 0;
    }
    CHILD_CHECK(shmpool_create(60 << 20, &options) == -1 && errno == ENOSPC);
    CHILD_CHECK(strstr(shmpool_errmsg(), folder) != NULL);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr(shmpool_errmsg(), parts[i]) == NULL)
            child_fail(__FILE__, __LINE__, shmpool_errmsg());
    CHILD_CHECK(count_files() == 0);
    shmpool_id pool = shmpool_create(30 << 20, &options);
    CHILD_CHECK(pool > 0 && count_files() == 1);
    return shmpool_unlink(pool);
}

START_TEST(a_full_folder_is_told_with_its_figures)
{
    ck_ok(backend_file_use(folder));
    ck_child_ok(fills_a_small_folder, NULL);
}
END_TEST

TCase *file_case(void)
{
    TCase *tcase = tcase_create("file");
    tcase_add_checked_fixture(tcase, leftover_setup, leftover_teardown);
    tcase_add_test(tcase, the_folder_is_chosen_once);
    tcase_add_test(tcase, a_relative_folder_stays_where_it_is);
    tcase_add_test(tcase, a_temporary_name_serves_where_there_are_no_nameless_files);
    tcase_add_test(tcase, the_limit_of_file_sizes_is_no_signal);
    tcase_add_test(tcase, what_cannot_be_a_pool_is_refused);
    tcase_add_test(tcase, a_full_folder_is_told_with_its_figures);
    return tcase;
}
