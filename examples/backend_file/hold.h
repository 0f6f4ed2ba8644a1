/* A process's hold on a file: two descriptors, one for writing and one for reading only.
 *
 * Both are close-on-exec and above 100, out of the way of programs that count on low numbers. A
 * program may close what it does not know, so each use looks first whether the number still stands
 * for the file. */
#ifndef HOLD_H
#define HOLD_H

#include <shmpool/backend.h>
#include <stdbool.h>
#include <sys/stat.h>

/* What reserved[] of an object holds. */
enum {
    HOLD_TEMPORARY, /* the number of its temporary name; 0: it has none */
    HOLD_MAKER,     /* the process that made it; 0: it was opened */
    HOLD_UNIT       /* what its file system counts in, bytes; a power of two */
};

/* An object without descriptors. */
void hold_nothing(struct shmpool_object *object);

/* Takes over a descriptor that can write, or, with SHMPOOL_MAP_RDONLY in flags, one that can only
 * read. It is the object's from here on: closed by a failure. */
int hold_take(struct shmpool_object *object, int fd, unsigned flags);

/* Whether the number stands for the object's file: 0, or -1 and EBADF. Stores what fstat says. */
int hold_check(const struct shmpool_object *object, int fd, struct stat *status);

/* Closes and returns -1; errno stays. */
int hold_close_and_fail(int fd);

/* As in the contract; hold_close knows nothing of names. */
int hold_describe(const struct shmpool_object *object, struct shmpool_description *description);
int hold_restrict_access(struct shmpool_object *object);
void hold_close(struct shmpool_object *object);

/* Closes what allows reading only. */
void hold_close_readonly(struct shmpool_object *object);

#endif
