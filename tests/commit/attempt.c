#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commit/commit.h"
#include "support/proc.h"

static void fail_saying(const char *what, size_t size)
{
    dprintf(STDERR_FILENO, "%zu bytes: %s: errno %d: %s\n", size, what, errno, shmpool_errmsg());
    child_fail(__FILE__, __LINE__, what);
}

shmpool_id create_or_refuse(size_t size, unsigned flags, int code, const char *words)
{
    struct shmpool_options options = {.flags = flags};
    atomic_fetch_add(&tally->creations[part], 1);
    errno = 0;
    shmpool_id pool = shmpool_create(size, &options);
    if (pool > 0) {
        atomic_fetch_add(&tally->made, 1);
        return pool;
    }
    atomic_fetch_add(&tally->refused, 1);
    if (code != 0 ? errno != code : errno != ENOSPC && errno != ENOMEM)
        fail_saying("the wrong error", size);
    if (words != NULL && strstr(shmpool_errmsg(), words) == NULL)
        fail_saying("the wrong sentence", size);
    return 0;
}

/* The whole mapping by reading, which on a page that is not there is SIGBUS too; the blocks by
 * writing. */
void touch_all_of(shmpool_id pool)
{
    struct shmpool_stats stats;
    struct proc_mapping mapping;
    CHILD_CHECK(shmpool_stats(pool, &stats) == 0 && stats.contiguous == stats.total);
    char *block = shmpool_alloc(pool, stats.total);
    CHILD_CHECK(block != NULL);
    CHILD_CHECK(proc_mapping_at(block, &mapping));
    unsigned sum = 0;
    for (uintptr_t at = mapping.start; at < mapping.end; at += page())
        sum += *(const volatile unsigned char *)at;
    for (size_t at = 0; at < stats.total; at += page())
        block[at] = (char)(at ^ sum);
    CHILD_CHECK(shmpool_free(pool, block) == 0);
    CHILD_CHECK(shmpool_check(pool, NULL) == 0);
}

void drop(shmpool_id pool)
{
    CHILD_CHECK(shmpool_unlink(pool) == 0);
    CHILD_CHECK(shmpool_release(pool) == 0);
}

enum outcome attempt(size_t size, int code, const char *words)
{
    shmpool_id pool = create_or_refuse(size, SHMPOOL_COMMIT, code, words);
    if (pool == 0)
        return REFUSED;
    touch_all_of(pool);
    drop(pool);
    return MADE;
}

struct state state_now(bool own_folder)
{
    struct statvfs system = {0};
    if (own_folder)
        CHILD_CHECK(statvfs("/dev/shm", &system) == 0);
    return (struct state){
        .descriptors = proc_count_descriptors(),
        .mappings = proc_count_shared(),
        .blocks = system.f_bfree,
        .files = system.f_ffree,
    };
}

void check_same(const struct state *before, bool own_folder)
{
    siginfo_t info;
    struct state now = state_now(own_folder);
    CHILD_CHECK(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL) < 0 && errno == ECHILD);
    CHILD_CHECK(now.descriptors == before->descriptors);
    CHILD_CHECK(now.mappings == before->mappings);
    CHILD_CHECK(now.blocks == before->blocks);
    CHILD_CHECK(now.files == before->files);
}
