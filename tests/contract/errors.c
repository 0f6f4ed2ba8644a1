/* The convention: -1 or NULL, errno, and a sentence that changes on failure only. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/contract.h"

START_TEST(the_version_is_three_numbers)
{
    int major, minor, patch;
    char more = 0;
    ck_assert_ptr_nonnull(shmpool_version());
    ck_assert_int_eq(sscanf(shmpool_version(), "%d.%d.%d%c", &major, &minor, &patch, &more), 3);
}
END_TEST

START_TEST(a_success_changes_neither_errno_nor_the_sentence)
{
    char sentence[1024];
    struct shmpool_stats stats;
    shmpool_id pool = pool_new(10);
    ck_fails(shmpool_free(pool, NULL), ENOENT);
    snprintf(sentence, sizeof sentence, "%s", shmpool_errmsg());
    ck_assert_uint_gt(strlen(sentence), 0);
    errno = 0;
    void *block = shmpool_alloc(pool, 1);
    ck_assert_ptr_nonnull(block);
    ck_ok(shmpool_stats(pool, &stats));
    ck_ok(shmpool_set_root(pool, block));
    ck_assert_ptr_eq(shmpool_root(pool), block);
    ck_ok(shmpool_recover(pool));
    ck_ok(shmpool_check(pool, NULL));
    ck_ok(shmpool_free(pool, block));
    pool_drop(pool_new(1));
    pool_drop(pool);
    ck_assert_str_eq(shmpool_errmsg(), sentence);
}
END_TEST

static int gives_up(void *arg)
{
    shmpool_id pool = *(shmpool_id *)arg;
    errno = 0;
    CHILD_CHECK(shmpool_unlink(pool) == 0 && errno == 0);
    CHILD_CHECK(shmpool_release(pool) == 0 && errno == 0);
    return 0;
}

/* Where pools have no names, something is looked for, and not found. */
START_TEST(giving_up_what_was_granted_does_not_change_errno)
{
    shmpool_id pool = pool_new(1);
    struct shmpool_grant grant = {pool, 0};
    struct shmpool_start_options options = {.inherit = &grant, .n_inherit = 1};
    ck_worker_ok(gives_up, &pool, &options);
    ck_ok(shmpool_release(pool));
}
END_TEST

/* The sentence differs from the last one, which it replaces, and is one line. */
static void ck_new_sentence(char last[1024])
{
    ck_assert_str_ne(shmpool_errmsg(), last);
    ck_assert_uint_gt(strlen(shmpool_errmsg()), 5);
    ck_assert_ptr_null(strchr(shmpool_errmsg(), '\n'));
    snprintf(last, 1024, "%s", shmpool_errmsg());
}

/* Whatever bytes a name has, terminals and readers of JSON can take the sentence. */
START_TEST(a_sentence_is_plain_text)
{
    ck_fails(shmpool_unlink_name("a\nb\x1b[2J\x7f'\xff\xc3'\xc2\x9b'\xc0\xaf"), EINVAL);
    ck_says("'a\\x0ab\\x1b[2J\\x7f'\\xff\\xc3'\\xc2\\x9b'\\xc0\\xaf'");
    ck_fails(shmpool_unlink_name("'\xed\xa0\x80'\xf4\x90\x80\x80'\xe2\x82"), EINVAL);
    ck_says("'\\xed\\xa0\\x80'\\xf4\\x90\\x80\\x80'\\xe2\\x82'");
    ck_fails(shmpool_unlink_name("\xc3\xb6 \xe2\x82\xac \xf0\x9f\x98\x80"), EINVAL);
    ck_says("'\xc3\xb6 \xe2\x82\xac \xf0\x9f\x98\x80'");
}
END_TEST

START_TEST(every_failure_has_its_sentence)
{
    char last[1024] = "";
    shmpool_id pool = pool_new(10);
    ck_fails_null(shmpool_alloc(pool, 0), EINVAL);
    ck_new_sentence(last);
    ck_fails_null(shmpool_alloc(pool, pages(11)), ENOSPC);
    ck_new_sentence(last);
    ck_fails(shmpool_free(pool, &pool), ENOENT);
    ck_new_sentence(last);
    ck_fails(shmpool_free(0, &pool), EBADF);
    ck_new_sentence(last);
    ck_fails(shmpool_create(0, NULL), EINVAL);
    ck_new_sentence(last);
    ck_fails_null(shmpool_root(pool), ENOENT);
    ck_new_sentence(last);
    pool_drop(pool);
}
END_TEST

static void *fails_in_a_thread(void *arg)
{
    shmpool_id pool = *(shmpool_id *)arg;
    ck_assert_ptr_nonnull(shmpool_errmsg());
    ck_fails_null(shmpool_alloc(pool, 0), EINVAL);
    return strdup(shmpool_errmsg());
}

START_TEST(every_thread_has_its_own_sentence)
{
    char sentence[1024];
    void *other = NULL;
    pthread_t thread;
    shmpool_id pool = pool_new(10);
    ck_fails(shmpool_free(pool, NULL), ENOENT);
    snprintf(sentence, sizeof sentence, "%s", shmpool_errmsg());
    ck_assert_int_eq(pthread_create(&thread, NULL, fails_in_a_thread, &pool), 0);
    pthread_join(thread, &other);
    ck_assert_str_eq(shmpool_errmsg(), sentence);
    ck_assert_str_ne(other, sentence);
    free(other);
    pool_drop(pool);
}
END_TEST

START_TEST(the_sentence_names_the_id_that_is_wrong)
{
    ck_fails_null(shmpool_alloc(987654, 1), EBADF);
    ck_says("987654");
    ck_fails(shmpool_join(987654, NULL, 0), EBADF);
    ck_says("987654");
}
END_TEST

START_TEST(the_sentence_names_the_sizes_that_are_wrong)
{
    char number[32];
    struct shmpool_options options = {.max_size = pages(7)};
    ck_fails(shmpool_create(pages(9), &options), EINVAL);
    snprintf(number, sizeof number, "%zu", pages(9));
    ck_says(number);
    snprintf(number, sizeof number, "%zu", pages(7));
    ck_says(number);
}
END_TEST

TCase *errors_case(void)
{
    TCase *tcase = contract_case("errors");
    tcase_add_test(tcase, the_version_is_three_numbers);
    tcase_add_test(tcase, a_success_changes_neither_errno_nor_the_sentence);
    tcase_add_test(tcase, giving_up_what_was_granted_does_not_change_errno);
    tcase_add_test(tcase, a_sentence_is_plain_text);
    tcase_add_test(tcase, every_failure_has_its_sentence);
    tcase_add_test(tcase, every_thread_has_its_own_sentence);
    tcase_add_test(tcase, the_sentence_names_the_id_that_is_wrong);
    tcase_add_test(tcase, the_sentence_names_the_sizes_that_are_wrong);
    return tcase;
}
