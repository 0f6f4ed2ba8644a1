/* The calls that are not made a million times a second: create, open, commit, grow, recover, check,
 * stats, start, spawn; and the first touch of a page. Each is done once a repetition, and
 *
 *   call|size|microseconds
 *
 * is printed. bench.sh takes the medians. Some have their floor beside them, in lines of their own:
 * fallocate for commit, fork for start, posix_spawn for spawn. With an argument this is the program
 * that is spawned. */
#include <fcntl.h>
#include <shmpool.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

enum { PAGE = 4096, BLOCKS = 100000, STEPS = 16, POOLS = 8, TOUCHED = 256 };

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

static shmpool_id create_growing(const char *backend, size_t bytes, size_t most, unsigned flags)
{
    struct shmpool_options options = {.backend = backend, .max_size = most, .flags = flags};
    shmpool_id pool = shmpool_create(bytes, &options);
    must(pool > 0);
    return pool;
}

static shmpool_id create(const char *backend, size_t bytes, unsigned flags)
{
    return create_growing(backend, bytes, 0, flags);
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

static void count(shmpool_id pool, const char *call, const char *size)
{
    struct shmpool_stats stats;
    double begin = now();
    must(shmpool_stats(pool, &stats) == 0);
    say(call, size, begin);
}

static void look_into(shmpool_id pool, const char *size)
{
    double begin;
    count(pool, "stats", size);
    begin = now();
    must(shmpool_check(pool, NULL) == 0);
    say("check", size, begin);
    lose_member(pool);
    begin = now();
    must(shmpool_recover(pool) == 0);
    say("recover after a death", size, begin);
}

/* All of it has been in use, so that every word counts. */
static void count_used(shmpool_id pool, const char *size)
{
    struct shmpool_stats stats;
    must(shmpool_stats(pool, &stats) == 0);
    void *block = shmpool_alloc(pool, stats.contiguous);
    must(block != NULL);
    must(shmpool_free(pool, block) == 0);
    count(pool, "stats, all of it used before", size);
}

static void creations(const char *size, size_t bytes)
{
    double begin = now();
    shmpool_id pool = create("memfd", bytes, 0);
    say("create", size, begin);
    must(shmpool_alloc(pool, PAGE) != NULL);
    look_into(pool, size);
    count_used(pool, size);
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

/* Call by call, and all at once. */
static void growing(const char *steps, const char *leap, unsigned flags)
{
    shmpool_id pool = create_growing("memfd", MIB, 512 * MIB, flags);
    size_t size = MIB;
    double begin = now();
    for (int i = 0; i < STEPS; i++)
        must(shmpool_grow(pool, size += MIB) == 0);
    say(steps, "16 calls of 1 MiB", begin);
    begin = now();
    must(shmpool_grow(pool, size + 256 * MIB) == 0);
    say(leap, "256 MiB", begin);
    end(pool);
}

static void touch(const char *what, shmpool_id pool)
{
    volatile char *block = shmpool_alloc(pool, (size_t)TOUCHED * PAGE);
    must(block != NULL);
    double begin = now();
    for (size_t i = 0; i < TOUCHED; i++)
        block[i * PAGE] = 1;
    say(what, "256 pages", begin);
    must(shmpool_free(pool, (void *)(uintptr_t)block) == 0);
}

/* A page that was touched before is the floor. */
static void touching(void)
{
    shmpool_id pool = create("memfd", 16 * MIB, 0);
    touch("first touch", pool);
    touch("touch", pool);
    must(shmpool_trim(pool) >= 0);
    touch("first touch after trim", pool);
    end(pool);
    pool = create("memfd", 16 * MIB, SHMPOOL_COMMIT);
    touch("first touch, with commit", pool);
    end(pool);
}

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

static void end_of(const char *call, const char *size, shmpool_worker worker, double begin)
{
    int status = -1;
    must(worker > 0 && shmpool_join(worker, &status, -1) == 0 && status == 0);
    say(call, size, begin);
}

static void end_of_process(const char *call, pid_t process, double begin)
{
    int status = -1;
    if (process <= 0 || waitpid(process, &status, 0) != process || status != 0)
        exit(1);
    say(call, "a process", begin);
}

static void starting(const char *size)
{
    double begin = now();
    end_of("start and join", size, shmpool_start(nothing, NULL, NULL), begin);
}

static void forking(void)
{
    double begin = now();
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    end_of_process("fork and wait", child, begin);
}

/* The same program: one makes its first call, and so has its pools; the other makes none. */
static void spawning(const char *size)
{
    char self[] = "/proc/self/exe";
    char finds[] = "finds its pools";
    char *argv[] = {self, finds, NULL};
    double begin = now();
    end_of("spawn and join", size, shmpool_spawn(self, argv, NULL, NULL), begin);
}

static void spawning_plainly(void)
{
    extern char **environ;
    char self[] = "/proc/self/exe";
    char plain[] = "plain";
    char *argv[] = {self, plain, NULL};
    pid_t child = 0;
    double begin = now();
    must(posix_spawn(&child, self, NULL, NULL, argv, environ) == 0);
    end_of_process("posix_spawn and wait", child, begin);
}

static int spawned(const char *what)
{
    return strcmp(what, "plain") == 0 || shmpool_self() > 0 ? 0 : 1;
}

static void processes(void)
{
    shmpool_id pools[POOLS];
    starting("a worker");
    spawning("a worker");
    for (int i = 0; i < POOLS; i++)
        pools[i] = create("memfd", 16 * MIB, 0);
    starting("a worker, 8 pools");
    spawning("a worker, 8 pools");
    forking();
    spawning_plainly();
    for (int i = 0; i < POOLS; i++)
        end(pools[i]);
}

int main(int n, char **words)
{
    if (n > 1)
        return spawned(words[1]);
    creations("256 MiB", 256 * MIB);
    creations("64 GiB", 64 * GIB);
    opening();
    commitment();
    growing("grow", "grow at once", 0);
    growing("grow, with commit", "grow at once, with commit", SHMPOOL_COMMIT);
    touching();
    processes();
    return 0;
}
