/* Pool names: 1-200 bytes of A-Z a-z 0-9 . _ - + with one leading slash allowed and ignored. */
#ifndef SHMPOOL_FAMILY_NAMES_H
#define SHMPOOL_FAMILY_NAMES_H

#include <shmpool/backend.h>
#include <stddef.h>

enum { NAME_LIMIT = 200 };

/* Copies the name without its slash; 0, or -1 with EINVAL or ENAMETOOLONG. */
int name_read(char name[NAME_LIMIT + 1], const char *given);

/* pid-counter-random. */
void name_generate(char name[NAME_LIMIT + 1]);

/* Splits "backend:name"; *backend is NULL where none is named. 0, or -1 with EINVAL. */
int name_split(char name[NAME_LIMIT + 1], const struct shmpool_backend **backend,
               const char *given);

/* Calls attempt with the backend that a name means: the one before its colon, else that of
 * SHMPOOL_BACKEND, else each backend with names until one says something else than ENOENT. An
 * attempt that says EAGAIN is made again for a moment. What the attempt returned. */
typedef int name_attempt(const struct shmpool_backend *backend, const char *name, unsigned flags);
int name_try(const char *given, name_attempt *attempt, unsigned flags);

/* Removes the name of that object; likewise. */
int name_remove(const struct shmpool_backend *backend, const struct shmpool_object *object,
                const char *name);

#endif
