/* The sentence that goes with errno: one buffer a thread, changed only by a failure.
 *
 * Whoever finds a failure says it once, where sizes, names and the remedy are known, and hands the
 * -1 up. Callers above neither repeat nor replace it. Whatever names are in it, it is one line of
 * plain text (plain.h). */
#ifndef SHMPOOL_BASE_ERROR_H
#define SHMPOOL_BASE_ERROR_H

#include <stddef.h>

/* Sets errno to code and the thread's sentence; returns -1. */
int error_set(int code, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/* As error_set with a fixed text and no formatting: for signal handlers. */
int error_set_plain(int code, const char *text) __attribute__((cold));

/* Adds to the thread's sentence, which a failure has just set; errno stays. */
void error_add(const char *format, ...) __attribute__((format(printf, 1, 2), cold));

/* For calls that try several ways: what a failed attempt said is forgotten when another succeeds.
 */
struct error_before {
    int code;
    char text[1024];
};
void error_remember(struct error_before *before);
void error_forget_since(const struct error_before *before);

/* How many failures the thread has said: who compares knows whether a call said one. */
unsigned error_count(void);

/* The thread's sentence; never NULL. */
const char *error_sentence(void);

/* "12MiB (12582912 bytes)" in text, for sentences. */
enum { ERROR_SIZE_TEXT = 48 };
const char *error_size(char text[ERROR_SIZE_TEXT], size_t bytes);

#endif
