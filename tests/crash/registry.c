/* Processes die while they register a pool: of the family's resource IDs none is used up.
 *
 * Each takes many entries and ends before any is complete, until more were taken than there are.
 * Whoever comes then finds room, but not in the place of one that lives, which is in a namespace
 * where its pid is that of another process here. */
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "family/process.h"
#include "family/registry.h"
#include "support/child.h"
#include "support/namespace.h"

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

struct holder {
    _Atomic int ready;
    _Atomic int go;
};

static void wait_for(const _Atomic int *value)
{
    while (atomic_load(value) == 0)
        sched_yield();
}

static int take_and_hold(void *arg)
{
    struct holder *holder = arg;
    struct resource_shm *resource;
    CHILD_CHECK(getpid() == 1);
    int32_t id = registry_take(&resource);
    CHILD_CHECK(id > 0);
    atomic_store(&holder->ready, 1);
    wait_for(&holder->go);
    CHILD_CHECK(atomic_load(&resource->id) == id);
    return 0;
}

/* Where there are no namespaces nobody holds anything. */
static int run_holder(void *arg)
{
    struct holder *holder = arg;
    int status = namespace_run(true, take_and_hold, holder);
    atomic_store(&holder->ready, 1);
    return child_ok(status) ? 0 : 1;
}

int main(void)
{
    int n_refused = 0;
    struct holder *holder =
        mmap(NULL, sizeof *holder, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (holder == MAP_FAILED || process_begin() != 0)
        return EXIT_FAILURE;
    pid_t beside = child_start(run_holder, holder);
    wait_for(&holder->ready);
    for (int i = 0; i < N_DEATHS; i++)
        n_refused += !child_ok(child_run(take_and_die, NULL));
    atomic_store(&holder->go, 1);
    bool held = child_ok(child_wait(beside));
    printf("crash/registry: deaths=%d entries=%d refused=%d robbed=%d\n", N_DEATHS,
           N_DEATHS * N_EACH, n_refused, !held);
    return n_refused == 0 && held ? EXIT_SUCCESS : EXIT_FAILURE;
}
