/* Bad input, one call a line: its errno, what the sentence names, and the pool as it was: the same
 * figures, a clean check, the same dump. Each runs in a pool of its own with blocks in it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contract/contract.h"

/* What calls are made with. */
static struct scene {
    shmpool_id pool;
    char name[RUN_NAME_SIZE];
    shmpool_id released;
    shmpool_worker joined;
    char *block;   /* 40 pages */
    void **place;  /* in a block: NULL */
    void **taken;  /* in a block: not NULL */
    char *freed;   /* was a block */
    char *foreign; /* a block of another pool */
    void *outside; /* of every pool */
} at;

static shmpool_id other;

static int ends(void *unused)
{
    (void)unused;
    return 0;
}

static void make_scene(void)
{
    at.pool = pool_named(run_name(at.name, "refusal"), 100);
    other = pool_new(1);
    at.released = pool_new(1);
    pool_drop(at.released);
    at.block = shmpool_alloc(at.pool, pages(40));
    at.place = shmpool_alloc(at.pool, 1);
    at.freed = shmpool_alloc(at.pool, pages(2));
    at.foreign = shmpool_alloc(other, 1);
    at.outside = &at;
    ck_quiet(at.block && at.place && at.freed && at.foreign);
    ck_ok(shmpool_free(at.pool, at.freed));
    at.place[0] = NULL;
    at.taken = at.place + 1;
    *at.taken = at.place;
    at.joined = shmpool_start(ends, NULL, NULL);
    ck_ok(at.joined);
    ck_join_ok(at.joined);
}

static void drop_scene(void)
{
    pool_drop(at.pool);
    pool_drop(other);
}

/* ---- the calls ---- */

static struct shmpool_stats figures;

static int null_fails(const void *result)
{
    return result == NULL ? -1 : 0;
}

static int create(size_t size, struct shmpool_options options)
{
    return shmpool_create(size, &options);
}

static int start(struct shmpool_grant grant, struct shmpool_start_options options)
{
    if (options.n_inherit == 1)
        options.inherit = &grant;
    return shmpool_start(child_sleep, NULL, &options);
}

#define ALLOC(...)        null_fails(shmpool_alloc(__VA_ARGS__))
#define ALIGNED(...)      null_fails(shmpool_alloc_aligned(__VA_ARGS__))
#define CREATE(size, ...) create(size, (struct shmpool_options){__VA_ARGS__})
#define START(id, flag)                                                                            \
    start((struct shmpool_grant){id, flag}, (struct shmpool_start_options){.n_inherit = 1})
#define START_WITH(...)                                                                            \
    start((struct shmpool_grant){0}, (struct shmpool_start_options){__VA_ARGS__})
#define REFUSAL(name, ...)                                                                         \
    static int name(void)                                                                          \
    {                                                                                              \
        return (int)(__VA_ARGS__);                                                                 \
    }

