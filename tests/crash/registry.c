/* Processes die while they register a pool: of the family's resource IDs none is used up.
 *
 * Each takes many entries and ends before any is complete, until more were taken than there are.
 * Whoever comes then finds room. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "family/process.h"
#include "family/registry.h"
#include "support/child.h"

enum { N_EACH = 64, N_DEATHS = 2 * REGISTRY_ENTRIES / N_EACH };

static int take_and_die(void *unused)
{
    struct resource_shm *resource;
    (void)unused;
    CHILD_CHECK(process_begin() == 0);
    for (int i = 0; i < N_EACH; i++)
        CHILD_CHECK(registry_take(&resource) > 0);
    _exit(0);
}

int main(void)
{
    int n_refused = 0;
    if (process_begin() != 0)
        return EXIT_FAILURE;
    for (int i = 0; i < N_DEATHS; i++)
        n_refused += !child_ok(child_run(take_and_die, NULL));
    printf("crash/registry: deaths=%d entries=%d refused=%d\n", N_DEATHS, N_DEATHS * N_EACH,
           n_refused);
    return n_refused == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
