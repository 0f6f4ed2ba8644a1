/* Which backends there are, and which one a new pool gets: the one place that names the library's
 * own. Those that the program registered come after them.
 *
 * A choice that cannot be met is an error, never silently another choice. */
#ifndef SHMPOOL_BACKEND_SELECTION_H
#define SHMPOOL_BACKEND_SELECTION_H

#include <stdbool.h>
#include <stddef.h>

#include <shmpool/backend.h>

/* The backend for a new pool: the one that the option names, else $SHMPOOL_BACKEND unless that is
 * unset or empty, else posix. A program with raised privileges does not ask the environment.
 * Errors: NULL and EINVAL for an unknown name; the sentence lists the known ones. */
const struct shmpool_backend *backend_choose(const char *option);

/* The backend whose name is these length bytes; NULL when there is none, errno untouched. */
const struct shmpool_backend *backend_by_name(const char *name, size_t length);

bool backend_is_built_in(const char *name);

/* All of them, the default first, then the registered ones; NULL from backend_count on. The count
 * never falls. */
size_t backend_count(void);
const struct shmpool_backend *backend_at(size_t index);

#endif
