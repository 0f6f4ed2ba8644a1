/* A fixed run for the instruction counts: the filling, then so many operations, in one process.
 * instructions.sh runs it under callgrind, which counts inside of shmpool_alloc and shmpool_free
 * and begins anew at operate. */
#include <stdio.h>
#include <stdlib.h>

#include "workload.h"

enum { PAGES = 16384 };

/* Callgrind knows it by its name. */
__attribute__((noinline)) static void operate(const struct workload *workload, struct job *job,
                                              uint64_t n)
{
    for (uint64_t done = 0; done < n;)
        done += workload->batch(job);
}

int main(int n, char **words)
{
    const struct workload *workload = n == 4 ? workload_named(words[1]) : NULL;
    struct job job = {.contender = &contender_shmpool, .n_pages = PAGES, .random = 1};
    if (workload == NULL) {
        fprintf(stderr, "usage: %s WORKLOAD PERCENT OPERATIONS\n", words[0]);
        return 2;
    }
    job.percent = (unsigned)strtoul(words[2], NULL, 10);
    if (contender_shmpool.create(PAGES) == 0 || workload->prepare(&job) != 0)
        return 1;
    operate(workload, &job, strtoull(words[3], NULL, 10));
    contender_shmpool.destroy();
    return job.n_failures == 0 ? 0 : 1;
}
