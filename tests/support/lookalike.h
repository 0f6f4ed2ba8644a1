/* A folder that looks like the root of a system to who reads its files below another root. */
#ifndef SUPPORT_LOOKALIKE_H
#define SUPPORT_LOOKALIKE_H

/* Makes an empty one. Its path, without a slash at the end. */
const char *lookalike_begin(void);

/* Writes a file and the folders above it, instead of the one that was there; name: "/proc/meminfo".
 */
void lookalike_file(const char *name, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void lookalike_remove(const char *name); /* of one file */

void lookalike_end(void);

#endif
