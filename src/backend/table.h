/* Whether a program's table keeps to the contract, as far as one can see without calling it. */
#ifndef SHMPOOL_BACKEND_TABLE_H
#define SHMPOOL_BACKEND_TABLE_H

#include <shmpool/backend.h>

enum {
    TABLE_NAME_LIMIT = 31, /* bytes; what a pool's header holds */
    TABLE_PLACE_LIMIT = 255
};

/* 0, or -1 with ENOTSUP for a table of another version, else EINVAL; the sentence names the member
 * at fault. */
int table_check(const struct shmpool_backend *backend);

#endif
