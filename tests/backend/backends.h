/* What the tests of the backends share. They see the inside of the library: a backend is called by
 * its table, as the family does it. */
#ifndef TESTS_BACKEND_BACKENDS_H
#define TESTS_BACKEND_BACKENDS_H

#include <check.h>
#include <errno.h>
#include <shmpool/backend.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "backend/selection.h"
#include "base/error.h"
#include "support/child.h"
#include "support/leftover.h"
#include "support/proc.h"

enum { NOBODY = 65534, N_PAGES = 16 };

#define ck_ok(call) ck_assert_msg((call) == 0, "%s: %s", #call, error_sentence())
#define ck_fails(call, code)                                                                       \
    do {                                                                                           \
        errno = 0;                                                                                 \
        ck_assert_int_eq((call), -1);                                                              \
        ck_assert_msg(errno == (code), "%s: %s", strerror(errno), error_sentence());               \
    } while (0)
#define ck_fails_null(call, code)                                                                  \
    do {                                                                                           \
        errno = 0;                                                                                 \
        ck_assert_ptr_null(call);                                                                  \
        ck_assert_msg(errno == (code), "%s: %s", strerror(errno), error_sentence());               \
    } while (0)
#define ck_says(part)                                                                              \
    ck_assert_msg(strstr(error_sentence(), part) != NULL, "no \"%s\" in: %s", part,                \
                  error_sentence())

size_t pages(size_t n);

/* An object of N_PAGES pages; unpublished, so it goes when it is closed. */
struct shmpool_object make(const struct shmpool_backend *backend, const char *name, mode_t mode);

/* Maps it anywhere. */
char *map(const struct shmpool_backend *backend, const struct shmpool_object *object,
          unsigned flags);

/* From now on this process and its children get this error from the system call, if mask is 0, or
 * else if one of these bits is set in its argument of that index. */
void refuse_call(int number, int error, unsigned argument, unsigned mask);

TCase *add_case(Suite *suite, const char *name);
void add_sysv(Suite *suite);
void add_memfd(Suite *suite);
void add_lists(Suite *suite);

#endif
