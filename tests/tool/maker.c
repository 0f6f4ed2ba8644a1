/* Makes a pool for the tests of the tool, and holds it until its standard input ends.
 *
 *   maker BACKEND NAME [unlink]
 *   maker unfinished NAME
 *
 * 256 pages that may become 512. Of blocks of 1 to 12 pages each third is freed again; the last one
 * is published into the first; a child allocated three more and died. What else is to be known of
 * it, the library says. Prints its own process ID and its child's when all that is there; with
 * "unlink" the name is gone by then. The second form makes what a pool of memfd is before its
 * header is written. */
#include <err.h>
#include <fcntl.h>
#include <shmpool.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCKS = 12, OF_CHILD = 3 };

static shmpool_id pool;

static void *block_of(size_t n_pages)
{
    void *block = shmpool_alloc(pool, n_pages * (size_t)sysconf(_SC_PAGESIZE));
    if (block == NULL)
        errx(1, "%s", shmpool_errmsg());
    return block;
}

static pid_t make_child(void)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        for (size_t i = 0; i < OF_CHILD; i++)
            block_of(2);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        errx(1, "the child failed");
    return child;
}

static void fill(void)
{
    void *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = block_of(i + 1);
    memset(blocks[0], 0, sizeof(void *));
    for (size_t i = 2; i < BLOCKS - 1; i += 3)
        if (shmpool_free(pool, blocks[i]) != 0)
            errx(1, "%s", shmpool_errmsg());
    if (shmpool_publish(pool, blocks[BLOCKS - 1], blocks[0]) != 0)
        errx(1, "%s", shmpool_errmsg());
}

static void make_unfinished(const char *name)
{
    char label[256];
    snprintf(label, sizeof label, "shmpool.%s", name);
    int fd = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, 1 << 20) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
        err(1, "%s", label);
}

static pid_t make_pool(const char *backend, const char *name, bool is_unlinked)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct shmpool_options options = {.backend = backend, .name = name, .max_size = 512 * page};
    pool = shmpool_create(256 * page, &options);
    if (pool < 0)
        errx(1, "%s", shmpool_errmsg());
    fill();
    pid_t child = make_child();
    if (is_unlinked && shmpool_unlink(pool) != 0)
        errx(1, "%s", shmpool_errmsg());
    return child;
}

int main(int argc, char *argv[])
{
    pid_t child = 0;
    if (argc < 3)
        errx(2, "usage: maker BACKEND NAME [unlink]");
    if (strcmp(argv[1], "unfinished") == 0)
        make_unfinished(argv[2]);
    else
        child = make_pool(argv[1], argv[2], argc > 3);
    printf("%d %d\n", (int)getpid(), (int)child);
    fflush(stdout);
    while (getchar() != EOF)
        ;
    return 0;
}
