/* Processes that do one workload at the same time, each on a processor of its own where there are
 * enough, and how long an operation takes them. */
#ifndef BENCH_CREW_H
#define BENCH_CREW_H

#include "workload.h"

enum { CREW_MOST = 64 };

struct crew_result {
    double ns;           /* an operation, the mean of the processes */
    uint64_t n_failures; /* allocations that gave nothing, of n_operations */
    uint64_t n_operations;
};

/* Each process works for so many milliseconds after all are prepared. The contender is created.
 * 0, or -1: one of them could not be prepared. */
int crew_run(const struct workload *workload, const struct job *share, unsigned n_processes,
             unsigned milliseconds, struct crew_result *result);

#endif
