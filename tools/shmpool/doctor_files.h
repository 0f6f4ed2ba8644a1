/* Reading small files of the system, below a root folder. */
#ifndef DOCTOR_FILES_H
#define DOCTOR_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* root and the formatted path as one; cut off where that is too long, so that it is not found. */
struct path {
    char text[PATH_MAX];
};
struct path file_path(const char *root, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

FILE *file_open(const char *root, const char *path); /* NULL: it cannot be read */
bool file_is_there(const char *root, const char *path);

/* The first line, without its end. */
bool file_line(const char *root, const char *path, char *line, int size);

/* The file's only number. "max" is UINT64_MAX. */
bool file_number(const char *root, const char *path, uint64_t *number);

/* The number behind a key that begins a line: "MemTotal:  123 kB", "inactive_file 123". */
bool file_number_of(const char *root, const char *path, const char *key, uint64_t *number);

#endif
