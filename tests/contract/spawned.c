/* A program to be spawned, built in several ways: spawned POOL ADDRESS. It has the pool, with a
 * root at that address that says the greeting, and can use it. */
#include <errno.h>
#include <inttypes.h>
#include <shmpool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend_file/backend_file.h"

/* On a backend of the program's own the grant waits until that is registered. */
static int finds_it(shmpool_id pool, const char *block)
{
    if (getenv("SHMPOOL_FILE_FOLDER") == NULL)
        return shmpool_of(block) == pool;
    return shmpool_alloc(pool, 1) == NULL && errno == EINVAL &&
           strstr(shmpool_errmsg(), "register") != NULL && backend_file_use(NULL) == 0;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    shmpool_id pool = (shmpool_id)strtol(argv[1], NULL, 10);
    char *block = (char *)(uintptr_t)strtoumax(argv[2], NULL, 0);
    void *own = finds_it(pool, block) ? shmpool_alloc(pool, 1) : NULL;
    if (own != NULL && shmpool_root(pool) == block && strcmp(block, "hello, program") == 0 &&
        shmpool_of(block) == pool && shmpool_free(pool, own) == 0 && shmpool_self() > 0)
        return 0;
    fprintf(stderr, "%s: %s\n", argv[0], shmpool_errmsg());
    return 1;
}
