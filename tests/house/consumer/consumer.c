/* The smallest program that needs the library to be there and to work. */
#include <shmpool.h>
#include <stdio.h>
#include <string.h>

static int failed(const char *step)
{
    fprintf(stderr, "%s: %s\n", step, shmpool_errmsg());
    return 1;
}

int main(void)
{
    shmpool_id pool = shmpool_create(1 << 20, NULL);
    if (pool < 0)
        return failed("create");
    char *block = shmpool_alloc(pool, 100);
    if (!block)
        return failed("alloc");
    strcpy(block, "shared");
    if (shmpool_free(pool, block) < 0)
        return failed("free");
    if (shmpool_unlink(pool) < 0)
        return failed("unlink");
    return strcmp(shmpool_version(), "0.1.0") != 0;
}
