/* Processes die while they register a pool: of the family's resource IDs none is used up.
 *
 * Each takes many entries and ends before any is complete, until more were taken than there are.
 * Whoever comes then finds room, but not in the place of one that lives, which is in a namespace
 * where its pid is that of another process here.
 *
 * Processes register one object at once, and some of them die: the others have one ID. */
#include <sched.h>
#include <signal.h>
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
#include "support/random.h"

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

/* ---- one object, many that register it ---- */

enum { N_MEMBERS = 6, N_ROUNDS = 2000, ROUNDS_A_DEATH = 10 };

struct meeting {
    _Atomic int round;
    struct member {
        pid_t pid;
        int first; /* round */
        _Atomic int done;
        _Atomic int32_t id;
    } members[N_MEMBERS];
};

static struct meeting *meeting;

static int32_t register_object(int round)
{
    struct resource_shm *resource;
    int32_t id = registry_take(&resource);
    CHILD_CHECK(id > 0);
    resource->device = 1;
    resource->inode = (uint64_t)round;
    resource->serial = 1;
    return registry_complete(id);
}

static int meet(void *arg)
{
    struct member *self = arg;
    for (int round = self->first; round <= N_ROUNDS; round++) {
        while (atomic_load(&meeting->round) < round)
            sched_yield();
        atomic_store(&self->id, register_object(round));
        atomic_store(&self->done, round);
        while (atomic_load(&meeting->round) == round)
            sched_yield();
        registry_unuse(atomic_load(&self->id));
    }
    return 0;
}

static void enter(struct member *member, int round)
{
    member->first = round;
    member->pid = child_start(meet, member);
}

/* Anywhere on its way, or behind it. */
static void kill_one(struct random *random, int round)
{
    struct member *member = &meeting->members[random_between(random, 0, N_MEMBERS - 1)];
    for (uint64_t i = random_between(random, 0, 20000); i > 0; i--)
        atomic_signal_fence(memory_order_seq_cst);
    kill(member->pid, SIGKILL);
    child_wait(member->pid);
    atomic_store(&member->done, 0);
    member->first = round + 1;
}

/* Those who live to the end of the round have one ID, and it stands for something. */
static bool has_one_id(int round)
{
    int32_t id = 0;
    bool is_one = true;
    for (int i = 0; i < N_MEMBERS; i++) {
        struct member *member = &meeting->members[i];
        if (member->first > round)
            continue;
        while (atomic_load(&member->done) < round)
            sched_yield();
        is_one = is_one && (id == 0 || id == atomic_load(&member->id));
        id = atomic_load(&member->id);
    }
    struct resource_shm *resource = registry_resource(id);
    return is_one && resource != NULL && registry_unlink(resource);
}

/* In how many rounds they had more than one. */
static int meet_often(void)
{
    struct random random = random_stream(random_seed(), 0);
    int n_split = 0;
    for (int i = 0; i < N_MEMBERS; i++)
        enter(&meeting->members[i], 1);
    for (int round = 1; round <= N_ROUNDS; round++) {
        atomic_store(&meeting->round, round);
        if (round % ROUNDS_A_DEATH == 0)
            kill_one(&random, round);
        n_split += !has_one_id(round);
        for (int i = 0; i < N_MEMBERS; i++)
            if (meeting->members[i].first > round)
                enter(&meeting->members[i], round + 1);
    }
    atomic_store(&meeting->round, N_ROUNDS + 1);
    for (int i = 0; i < N_MEMBERS; i++)
        n_split += !child_ok(child_wait(meeting->members[i].pid));
    return n_split;
}

/* ---- both ---- */

static void *shared(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED)
        return memory;
    perror("mmap");
    exit(EXIT_FAILURE);
}

static bool die_often(void)
{
    int n_refused = 0;
    struct holder *holder = shared(sizeof *holder);
    pid_t beside = child_start(run_holder, holder);
    wait_for(&holder->ready);
    for (int i = 0; i < N_DEATHS; i++)
        n_refused += !child_ok(child_run(take_and_die, NULL));
    atomic_store(&holder->go, 1);
    bool held = child_ok(child_wait(beside));
    printf("crash/registry: deaths=%d entries=%d refused=%d robbed=%d\n", N_DEATHS,
           N_DEATHS * N_EACH, n_refused, !held);
    return n_refused == 0 && held;
}

int main(void)
{
    meeting = shared(sizeof *meeting);
    if (process_begin() != 0)
        return EXIT_FAILURE;
    bool is_given_back = die_often();
    int n_split = meet_often();
    printf("crash/registry: meetings=%d members=%d deaths=%d split=%d\n", N_ROUNDS, N_MEMBERS,
           N_ROUNDS / ROUNDS_A_DEATH, n_split);
    return is_given_back && n_split == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
