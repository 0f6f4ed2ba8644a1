#include "crew.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A slice is a stretch of batches with the clock at both ends. The time of an operation is the
 * median of the slices: whatever else runs on the machine takes whole slices away and leaves the
 * others as they are. Of operations timed one by one it is the slowest of a thousand. */
enum { SLICE_NS = 100000, SLICES = 1 << 18 };

struct place {
    double ns;
    uint64_t n_failures;
    uint64_t n_operations;
};

struct board {
    _Atomic unsigned n_ready;
    _Atomic unsigned n_failed;
    struct place places[CREW_MOST];
};

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* To the number-th processor of those that the program may use. */
static void pin(unsigned number)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return;
    number %= (unsigned)CPU_COUNT(&allowed);
    for (size_t i = 0; i < CPU_SETSIZE; i++) {
        if (!CPU_ISSET(i, &allowed) || number-- > 0)
            continue;
        CPU_ZERO(&allowed);
        CPU_SET(i, &allowed);
        sched_setaffinity(0, sizeof allowed, &allowed);
        return;
    }
}

static int ascending(const void *a, const void *b)
{
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

/* Gets the hints, caches and free lists of a contender past their first impression. */
static void warm_up(const struct workload *workload, struct job *job, unsigned milliseconds)
{
    uint64_t end = now() + milliseconds * UINT64_C(1000000) / 2;
    while (now() < end)
        workload->batch(job);
    job->n_failures = 0;
}

static void work(const struct workload *workload, struct job *job, unsigned milliseconds,
                 struct place *place)
{
    static double slices[SLICES];
    unsigned n = 0;
    uint64_t begin = now();
    uint64_t end = begin + milliseconds * UINT64_C(1000000);
    uint64_t slice = workload->one_by_one ? 0 : SLICE_NS;
    while (n < SLICES && begin < end) {
        uint64_t n_operations = 0;
        uint64_t until;
        do {
            n_operations += workload->batch(job);
            until = now();
        } while (until < begin + slice);
        slices[n++] = (double)(until - begin) / (double)n_operations;
        place->n_operations += n_operations;
        begin = until;
    }
    qsort(slices, n, sizeof *slices, ascending);
    place->ns = slices[workload->one_by_one ? n - 1 - n / 1000 : n / 2];
    place->n_failures = job->n_failures;
}

static void worker(const struct workload *workload, struct job job, unsigned number, unsigned n,
                   unsigned milliseconds, struct board *board)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* bench.sh loses patience with the master */
    job.random += number;
    pin(number);
    if (workload->prepare(&job) != 0)
        atomic_fetch_add(&board->n_failed, 1);
    atomic_fetch_add(&board->n_ready, 1);
    while (atomic_load(&board->n_ready) < n)
        sched_yield();
    if (atomic_load(&board->n_failed) > 0)
        _exit(1);
    warm_up(workload, &job, milliseconds);
    work(workload, &job, milliseconds, &board->places[number]);
    _exit(0);
}

static int gather(const struct board *board, unsigned n, struct crew_result *result)
{
    int failed = 0;
    for (unsigned i = 0; i < n; i++) {
        int status;
        failed |= wait(&status) < 0 || status != 0;
    }
    *result = (struct crew_result){0};
    for (unsigned i = 0; i < n; i++) {
        result->ns += board->places[i].ns / n;
        result->n_failures += board->places[i].n_failures;
        result->n_operations += board->places[i].n_operations;
    }
    return failed ? -1 : 0;
}

int crew_run(const struct workload *workload, const struct job *share, unsigned n_processes,
             unsigned milliseconds, struct crew_result *result)
{
    struct board *board =
        mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board == MAP_FAILED) {
        perror("mmap");
        return -1;
    }
    for (unsigned i = 0; i < n_processes; i++)
        if (fork() == 0)
            worker(workload, *share, i, n_processes, milliseconds, board);
    return gather(board, n_processes, result);
}
