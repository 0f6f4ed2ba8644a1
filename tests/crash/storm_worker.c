#include "crash/storm.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "support/random.h"

struct held {
    char *address; /* NULL: none */
    size_t length; /* pages */
    uint32_t number;
};

struct worker {
    const struct storm *storm;
    struct storm_row *row;
    struct random random;
    struct held held[STORM_HELD];
    uint32_t number;
    uint32_t n_blocks;
};

/* What stands at the beginning of each page of a block, and at the end of the last. */
static uint64_t mark_of(const struct worker *worker, const struct held *held)
{
    return (uint64_t)worker->number << 32 | held->number;
}

static char *beginning_of(const struct worker *worker, const struct held *held, size_t i)
{
    return held->address + i * worker->storm->page;
}

static char *end_of(const struct worker *worker, const struct held *held)
{
    return beginning_of(worker, held, held->length) - sizeof(uint64_t);
}

static _Atomic uint32_t *entry_of(const struct worker *worker, const struct held *held, size_t i)
{
    size_t first = (size_t)(held->address - worker->storm->base) / worker->storm->page;
    return &worker->storm->entries[first + i];
}

static void report(const struct worker *worker, const struct held *held, size_t i, const char *what,
                   uint64_t found)
{
    fprintf(stderr, "storm: worker %u, block %u of %zu pages, page %zu: %s %#llx\n", worker->number,
            held->number, held->length, i, what, (unsigned long long)found);
    atomic_fetch_add(worker->storm->doubles, 1);
}

static bool is_nobody(const struct worker *worker, uint32_t number)
{
    return number == 0 || atomic_load(&worker->storm->rows[number].dead) != 0;
}

static void sign_page(const struct worker *worker, const struct held *held, size_t i)
{
    uint32_t before = atomic_exchange(entry_of(worker, held, i), worker->number);
    uint64_t mark = mark_of(worker, held);
    if (!is_nobody(worker, before))
        report(worker, held, i, "handed out while it belongs to worker", before);
    memcpy(beginning_of(worker, held, i), &mark, sizeof mark);
}

static void sign(const struct worker *worker, const struct held *held)
{
    uint64_t mark = mark_of(worker, held);
    for (size_t i = 0; i < held->length; i++)
        sign_page(worker, held, i);
    memcpy(end_of(worker, held), &mark, sizeof mark);
}

static void check_mark(const struct worker *worker, const struct held *held, size_t i,
                       const char *place)
{
    uint64_t found;
    memcpy(&found, place, sizeof found);
    if (found != mark_of(worker, held))
        report(worker, held, i, "overwritten with", found);
}

static void check(const struct worker *worker, const struct held *held)
{
    check_mark(worker, held, held->length - 1, end_of(worker, held));
    for (size_t i = 0; i < held->length; i++) {
        check_mark(worker, held, i, beginning_of(worker, held, i));
        uint32_t before = atomic_exchange(entry_of(worker, held, i), 0);
        if (before != worker->number)
            report(worker, held, i, "taken over by worker", before);
    }
}

/* ---- giving way ---- */

static struct random turns; /* of this process's timer */

static void wind_timer(void)
{
    const struct itimerval once = {.it_value.tv_usec =
                                       (suseconds_t)random_between(&turns, 1, STORM_TURN)};
    setitimer(ITIMER_REAL, &once, NULL);
}

static void give_way(int number)
{
    int before = errno;
    (void)number;
    sched_yield();
    wind_timer();
    errno = before;
}

static void give_way_from_now_on(const struct storm_role *role)
{
    const struct sigaction action = {.sa_handler = give_way, .sa_flags = SA_RESTART};
    turns = random_stream(~role->storm->seed, role->number);
    sigaction(SIGALRM, &action, NULL);
    wind_timer();
}

/* ---- taking and giving back ---- */

static size_t draw_length(struct worker *worker, bool one_word)
{
    return one_word ? random_between(&worker->random, 1, STORM_SHORT)
                    : random_between(&worker->random, STORM_SHORT + 1, STORM_LONG);
}

static bool draw_kind(struct worker *worker)
{
    return random_next(&worker->random) % 2 == 0;
}

static void count_blocks(const struct worker *worker, bool one_word, uint64_t n)
{
    atomic_fetch_add(one_word ? &worker->row->one_word : &worker->row->multi, n);
    atomic_fetch_add(&worker->row->steps, n);
}

/* A call failed that may not: with the sentence, so that the run need not be repeated. */
static void expect(const struct worker *worker, const struct held *held, bool right,
                   const char *call)
{
    if (right)
        return;
    fprintf(stderr, "storm: worker %u, block %u of %zu pages: %s: %s (%s)\n", worker->number,
            held->number, held->length, call, shmpool_errmsg(), strerror(errno));
    exit(EXIT_FAILURE);
}

static void note_inside(const struct worker *worker, int inside)
{
    atomic_store_explicit(&worker->row->inside, inside, memory_order_relaxed);
}

static bool take(const struct worker *worker, struct held *held)
{
    note_inside(worker, 1);
    held->address = shmpool_alloc(worker->storm->arena, held->length * worker->storm->page);
    note_inside(worker, 0);
    expect(worker, held, held->address != NULL || errno == ENOSPC, "alloc");
    return held->address != NULL;
}

static void give(const struct worker *worker, struct held *held)
{
    const shmpool_id arena = worker->storm->arena;
    const size_t size = held->length * worker->storm->page;
    expect(worker, held, shmpool_size_at(arena, held->address) == (ssize_t)size, "size_at");
    note_inside(worker, 1);
    int freed = shmpool_free(arena, held->address);
    note_inside(worker, 0);
    expect(worker, held, freed == 0, "free");
    held->address = NULL;
}

/* Blocks that are given back at once, unsigned: so that most of a worker's time, and most deaths,
 * are inside of the library. Those within a word are much faster, so there are more. */
static void hurry(struct worker *worker)
{
    bool one_word = draw_kind(worker);
    uint64_t n = random_between(&worker->random, 0, one_word ? STORM_HURRY * 50 : STORM_HURRY);
    for (uint64_t i = 0; i < n; i++) {
        struct held held = {.length = draw_length(worker, one_word)};
        if (take(worker, &held))
            give(worker, &held);
    }
    count_blocks(worker, one_word, n);
}

static void keep(struct worker *worker, struct held *held)
{
    held->length = draw_length(worker, draw_kind(worker));
    held->number = ++worker->n_blocks;
    if (take(worker, held))
        sign(worker, held);
    else
        atomic_fetch_add(&worker->row->no_room, 1);
    atomic_fetch_add(&worker->row->steps, 1);
}

static void step(struct worker *worker, struct held *held)
{
    if (held->address == NULL) {
        keep(worker, held);
        return;
    }
    check(worker, held);
    give(worker, held);
    count_blocks(worker, held->length <= STORM_SHORT, 1);
}

int storm_work(void *arg)
{
    const struct storm_role *role = arg;
    struct worker worker = {
        .storm = role->storm,
        .row = &role->storm->rows[role->number],
        .random = random_stream(role->storm->seed, role->number),
        .number = role->number,
    };
    give_way_from_now_on(role);
    while (atomic_load(role->storm->stop) == 0) {
        step(&worker, &worker.held[random_between(&worker.random, 0, STORM_HELD - 1)]);
        hurry(&worker);
    }
    for (int i = 0; i < STORM_HELD; i++)
        if (worker.held[i].address != NULL)
            step(&worker, &worker.held[i]);
    return 0;
}
