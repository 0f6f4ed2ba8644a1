/* Objects behind a descriptor: what every backend shares whose objects are files.
 *
 * Such a backend makes or finds the file; taking it over, mapping, committing, describing and
 * closing are here and fit the contract's table, except where a place is asked for.
 *
 * A process holds two descriptors of an object, one for writing and one for reading only: only what
 * is mapped from the second can never be made writable again. They are close-on-exec and lie above
 * 100, out of the way of programs that count on low numbers. A program may close all descriptors
 * that it does not know, so device and inode are recorded, and each use looks first whether the
 * number still stands for the object. What is mapped needs no descriptor. */
#ifndef SHMPOOL_BACKEND_FDOBJECT_H
#define SHMPOOL_BACKEND_FDOBJECT_H

#include <stddef.h>
#include <sys/types.h>

#include <shmpool/backend.h>

#include "backend/commit.h"

/* Why a file could not be opened or made: what strerror says, and at a limit of descriptors which
 * one and the remedy. Returns text or a constant. */
enum { FDOBJECT_REASON_TEXT = 160 };
const char *fdobject_reason(int code, char text[FDOBJECT_REASON_TEXT]);

/* An object that holds nothing: the state before creation and after a failure. */
void fdobject_init(struct shmpool_object *object);

/* Gives a new, empty file its size and exact mode and takes it over. fd is writable and the
 * object's from here on: closed by a failure.
 * Errors: ENOSPC (RLIMIT_FSIZE), EMFILE and what the system says. */
int fdobject_create(struct shmpool_object *object, int fd, size_t size, mode_t mode);

/* Whether RLIMIT_FSIZE lets this process make a file of that size: 0, else -1 and ENOSPC. */
int fdobject_check_file_size(size_t size);

/* Takes over the file behind a descriptor that can write, or, with SHMPOOL_MAP_RDONLY in flags,
 * read only. The descriptor is the object's from here on: closed by a failure. */
int fdobject_take(struct shmpool_object *object, int fd, unsigned flags);

/* Whether the writable descriptor is there and still the object's: 0, else -1 and EBADF. */
int fdobject_check_writable(const struct shmpool_object *object);

/* As the contract's commit, by commit_file: see there for place, and for what a failure leaves. */
int fdobject_commit(const struct shmpool_object *object, size_t size,
                    const struct commit_place *place);

/* As in the contract. */
void *fdobject_map(const struct shmpool_object *object, void *address, size_t length,
                   unsigned flags);
int fdobject_unmap(const struct shmpool_object *object, void *address, size_t length);
int fdobject_resize(const struct shmpool_object *object, size_t size);
int fdobject_discard(const struct shmpool_object *object, void *address, size_t offset,
                     size_t length);
int fdobject_describe(const struct shmpool_object *object, struct shmpool_description *description);
int fdobject_alone(struct shmpool_object *object);
int fdobject_restrict_access(struct shmpool_object *object);
void fdobject_close(struct shmpool_object *object);

#endif
