/* Which names there are, and what each function says to the others. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "contract/contract.h"
#include "support/filefolder.h"

static const char *const bad_names[] = {
    "",    "/",    ".",    "..", "/.",   "/..",      "//x",   "///x", "/x/", "a/b",   "/a/b", "x/",
    "a b", "a\tb", "a\nb", "a*", "a\\b", "\xc3\xa4", "a:b:c", "a,b",  "a=b", "a\x7f", "\x01", "a%d",
};

enum { N_BAD_NAMES = sizeof bad_names / sizeof bad_names[0] };

/* A name of this length that no other run has. */
static void long_name(char *name, size_t length)
{
    char start[RUN_NAME_SIZE];
    run_name(start, "long");
    memset(name, 'x', length);
    memcpy(name, start, strlen(start));
    name[length] = '\0';
}

START_TEST(create_refuses_bad_names)
{
    struct shmpool_options options = {.name = bad_names[_i]};
    ck_fails(shmpool_create(page(), &options), EINVAL);
}
END_TEST

START_TEST(open_and_unlink_name_refuse_bad_names)
{
    if (!backend()->has_names)
        return;
    ck_fails(shmpool_open(bad_names[_i], 0), EINVAL);
    ck_fails(shmpool_unlink_name(bad_names[_i]), EINVAL);
}
END_TEST

START_TEST(a_missing_name_is_refused)
{
    ck_fails(shmpool_open(NULL, 0), EINVAL);
    ck_fails(shmpool_unlink_name(NULL), EINVAL);
}
END_TEST

START_TEST(the_sentence_tells_what_a_name_is)
{
    struct shmpool_options options = {.name = ".."};
    ck_fails(shmpool_create(1, &options), EINVAL);
    ck_says("1 to 200 bytes");
    options.name = "a/b";
    ck_fails(shmpool_create(1, &options), EINVAL);
    ck_says("byte 2 is none of A-Z a-z 0-9");
}
END_TEST

START_TEST(a_colon_belongs_to_no_name_that_create_takes)
{
    struct shmpool_options options = {.name = "posix:a"};
    ck_fails(shmpool_create(page(), &options), EINVAL);
    ck_says("options.backend");
}
END_TEST

START_TEST(every_allowed_character_may_be_in_a_name)
{
    char start[RUN_NAME_SIZE];
    char name[200];
    snprintf(name, sizeof name, "%s%s", run_name(start, "all"),
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+");
    shmpool_id pool = pool_named(name, 1);
    ck_assert_str_eq(shmpool_name(pool), name);
    pool_drop(pool);
}
END_TEST

START_TEST(a_name_may_begin_with_any_allowed_character)
{
    static const char first[] = "A9._-+";
    for (const char *c = first; *c != '\0'; c++) {
        char tail[RUN_NAME_SIZE];
        char name[RUN_NAME_SIZE + 1];
        snprintf(name, sizeof name, "%c%s", *c, run_name(tail, "first"));
        shmpool_id pool = pool_named(name, 1);
        ck_assert_str_eq(shmpool_name(pool), name);
        pool_drop(pool);
    }
}
END_TEST

START_TEST(one_leading_slash_is_ignored)
{
    char name[RUN_NAME_SIZE];
    char slashed[RUN_NAME_SIZE + 1];
    snprintf(slashed, sizeof slashed, "/%s", run_name(name, "slash"));
    shmpool_id pool = pool_named(slashed, 1);
    ck_assert_str_eq(shmpool_name(pool), name);
    if (backend()->has_names) {
        struct shmpool_options options = {.name = name};
        ck_fails(shmpool_create(page(), &options), EEXIST);
        ck_assert_int_eq(shmpool_open(name, 0), pool);
        ck_assert_int_eq(shmpool_open(slashed, 0), pool);
        ck_ok(shmpool_unlink_name(slashed));
        ck_fails(shmpool_open(name, 0), ENOENT);
    } else {
        ck_ok(shmpool_unlink(pool));
    }
    ck_ok(shmpool_release(pool));
}
END_TEST

START_TEST(a_name_may_have_200_characters)
{
    char name[256];
    char slashed[257];
    long_name(name, 200);
    shmpool_id pool = pool_named(name, 1);
    ck_assert_str_eq(shmpool_name(pool), name);
    if (backend()->has_names)
        ck_assert_int_eq(shmpool_open(name, 0), pool);
    pool_drop(pool);
    snprintf(slashed, sizeof slashed, "/%s", name);
    pool = pool_named(slashed, 1);
    ck_assert_str_eq(shmpool_name(pool), name);
    pool_drop(pool);
}
END_TEST

START_TEST(a_longer_name_is_ENAMETOOLONG)
{
    char name[5000];
    static const size_t lengths[] = {201, 202, 255, 256, 4096};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct shmpool_options options = {.name = name};
        long_name(name, lengths[i]);
        ck_fails(shmpool_create(page(), &options), ENAMETOOLONG);
        if (!backend()->has_names)
            continue;
        ck_fails(shmpool_open(name, 0), ENAMETOOLONG);
        ck_fails(shmpool_unlink_name(name), ENAMETOOLONG);
    }
}
END_TEST

START_TEST(the_strings_of_the_options_are_copied)
{
    char name[RUN_NAME_SIZE];
    char copy[RUN_NAME_SIZE];
    shmpool_id pool = pool_named(run_name(name, "copied"), 1);
    strcpy(copy, name);
    memset(name, 'y', strlen(name));
    ck_assert_str_eq(shmpool_name(pool), copy);
    pool_drop(pool);
}
END_TEST

