/* One measurement: a contender, a workload, a number of processes. It prints
 *
 *   nanoseconds an operation, allocations that failed per million, longest run left (in pages, 0:
 *   not asked)
 *
 * and fails when the contender cannot do the workload. bench.sh calls it, once for each cell and
 * repetition. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crew.h"

static const struct contender *const contenders[] = {
    &contender_shmpool, &contender_floor2cas, &contender_boost,
    &contender_apr,     &contender_mm,        &contender_malloc,
};

static const struct contender *contender_named(const char *name)
{
    for (size_t i = 0; i < sizeof contenders / sizeof *contenders; i++)
        if (strcmp(contenders[i]->name, name) == 0)
            return contenders[i];
    return NULL;
}

/* What the blocks that the workers left behind leave room for. */
static uint64_t longest_run(const struct contender *contender, uint64_t n_pages)
{
    uint64_t fits = 0;
    uint64_t above = n_pages + 1;
    while (above - fits > 1) {
        uint64_t middle = fits + (above - fits) / 2;
        void *block = contender->alloc(middle * BENCH_PAGE);
        if (block != NULL)
            contender->release(block);
        *(block != NULL ? &fits : &above) = middle;
    }
    return fits;
}

static int measure(const struct contender *contender, const struct workload *workload,
                   struct job share, unsigned n_processes, unsigned milliseconds)
{
    struct crew_result result;
    uint64_t n_pages = contender->create(share.n_pages);
    uint64_t longest = 0;
    if (n_pages == 0)
        return 1;
    share.contender = contender;
    share.n_pages = n_pages / n_processes;
    int failed = crew_run(workload, &share, n_processes, milliseconds, &result) != 0;
    if (!failed && !contender->is_private && strcmp(workload->name, "W4") == 0)
        longest = longest_run(contender, n_pages);
    contender->destroy();
    if (failed)
        return 1;
    printf("%.2f %.0f %llu\n", result.ns,
           1e6 * (double)result.n_failures / (double)result.n_operations,
           (unsigned long long)longest);
    return 0;
}

int main(int n, char **words)
{
    if (n != 8) {
        fprintf(stderr, "usage: %s CONTENDER WORKLOAD PERCENT PAGES PROCESSES MILLISECONDS SEED\n",
                words[0]);
        return 2;
    }
    const struct contender *contender = contender_named(words[1]);
    const struct workload *workload = workload_named(words[2]);
    struct job share = {
        .percent = (unsigned)strtoul(words[3], NULL, 10),
        .n_pages = strtoull(words[4], NULL, 10),
        .random = strtoull(words[7], NULL, 10),
    };
    unsigned n_processes = (unsigned)strtoul(words[5], NULL, 10);
    unsigned milliseconds = (unsigned)strtoul(words[6], NULL, 10);
    if (contender == NULL || workload == NULL || share.percent > 100 || share.random == 0 ||
        n_processes == 0 || n_processes > CREW_MOST || milliseconds == 0) {
        fprintf(stderr, "%s: an argument is wrong\n", words[0]);
        return 2;
    }
    return measure(contender, workload, share, n_processes, milliseconds);
}