/* name, errno, a part of the sentence, call */
#define REFUSALS(X)                                                                                \
    X(alloc_nothing, EINVAL, "0 bytes", ALLOC(at.pool, 0))                                         \
    X(alloc_more_than_free, ENOSPC, "largest free run", ALLOC(at.pool, pages(60)))                 \
    X(alloc_size_max, ENOSPC, "largest free run", ALLOC(at.pool, SIZE_MAX))                        \
    X(alloc_that_rounds_to_0, ENOSPC, "largest free run", ALLOC(at.pool, SIZE_MAX - page() + 2))   \
    X(alloc_negative, ENOSPC, "largest free run", ALLOC(at.pool, (size_t)-1 - page()))             \
    X(alloc_in_0, EBADF, "pool 0", ALLOC(0, 1))                                                    \
    X(alloc_in_negative, EBADF, "pool -1", ALLOC(-1, 1))                                           \
    X(alloc_in_least, EBADF, "-2147483648", ALLOC(INT32_MIN, 1))                                   \
    X(alloc_in_most, EBADF, "2147483647", ALLOC(INT32_MAX, 1))                                     \
    X(alloc_in_released, EACCES, "released", ALLOC(at.released, 1))                                \
    X(aligned_to_0, EINVAL, "power of two", ALIGNED(at.pool, 0, 1))                                \
    X(aligned_to_3, EINVAL, "power of two", ALIGNED(at.pool, 3, 1))                                \
    X(aligned_to_size_max, EINVAL, "power of two", ALIGNED(at.pool, SIZE_MAX, 1))                  \
    X(aligned_nothing, EINVAL, "0 bytes", ALIGNED(at.pool, 4096, 0))                               \
    X(aligned_size_max, ENOSPC, "largest", ALIGNED(at.pool, (size_t)1 << 63, SIZE_MAX))            \
    X(free_null, ENOENT, "no live block", shmpool_free(at.pool, NULL))                             \
    X(free_interior, ENOENT, "no live block", shmpool_free(at.pool, at.block + page()))            \
    X(free_unaligned, ENOENT, "no live block", shmpool_free(at.pool, at.block + 1))                \
    X(free_freed, ENOENT, "no live block", shmpool_free(at.pool, at.freed))                        \
    X(free_foreign, ENOENT, "no live block", shmpool_free(at.pool, at.foreign))                    \
    X(free_outside, ENOENT, "no live block", shmpool_free(at.pool, at.outside))                    \
    X(free_tables, ENOENT, "no live block", shmpool_free(at.pool, pool_base(at.pool)))             \
    X(free_last_address, ENOENT, "no live block", shmpool_free(at.pool, (void *)UINTPTR_MAX))      \
    X(free_in_stale, EACCES, "released", shmpool_free(at.released, at.block))                      \
    X(size_at_null, ENOENT, "no live block", shmpool_size_at(at.pool, NULL))                       \
    X(size_at_interior, ENOENT, "no live block", shmpool_size_at(at.pool, at.block + page()))      \
    X(size_at_unaligned, ENOENT, "no live block", shmpool_size_at(at.pool, at.block + 8))          \
    X(size_at_freed, ENOENT, "no live block", shmpool_size_at(at.pool, at.freed))                  \
    X(size_at_foreign, ENOENT, "no live block", shmpool_size_at(at.pool, at.foreign))              \
    X(of_null, ENOENT, "no pool", shmpool_of(NULL))                                                \
    X(of_outside, ENOENT, "no pool", shmpool_of(at.outside))                                       \
    X(publish_null, ENOENT, "no live block", shmpool_publish(at.pool, NULL, at.place))             \
    X(publish_interior, ENOENT, "no live", shmpool_publish(at.pool, at.block + page(), at.place))  \
    X(publish_unaligned, ENOENT, "no live", shmpool_publish(at.pool, at.block + 1, at.place))      \
    X(publish_freed, ENOENT, "no live", shmpool_publish(at.pool, at.freed, at.place))              \
    X(publish_foreign, ENOENT, "no live", shmpool_publish(at.pool, at.foreign, at.place))          \
    X(publish_to_null, EINVAL, "aligned place", shmpool_publish(at.pool, at.block, NULL))          \
    X(publish_outside, EINVAL, "aligned place", shmpool_publish(at.pool, at.block, &at.outside))   \
    X(publish_askew, EINVAL, "aligned place",                                                      \
      shmpool_publish(at.pool, at.block, (char *)at.place + 1))                                    \
    X(publish_to_tables, EINVAL, "aligned place",                                                  \
      shmpool_publish(at.pool, at.block, pool_base(at.pool)))                                      \
    X(publish_over, EEXIST, "not NULL", shmpool_publish(at.pool, at.block, at.taken))              \
    X(root_outside, EINVAL, "does not lie", shmpool_set_root(at.pool, at.outside))                 \
    X(root_foreign, EINVAL, "does not lie", shmpool_set_root(at.pool, at.foreign))                 \
    X(root_in_tables, EINVAL, "does not lie", shmpool_set_root(at.pool, pool_base(at.pool)))       \
    X(root_that_is_not, ENOENT, "no root", null_fails(shmpool_root(at.pool)))                      \
    X(stats_nowhere, EINVAL, "stats is NULL", shmpool_stats(at.pool, NULL))                        \
    X(stats_of_0, EBADF, "pool 0", shmpool_stats(0, &figures))                                     \
    X(dump_nowhere, EINVAL, "out is NULL", shmpool_dump(at.pool, NULL))                            \
    X(reclaim_negative, EINVAL, "-5", (int)shmpool_reclaim(at.pool, -5))                           \
    X(reclaim_least, EINVAL, "-2147483648", (int)shmpool_reclaim(at.pool, INT32_MIN))              \
    X(reclaim_living, EBUSY, "lives", (int)shmpool_reclaim(at.pool, getpid()))                     \
    X(release_released, EACCES, "released", shmpool_release(at.released))                          \
    X(unlink_0, EBADF, "pool 0", shmpool_unlink(0))                                                \
    X(name_of_negative, EBADF, "pool -3", null_fails(shmpool_name(-3)))                            \
    X(create_nothing, EINVAL, "0 bytes", shmpool_create(0, NULL))                                  \
    X(create_size_max, ENOMEM, "32 TiB", shmpool_create(SIZE_MAX, NULL))                           \
    X(create_shrunk, EINVAL, "max_size 1", CREATE(pages(1), .max_size = 1))                        \
    X(create_flag, EINVAL, "0x80000000", CREATE(1, .flags = 1u << 31))                             \
    X(create_rdonly, EINVAL, "0x2", CREATE(1, .flags = SHMPOOL_RDONLY))                            \
    X(create_mode, EINVAL, "0100600", CREATE(1, .mode = 0100600))                                  \
    X(create_reserved, EINVAL, "reserved field 7", CREATE(1, .reserved[7] = 1))                    \
    X(create_backend, EINVAL, "nosuch", CREATE(1, .backend = "nosuch"))                            \
    X(create_name, EINVAL, "a/b", CREATE(1, .name = "a/b"))                                        \
    X(create_askew, EINVAL, "not aligned", CREATE(1, .address = (void *)0x200000000001))           \
    X(create_over, EADDRINUSE, "occupied", CREATE(1, .address = pool_base(at.pool)))               \
    X(open_null, EINVAL, "NULL", shmpool_open(NULL, 0))                                            \
    X(open_flag, EINVAL, "0x1", shmpool_open("x", SHMPOOL_COMMIT))                                 \
    X(open_backend, EINVAL, "nosuch", shmpool_open("nosuch:x", 0))                                 \
    X(unlink_name_null, EINVAL, "NULL", shmpool_unlink_name(NULL))                                 \
    X(start_nothing, EINVAL, "run", shmpool_start(NULL, NULL, NULL))                               \
    X(start_flag, EINVAL, "0x2", START_WITH(.flags = 2))                                           \
    X(start_reserved, EINVAL, "reserved field 3", START_WITH(.reserved[3] = 1))                    \
    X(start_null_list, EINVAL, "NULL", START_WITH(.n_inherit = 2))                                 \
    X(start_with_negative, EBADF, "-9", START(-9, 0))                                              \
    X(start_with_released, EACCES, "released", START(at.released, 0))                              \
    X(start_grant_flag, EINVAL, "0x4", START(at.pool, SHMPOOL_ZERO))                               \
    X(join_0, EBADF, "worker 0", shmpool_join(0, NULL, -1))                                        \
    X(join_joined, EBADF, "no worker", shmpool_join(at.joined, NULL, 0))                           \
    X(kill_negative, EBADF, "worker -1", shmpool_kill(-1, 9))                                      \
    X(kill_joined, EBADF, "no worker", shmpool_kill(at.joined, 0))                                 \
    X(pid_of_most, EBADF, "2147483647", shmpool_worker_pid(INT32_MAX))

