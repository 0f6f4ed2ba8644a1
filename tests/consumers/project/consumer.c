/* A program of somebody else in C: a worker adds up numbers in a pool, another one is granted
 * nothing. It fits C11 and needs no header but the library's and the standard's. */
#include <errno.h>
#include <shmpool.h>
#include <shmpool/backend.h>
#include <stdio.h>
#include <string.h>

enum { N = 1000 };

static shmpool_id pool;

static int add_up(void *arg)
{
    long **result = arg;
    long *sum = shmpool_alloc(pool, sizeof *sum);
    if (sum == NULL)
        return 1;
    *sum = 0;
    for (long i = 1; i <= N; i++)
        *sum += i;
    return shmpool_publish(pool, sum, result) == 0 ? 0 : 1;
}

static int has_nothing(void *arg)
{
    (void)arg;
    return shmpool_alloc(pool, 1) == NULL && errno == EACCES ? 0 : 1;
}

static int run(int (*work)(void *), void *arg, const struct shmpool_start_options *options)
{
    int status = -1;
    shmpool_worker worker = shmpool_start(work, arg, options);
    if (worker < 0 || shmpool_join(worker, &status, -1) != 0)
        fprintf(stderr, "%s\n", shmpool_errmsg());
    return status;
}

int main(void)
{
    struct shmpool_options options = {.flags = SHMPOOL_COMMIT | SHMPOOL_DUMP};
    pool = shmpool_create(1 << 20, &options);
    struct shmpool_grant grants[] = {{pool, 0}};
    struct shmpool_start_options all = {.inherit = grants, .n_inherit = 1};
    struct shmpool_start_options none = {.inherit = SHMPOOL_INHERIT_NONE,
                                         .flags = SHMPOOL_DIE_WITH_STARTER};
    long **result = pool > 0 ? shmpool_alloc(pool, sizeof *result) : NULL;
    if (result == NULL)
        return fprintf(stderr, "%s\n", shmpool_errmsg()), 1;
    *result = NULL;
    int failed = run(add_up, result, &all) != 0 || run(has_nothing, NULL, &none) != 0 ||
                 **result != N * (N + 1L) / 2 || strcmp(shmpool_version(), VERSION) != 0;
    return shmpool_unlink(pool) == 0 && shmpool_release(pool) == 0 ? failed : 1;
}
