/* Backends of a program's own: what registration takes and refuses, and what the library makes of
 * functions that fail or break their promises. Only the public interface is used. */
#ifndef TESTS_OWN_OWN_H
#define TESTS_OWN_OWN_H

#include <check.h>
#include <errno.h>
#include <shmpool.h>
#include <shmpool/backend.h>
#include <string.h>

#define ck_ok(call) ck_assert_msg((call) >= 0, "%s: %s", #call, shmpool_errmsg())

#define ck_fails(call, code)                                                                       \
    do {                                                                                           \
        errno = 0;                                                                                 \
        ck_assert_int_lt((call), 0);                                                               \
        ck_assert_msg(errno == (code), "errno is %d, not %d: %s", errno, (code),                   \
                      shmpool_errmsg());                                                           \
    } while (0)

#define ck_says(part)                                                                              \
    ck_assert_msg(strstr(shmpool_errmsg(), part) != NULL, "no \"%s\" in: %s", part,                \
                  shmpool_errmsg())

TCase *tables_case(void);
TCase *faults_case(void);
TCase *file_case(void);

/* Makes the folder of the file case, before any test; removes it, 1 when something is left in it.
 */
void file_begin(void);
int file_end(void);

/* What this program does when it was started by child_exec. */
int helper_main(void);

#endif