/* clang-format off */
#define DEFINE(name, code, text, ...) REFUSAL(name, __VA_ARGS__)
#define LIST(name, code, text, ...) {#name, code, text, name},
/* clang-format on */

REFUSALS(DEFINE)

static const struct refusal {
    const char *name;
    int code;
    const char *text;
    int (*call)(void);
} refusals[] = {REFUSALS(LIST)};

/* ---- the pool as it was ---- */

static char *describe(shmpool_id pool)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_quiet(out != NULL);
    struct shmpool_stats stats = stats_of(pool);
    ck_ok(shmpool_dump(pool, out));
    ck_quiet(shmpool_check(pool, out) == 0);
    fwrite(&stats, sizeof stats, 1, out);
    fclose(out);
    return text;
}

START_TEST(bad_input_is_refused_and_changes_nothing)
{
    make_scene();
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *refusal = &refusals[i];
        char *before = describe(at.pool);
        ck_fails(shmpool_size_at(-12345, NULL), EBADF);
        errno = 0;
        int result = refusal->call();
        int code = errno;
        ck_assert_msg(result == -1 && code == refusal->code, "%s: %d, errno %d: %s", refusal->name,
                      result, code, shmpool_errmsg());
        ck_assert_msg(strstr(shmpool_errmsg(), refusal->text) != NULL, "%s: \"%s\" is not in: %s",
                      refusal->name, refusal->text, shmpool_errmsg());
        char *after = describe(at.pool);
        ck_assert_msg(strcmp(before, after) == 0, "%s changed the pool", refusal->name);
        free(before);
        free(after);
    }
    ck_quiet(at.place[0] == NULL && *at.taken == at.place);
    drop_scene();
}
END_TEST

TCase *refusals_case(void)
{
    TCase *tcase = contract_case("refusals");
    tcase_add_test(tcase, bad_input_is_refused_and_changes_nothing);
    return tcase;
}
