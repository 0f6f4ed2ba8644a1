/* A program to be spawned, built in several ways: spawned POOL ADDRESS POOL ADDRESS POOL ADDRESS.
 * It has the first pool, with a root at that address that says the greeting, and can use it; the
 * second one it can read; the third one it has not. */
#include <errno.h>
#include <inttypes.h>
#include <shmpool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend_file/backend_file.h"

static const char greeting[] = "hello, program";

#ifdef THREAD_LOCAL_SIZE
/* glibc takes a thread's copy from the thread's stack. */
__attribute__((used)) static _Thread_local char thread_local_memory[THREAD_LOCAL_SIZE];
#endif

/* On a backend of the program's own the grant waits until that is registered. */
static int finds_it(shmpool_id pool, const char *block)
{
    if (getenv("SHMPOOL_FILE_FOLDER") == NULL)
        return shmpool_of(block) == pool;
    return shmpool_alloc(pool, 1) == NULL && errno == EINVAL &&
           strstr(shmpool_errmsg(), "register") != NULL && backend_file_use(NULL) == 0;
}

static int has_in_full(shmpool_id pool, const char *block)
{
    void *own = shmpool_alloc(pool, 1);
    return own != NULL && shmpool_root(pool) == block && strcmp(block, greeting) == 0 &&
           shmpool_of(block) == pool && shmpool_free(pool, own) == 0;
}

/* For good: no right to write can be had. */
static int has_for_reading(shmpool_id pool, char *block)
{
    return shmpool_root(pool) == block && strcmp(block, greeting) == 0 &&
           shmpool_alloc(pool, 1) == NULL && errno == EROFS &&
           mprotect(block, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE) != 0 &&
           errno == EACCES;
}

static int has_not(shmpool_id pool, char *block)
{
    unsigned char resident;
    return shmpool_root(pool) == NULL && errno == EACCES && shmpool_of(block) < 0 &&
           mincore(block, 1, &resident) != 0 && errno == ENOMEM;
}

int main(int argc, char **argv)
{
    shmpool_id pools[3];
    char *blocks[3];
    if (argc != 7)
        return 2;
    for (int i = 0; i < 3; i++) {
        pools[i] = (shmpool_id)strtol(argv[2 * i + 1], NULL, 10);
        blocks[i] = (char *)(uintptr_t)strtoumax(argv[2 * i + 2], NULL, 0);
    }
    if (finds_it(pools[0], blocks[0]) && has_in_full(pools[0], blocks[0]) &&
        has_for_reading(pools[1], blocks[1]) && has_not(pools[2], blocks[2]) && shmpool_self() > 0)
        return 0;
    fprintf(stderr, "%s: %s\n", argv[0], shmpool_errmsg());
    return 1;
}
