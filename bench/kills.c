/* kills NAME SECONDS LOOK: a pool at work whose workers are killed, for ./run pictures.
 *
 * Workers allocate and free blocks in a pool of that name as fast as they can. Each second one of
 * them is killed, and another takes its place. On stdout: "rate T R", R operations a second of all
 * workers in the time before T; "kill T"; T in seconds. In the middle the command LOOK is run while
 * the blocks of a dead worker are in the pool. The pool must be sound at the end. */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <shmpool.h>

enum {
    N_WORKERS = 4,
    POOL_PAGES = 4096,
    N_BLOCKS = 90, /* of a worker, of which each fourth is not there */
    MOST_PAGES = 22,
    SAMPLE_MS = 100,
    KILL_SAMPLES = 10, /* from kill to kill, */
    DEAD_SAMPLES = 3   /* and until another takes the place */
};

/* One cache line a worker, so that counting does not slow down the others. */
struct counter {
    _Alignas(128) _Atomic uint64_t operations;
};

static shmpool_id pool;
static size_t page_size;
static struct counter *counters;
static shmpool_worker workers[N_WORKERS];
static pid_t look; /* the process that looks into the pool; 0: none */

static void need(int is_fine)
{
    if (!is_fine)
        errx(EXIT_FAILURE, "%s", shmpool_errmsg());
}

/* ---- a worker ---- */

static unsigned next_random(unsigned *state)
{
    *state = *state * 1103515245U + 12345U;
    return *state >> 16;
}

static int work(void *arg)
{
    void *blocks[N_BLOCKS] = {NULL};
    struct counter *counter = arg;
    unsigned state = (unsigned)getpid();
    uint64_t n = atomic_load_explicit(&counter->operations, memory_order_relaxed);
    for (; n < UINT64_MAX; n++) {
        atomic_store_explicit(&counter->operations, n, memory_order_relaxed);
        void **block = &blocks[next_random(&state) % N_BLOCKS];
        if (*block == NULL) {
            *block = shmpool_alloc(pool, page_size * (1 + next_random(&state) % MOST_PAGES));
            continue;
        }
        need(shmpool_free(pool, *block) == 0);
        *block = NULL;
        if (next_random(&state) % 4 != 0)
            *block = shmpool_alloc(pool, page_size * (1 + next_random(&state) % MOST_PAGES));
    }
    return EXIT_SUCCESS;
}

/* ---- the master ---- */

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static uint64_t operations(void)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < N_WORKERS; i++)
        sum += atomic_load_explicit(&counters[i].operations, memory_order_relaxed);
    return sum;
}

static void start(size_t place)
{
    struct shmpool_start_options options = {.flags = SHMPOOL_DIE_WITH_STARTER};
    workers[place] = shmpool_start(work, &counters[place], &options);
    need(workers[place] > 0);
}

static void end(size_t place)
{
    need(shmpool_kill(workers[place], SIGKILL) == 0);
    need(shmpool_join(workers[place], NULL, -1) == 0);
}

static void begin_look(const char *command)
{
    fflush(stdout);
    look = fork();
    if (look == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
}

static int is_looking(void)
{
    int status = 0;
    if (look > 0 && waitpid(look, &status, WNOHANG) == look) {
        look = 0;
        if (status != 0)
            errx(EXIT_FAILURE, "the command that looks into the pool failed");
    }
    return look > 0;
}

/* What dead workers owned is free again, but not while somebody looks. EAGAIN: the next time. */
static void tidy(void)
{
    if (!is_looking())
        need(shmpool_reclaim(pool, 0) >= 0 || errno == EAGAIN);
}

static double sample(double begin, double last, uint64_t *before)
{
    struct timespec pause = {.tv_nsec = SAMPLE_MS * 1000000L};
    nanosleep(&pause, NULL);
    double moment = now();
    uint64_t all = operations();
    printf("rate %.3f %.0f\n", moment - begin, (double)(all - *before) / (moment - last));
    *before = all;
    return moment;
}

static void run(int samples, const char *command)
{
    double begin = now();
    double last = begin;
    uint64_t before = operations();
    for (int i = 1; i <= samples; i++) {
        size_t victim = (size_t)(i / KILL_SAMPLES % N_WORKERS);
        last = sample(begin, last, &before);
        tidy();
        if (i % KILL_SAMPLES == 0) {
            end(victim);
            printf("kill %.3f\n", last - begin);
            if (i / KILL_SAMPLES == samples / KILL_SAMPLES / 2)
                begin_look(command);
        }
        if (i > KILL_SAMPLES && i % KILL_SAMPLES == DEAD_SAMPLES)
            start(victim);
    }
}

int main(int argc, char *argv[])
{
    if (argc != 4 || atoi(argv[2]) < 4)
        errx(2, "usage: kills NAME SECONDS LOOK, of 4 seconds or more");
    page_size = (size_t)sysconf(_SC_PAGESIZE);
    pool = shmpool_create(page_size * POOL_PAGES, &(struct shmpool_options){.name = argv[1]});
    need(pool > 0);
    counters = shmpool_alloc(pool, sizeof *counters * N_WORKERS);
    need(counters != NULL);
    memset(counters, 0, sizeof *counters * N_WORKERS);
    for (size_t i = 0; i < N_WORKERS; i++)
        start(i);
    run(atoi(argv[2]) * 1000 / SAMPLE_MS + DEAD_SAMPLES, argv[3]);
    for (size_t i = 0; i < N_WORKERS; i++)
        end(i);
    while (is_looking())
        sleep(1);
    int faults = shmpool_check(pool, stderr);
    need(shmpool_unlink(pool) == 0);
    return faults == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
