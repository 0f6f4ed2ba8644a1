/* Whether nobody else has a file: by a lease, which the system gives only while there is no other
 * open file description and no mapping by one. Not for an overlay of file systems: what is
 * mapped there is the file below, of whose users the one above knows nothing. */
#ifndef BACKEND_FILE_ALONE_H
#define BACKEND_FILE_ALONE_H

#include <shmpool/backend.h>

int alone_check(struct shmpool_object *object);

#endif
