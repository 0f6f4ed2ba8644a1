/* Calling a backend: the only way to the functions of a table, and what the library adds to each.
 *
 * A table may be a program's own, written against the public header alone. So a failure about which
 * the function said no sentence gets one here, made of errno and of the table's name and place; one
 * without errno, or with EINTR, becomes EIO; and what a function gives is looked at before somebody
 * relies on it: a broken promise becomes ENOTSUP.
 *
 * Arguments, results and what may run in forked children: as in <shmpool/backend.h>. */
#ifndef SHMPOOL_BACKEND_CALL_H
#define SHMPOOL_BACKEND_CALL_H

#include <stddef.h>
#include <sys/types.h>

#include <shmpool/backend.h>

int call_create(const struct shmpool_backend *backend, struct shmpool_object *object,
                const char *name, size_t size, size_t max_size, mode_t mode);

/* Success where the backend has no such step. */
int call_publish(const struct shmpool_backend *backend, struct shmpool_object *object,
                 const char *name);

int call_open(const struct shmpool_backend *backend, struct shmpool_object *object,
              const char *name, unsigned flags);
int call_unlink(const struct shmpool_backend *backend, const struct shmpool_object *object,
                const char *name);
void *call_map(const struct shmpool_backend *backend, const struct shmpool_object *object,
               void *address, size_t length, unsigned flags);
int call_unmap(const struct shmpool_backend *backend, const struct shmpool_object *object,
               void *address, size_t length);
int call_commit(const struct shmpool_backend *backend, const struct shmpool_object *object,
                void *address, size_t size);

/* ENOTSUP where the backend has no such step. */
int call_resize(const struct shmpool_backend *backend, const struct shmpool_object *object,
                size_t size);
int call_discard(const struct shmpool_backend *backend, const struct shmpool_object *object,
                 void *address, size_t offset, size_t length);

int call_describe(const struct shmpool_backend *backend, const struct shmpool_object *object,
                  struct shmpool_description *description);
int call_restrict_access(const struct shmpool_backend *backend, struct shmpool_object *object);

/* The descriptors must be those of the object's device and inode. ENOTSUP where objects are held
 * by something that only the backend could hand over, and it has no such step. */
int call_adopt(const struct shmpool_backend *backend, struct shmpool_object *object);

/* Success where the backend has no such step: it has nothing to show. What visit returned, if that
 * is not 0. */
int call_list(const struct shmpool_backend *backend, pid_t holder,
              int (*visit)(const struct shmpool_found *found, void *arg), void *arg);

/* ENOTSUP where the backend has no such step. */
int call_alone(const struct shmpool_backend *backend, struct shmpool_object *object);
int call_remove_unfinished(const struct shmpool_backend *backend, uint64_t device, uint64_t inode,
                           int pretend);

/* Leaves errno alone. */
void call_close(const struct shmpool_backend *backend, struct shmpool_object *object);

#endif
