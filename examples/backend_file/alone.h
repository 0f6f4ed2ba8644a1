/* Whether nobody else has a file: by a lease, which the system gives only while there is no other
 * open file description and no mapping by one. A file of an overlay of file systems is mapped as
 * the one below: of such mappings the library asks /proc. */
#ifndef BACKEND_FILE_ALONE_H
#define BACKEND_FILE_ALONE_H

#include <shmpool/backend.h>

int alone_check(struct shmpool_object *object);

#endif
