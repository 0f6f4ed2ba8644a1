/* The calls that are not made a million times a second: create, open, commit, recover, check,
 * stats, start. Each is done once a repetition, and
 *
 *   call|size|microseconds
 *
 * is printed. bench.sh takes the medians. Some have their floor beside them, in lines of their own:
 * fallocate for commit, fork for start. */
#include <fcntl.h>
#include <shmpool.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

enum { PAGE = 4096, BLOCKS = 100000 };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void say(const char *call, const char *size, double begin)
{
    printf("%s|%s|%.1f\n", call, size, now() - begin);
}

static void must(int right)
{
    if (right)
        return;
    fprintf(stderr, "%s\n", shmpool_errmsg());
    exit(1);
}

static shmpool_id create(const char *backend, size_t bytes, unsigned flags)
{
    struct shmpool_options options = {.backend = backend, .flags = flags};
    shmpool_id pool = shmpool_create(bytes, &options);
    must(pool > 0);
    return pool;
}

static void end(shmpool_id pool)
{
    must(shmpool_unlink(pool) == 0);
    must(shmpool_release(pool) == 0);
}

/* A member that dies in the midst of its work. */
static void lose_member(shmpool_id pool)
{
    pid_t child = fork();
    if (child == 0)
        for (;;)
            shmpool_free(pool, shmpool_alloc(pool, PAGE));
    usleep(2000);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void look_into(shmpool_id pool, const char *size)
{
    struct shmpool_stats stats;
    double begin = now();
    must(shmpool_stats(pool, &stats) == 0);
    say("stats", size, begin);
    begin = now();
    must(shmpool_check(pool, NULL) == 0);
    say("check", size, begin);
    lose_member(pool);
    begin = now();
    must(shmpool_recover(pool) == 0);
    say("recover after a death", size, begin);
}

static void creations(const char *size, size_t bytes)
{
    double begin = now();
    shmpool_id pool = create("memfd", bytes, 0);
    say("create", size, begin);
    must(shmpool_alloc(pool, PAGE) != NULL);
    look_into(pool, size);
    end(pool);
}

static void opening(void)
{
    shmpool_id pool = create("posix", 4 * GIB, 0);
    char name[256];
    snprintf(name, sizeof name, "%s", shmpool_name(pool));
    for (int i = 0; i < BLOCKS; i++)
        must(shmpool_alloc(pool, PAGE) != NULL);
    must(shmpool_release(pool) == 0);
    double begin = now();
    pool = shmpool_open(name, 0);
    must(pool > 0);
    say("open, 100000 blocks", "4 GiB", begin);
    end(pool);
}

static void commitment(void)
{
    double begin = now();
    shmpool_id pool = create("memfd", 256 * MIB, SHMPOOL_COMMIT);
    say("create with commit", "256 MiB", begin);
    end(pool);
    int fd = memfd_create("floor", MFD_CLOEXEC);
    begin = now();
    must(fd >= 0 && ftruncate(fd, 256 * MIB) == 0 && fallocate(fd, 0, 0, 256 * MIB) == 0);
    say("fallocate", "256 MiB", begin);
    close(fd);
}

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

static void starting(void)
{
    int status;
    double begin = now();
    shmpool_worker worker = shmpool_start(nothing, NULL, NULL);
    must(worker > 0 && shmpool_join(worker, &status, -1) == 0);
    say("start and join", "a worker", begin);
    begin = now();
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, &status, 0);
    say("fork and wait", "a process", begin);
}

int main(void)
{
    creations("256 MiB", 256 * MIB);
    creations("64 GiB", 64 * GIB);
    opening();
    commitment();
    starting();
    return 0;
}
