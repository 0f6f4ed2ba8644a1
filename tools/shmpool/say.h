/* What the tool says to people: on stderr, a line a time. */
#ifndef SAY_H
#define SAY_H

/* "shmpool: text". */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The library's sentence on its last failure. Returns STATUS_FOUND. */
int say_failure(void);

/* Whether all that was written to stdout arrived: 0, or -1 after a word. failed: it is known not
 * to have. */
int say_written(int failed);

/* What a verb ends with that wrote all it had: status, or STATUS_FOUND if some of it is lost. */
int say_ended(int status);

#endif
