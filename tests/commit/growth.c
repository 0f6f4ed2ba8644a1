/* A committed pool grows wholly or not at all: where the folder is full, and where memory is. */
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "commit/commit.h"

enum { FIRST = 50, GROWN = 170, MIB = 1 << 20 };

static shmpool_id create_growing(size_t first, size_t most)
{
    struct shmpool_options options = {.max_size = most, .flags = SHMPOOL_COMMIT};
    shmpool_id pool = shmpool_create(first, &options);
    CHILD_CHECK(pool > 0);
    return pool;
}

/* All of its blocks: the mapping is longer. */
static void touch_blocks_of(shmpool_id pool)
{
    struct shmpool_stats stats;
    CHILD_CHECK(shmpool_stats(pool, &stats) == 0);
    char *block = shmpool_alloc(pool, stats.total);
    CHILD_CHECK(block != NULL);
    memset(block, 1, stats.total);
    CHILD_CHECK(shmpool_free(pool, block) == 0);
    CHILD_CHECK(shmpool_check(pool, NULL) == 0);
}

/* Grows it, to total bytes; if that is refused, with this errno and a sentence with these words,
 * the pool is as it was. */
static bool grows(shmpool_id pool, size_t total, int code, const char *words)
{
    struct shmpool_stats before, after;
    CHILD_CHECK(shmpool_stats(pool, &before) == 0);
    bool grown = shmpool_grow(pool, total) == 0;
    CHILD_CHECK(grown || errno == code);
    CHILD_CHECK(grown || strstr(shmpool_errmsg(), words) != NULL);
    CHILD_CHECK(shmpool_stats(pool, &after) == 0);
    CHILD_CHECK(after.total == (grown ? total : before.total));
    CHILD_CHECK(after.free == after.total);
    return grown;
}

static void take_all_but(int fd, size_t n_pages)
{
    struct statvfs system;
    CHILD_CHECK(ftruncate(fd, 0) == 0 && statvfs("/dev/shm", &system) == 0);
    size_t n_free = system.f_bfree * system.f_frsize / page();
    CHILD_CHECK(n_free > n_pages);
    CHILD_CHECK(fallocate(fd, 0, 0, (off_t)pages(n_free - n_pages)) == 0);
}

/* With one page more each time, until it grows: then the new part and no more than its tables are
 * taken. */
static int grow_in_full_folder(void *arg)
{
    (void)arg;
    size_t n_left = 0;
    if (!has_files() || !own_folder("size=3m"))
        return 0;
    int fd = open("/dev/shm/filling", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHILD_CHECK(fd >= 0);
    shmpool_id pool = create_growing(pages(FIRST), pages(2 * GROWN));
    touch_blocks_of(pool);
    for (;; n_left++) {
        take_all_but(fd, n_left);
        if (grows(pool, pages(GROWN), ENOSPC, "/dev/shm has no room for "))
            break;
        touch_blocks_of(pool);
    }
    CHILD_CHECK(n_left >= GROWN - FIRST && n_left <= GROWN - FIRST + 8);
    touch_blocks_of(pool);
    drop(pool);
    close(fd);
    return 0;
}

START_TEST(a_full_folder_lets_no_committed_pool_grow)
{
    ck_child_ok(grow_in_full_folder, NULL);
}
END_TEST

static int grow_with_little_memory(void *arg)
{
    (void)arg;
    if (!own_folder("size=64m") || !own_meminfo(1024 * (uint64_t)MIB, 12 * (uint64_t)MIB))
        return 0;
    shmpool_id pool = create_growing(MIB, 64 * MIB);
    CHILD_CHECK(!grows(pool, 40 * MIB, ENOMEM, "are free for it"));
    touch_blocks_of(pool);
    CHILD_CHECK(grows(pool, 2 * MIB, 0, ""));
    touch_blocks_of(pool);
    drop(pool);
    return 0;
}

START_TEST(little_memory_lets_no_committed_pool_grow)
{
    ck_child_ok(grow_with_little_memory, NULL);
}
END_TEST

TCase *growth_case(void)
{
    TCase *tcase = tcase_create("growth");
    tcase_add_checked_fixture(tcase, leftover_setup, leftover_teardown);
    tcase_add_test(tcase, a_full_folder_lets_no_committed_pool_grow);
    tcase_add_test(tcase, little_memory_lets_no_committed_pool_grow);
    return tcase;
}
