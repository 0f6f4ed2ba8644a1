/* Names: a file gets one when it is complete, is found by it, and loses it.
 *
 * A file is made without a name and linked, never renamed, since that would replace what has the
 * name. Where the file system knows no nameless files it has a temporary name until then. Whatever
 * has a pool's name is looked at before it is used, and never waited for. */
#ifndef NAMING_H
#define NAMING_H

#include <shmpool/backend.h>

/* As in the contract. */
int naming_create(struct shmpool_object *object, const char *name, size_t size, size_t max_size,
                  mode_t mode);
int naming_publish(struct shmpool_object *object, const char *name);
int naming_open(struct shmpool_object *object, const char *name, unsigned flags);
int naming_unlink(const struct shmpool_object *object, const char *name);
void naming_close(struct shmpool_object *object);

#endif