START_TEST(a_name_stays_readable_after_release_and_unlink)
{
    char expected[RUN_NAME_SIZE];
    shmpool_id pool = pool_named(run_name(expected, "stays"), 1);
    const char *name = shmpool_name(pool);
    ck_ok(shmpool_unlink(pool));
    ck_assert_str_eq(name, expected);
    ck_assert_str_eq(shmpool_name(pool), expected);
    ck_ok(shmpool_release(pool));
    for (int i = 0; i < 300; i++)
        pool_drop(pool_new(1));
    ck_assert_str_eq(name, expected);
}
END_TEST

/* The file of a pool, opened; -1: on this backend it is none. */
static int open_file_of(const char *name)
{
    char path[256];
    bool is_posix = strcmp(backend()->name, "posix") == 0;
    if (!is_posix && strcmp(backend()->name, "file") != 0)
        return -1;
    snprintf(path, sizeof path, "%s/shmpool.%s", is_posix ? "/dev/shm" : filefolder_path(), name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

START_TEST(a_name_stays_while_somebody_else_has_its_file_locked)
{
    char name[RUN_NAME_SIZE];
    shmpool_id pool = pool_named(run_name(name, "locked"), 1);
    int fd = open_file_of(name);
    if (fd >= 0) {
        ck_ok(flock(fd, LOCK_EX));
        ck_fails(shmpool_unlink(pool), EAGAIN);
        ck_says(name);
        ck_fails(shmpool_unlink_name(name), EAGAIN);
        ck_says(name);
        ck_ok(close(fd));
    }
    pool_drop(pool);
}
END_TEST

START_TEST(a_prefix_names_the_backend)
{
    char name[RUN_NAME_SIZE];
    char prefixed[RUN_NAME_SIZE + 16];
    if (!backend()->has_names)
        return;
    shmpool_id pool = pool_named(run_name(name, "prefix"), 1);
    snprintf(prefixed, sizeof prefixed, "%s:%s", backend()->name, name);
    ck_assert_int_eq(shmpool_open(prefixed, 0), pool);
    snprintf(prefixed, sizeof prefixed, "%s:/%s", backend()->name, name);
    ck_assert_int_eq(shmpool_open(prefixed, 0), pool);
    setenv("SHMPOOL_BACKEND", "memfd", 1);
    ck_assert_int_eq(shmpool_open(prefixed, 0), pool);
    unsetenv("SHMPOOL_BACKEND");
    ck_assert_int_eq(shmpool_open(name, 0), pool);
    ck_ok(shmpool_unlink_name(prefixed));
    ck_fails(shmpool_open(prefixed, 0), ENOENT);
    ck_ok(shmpool_release(pool));
}
END_TEST

START_TEST(without_a_choice_every_backend_with_names_is_asked)
{
    char name[RUN_NAME_SIZE];
    if (!backend()->has_names)
        return;
    shmpool_id pool = pool_named(run_name(name, "asked"), 1);
    unsetenv("SHMPOOL_BACKEND");
    ck_assert_int_eq(shmpool_open(name, 0), pool);
    ck_ok(shmpool_unlink_name(name));
    ck_fails(shmpool_open(name, 0), ENOENT);
    ck_says("/dev/shm");
    ck_says("System V");
    ck_fails(shmpool_unlink_name(name), ENOENT);
    ck_ok(shmpool_release(pool));
}
END_TEST

START_TEST(a_bad_prefix_is_refused)
{
    ck_fails(shmpool_open("nosuch:x", 0), EINVAL);
    ck_says("posix");
    ck_fails(shmpool_unlink_name("nosuch:x"), EINVAL);
    ck_fails(shmpool_open(":x", 0), EINVAL);
    ck_fails(shmpool_open("posix:", 0), EINVAL);
    ck_fails(shmpool_open("posix:/", 0), EINVAL);
}
END_TEST

START_TEST(a_backend_without_names_says_so)
{
    char name[RUN_NAME_SIZE];
    run_name(name, "label");
    ck_fails(shmpool_open("memfd:x", 0), ENOTSUP);
    ck_fails(shmpool_unlink_name("memfd:x"), ENOTSUP);
    if (backend()->has_names)
        return;
    shmpool_id pool = pool_named(name, 1);
    ck_assert_str_eq(shmpool_name(pool), name);
    ck_fails(shmpool_open(name, 0), ENOTSUP);
    ck_fails(shmpool_unlink_name(name), ENOTSUP);
    pool_drop(pool);
}
END_TEST

TCase *names_case(void)
{
    TCase *tcase = contract_case("names");
    tcase_add_loop_test(tcase, create_refuses_bad_names, 0, N_BAD_NAMES);
    tcase_add_loop_test(tcase, open_and_unlink_name_refuse_bad_names, 0, N_BAD_NAMES);
    tcase_add_test(tcase, a_missing_name_is_refused);
    tcase_add_test(tcase, the_sentence_tells_what_a_name_is);
    tcase_add_test(tcase, a_colon_belongs_to_no_name_that_create_takes);
    tcase_add_test(tcase, every_allowed_character_may_be_in_a_name);
    tcase_add_test(tcase, a_name_may_begin_with_any_allowed_character);
    tcase_add_test(tcase, one_leading_slash_is_ignored);
    tcase_add_test(tcase, a_name_may_have_200_characters);
    tcase_add_test(tcase, a_longer_name_is_ENAMETOOLONG);
    tcase_add_test(tcase, the_strings_of_the_options_are_copied);
    tcase_add_test(tcase, a_name_stays_readable_after_release_and_unlink);
    tcase_add_test(tcase, a_name_stays_while_somebody_else_has_its_file_locked);
    tcase_add_test(tcase, a_prefix_names_the_backend);
    tcase_add_test(tcase, without_a_choice_every_backend_with_names_is_asked);
    tcase_add_test(tcase, a_bad_prefix_is_refused);
    tcase_add_test(tcase, a_backend_without_names_says_so);
    return tcase;
}
