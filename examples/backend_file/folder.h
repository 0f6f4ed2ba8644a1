/* The folder in which the objects lie, chosen once a process, and the paths in it. */
#ifndef FOLDER_H
#define FOLDER_H

#include <limits.h>
#include <stdint.h>

enum { FOLDER_LIMIT = 255, PATH_SIZE = FOLDER_LIMIT + 256 };

/* NULL: $SHMPOOL_FILE_FOLDER. Any number of threads at once: one wins, and all that chose the same
 * succeed. Errors: as backend_file_use says. */
int folder_choose(const char *path);

/* Absolute; NULL before a choice. */
const char *folder_path(void);

/* The file of a pool, and the one that an object has before its name. Both return path. */
const char *folder_name(char path[PATH_SIZE], const char *name);
const char *folder_temporary(char path[PATH_SIZE], uint64_t number);

#endif
