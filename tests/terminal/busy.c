/* busy NAME: a pool of that name in which blocks come and go, in an order that is always the same,
 * until stdin ends. It says "ready" once the pool is there, and removes it at the end. */
#include <err.h>
#include <poll.h>
#include <shmpool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { N_BLOCKS = 40, POOL_PAGES = 256, MOST_PAGES = 8, PAUSE_MS = 2 };

static unsigned next_random(unsigned *state)
{
    *state = *state * 1103515245U + 12345U;
    return *state >> 16;
}

/* Another block, or none, in place of the one that was there. */
static void change(shmpool_id pool, void **block, size_t page, unsigned *state)
{
    if (*block != NULL && shmpool_free(pool, *block) != 0)
        errx(EXIT_FAILURE, "%s", shmpool_errmsg());
    *block = NULL;
    if (next_random(state) % 4 != 0)
        *block = shmpool_alloc(pool, page * (1 + next_random(state) % MOST_PAGES));
}

int main(int argc, char *argv[])
{
    void *blocks[N_BLOCKS] = {NULL};
    unsigned state = 1;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct pollfd end = {.fd = STDIN_FILENO, .events = POLLIN};
    if (argc != 2)
        errx(2, "usage: busy NAME");
    shmpool_id pool = shmpool_create(page * POOL_PAGES, &(struct shmpool_options){.name = argv[1]});
    if (pool < 0)
        errx(EXIT_FAILURE, "%s", shmpool_errmsg());
    for (size_t i = 0; i < N_BLOCKS; i++)
        change(pool, &blocks[i], page, &state);
    printf("ready\n");
    fflush(stdout);
    while (poll(&end, 1, PAUSE_MS) == 0)
        change(pool, &blocks[next_random(&state) % N_BLOCKS], page, &state);
    return shmpool_unlink(pool) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
