/* Prints the pools that it inherited, each with its ID, and "ro" where it is for reading only. */
#include <errno.h>
#include <shmpool.h>
#include <stdio.h>

enum { MOST = 8 };

int main(void)
{
    shmpool_self();
    for (shmpool_id pool = 1; pool < MOST; pool++) {
        const char *name = shmpool_name(pool);
        if (name != NULL)
            printf("%d %s%s\n", (int)pool, name,
                   shmpool_recover(pool) != 0 && errno == EROFS ? " ro" : "");
    }
    return 0;
}
