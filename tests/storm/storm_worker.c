#include "storm/storm.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "support/child.h"
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

/* What stands at both ends of each page of a block. */
static uint64_t mark_of(const struct worker *worker, const struct held *held)
{
    return (uint64_t)worker->number << 32 | held->number;
}

static char *ends_of_page(const struct worker *worker, const struct held *held, size_t i, int end)
{
    char *page = held->address + i * worker->storm->page;
    return end == 0 ? page : page + worker->storm->page - sizeof(uint64_t);
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
    memcpy(ends_of_page(worker, held, i, 0), &mark, sizeof mark);
    memcpy(ends_of_page(worker, held, i, 1), &mark, sizeof mark);
}

static void check_page(const struct worker *worker, const struct held *held, size_t i)
{
    uint64_t found[2];
    memcpy(&found[0], ends_of_page(worker, held, i, 0), sizeof found[0]);
    memcpy(&found[1], ends_of_page(worker, held, i, 1), sizeof found[1]);
    for (int end = 0; end < 2; end++)
        if (found[end] != mark_of(worker, held))
            report(worker, held, i, "overwritten with", found[end]);
    uint32_t before = atomic_exchange(entry_of(worker, held, i), 0);
    if (before != worker->number)
        report(worker, held, i, "taken over by worker", before);
}

static void take(struct worker *worker, struct held *held)
{
    bool one_word = random_next(&worker->random) % 2 == 0;
    held->length = one_word ? random_between(&worker->random, 1, STORM_SHORT)
                            : random_between(&worker->random, STORM_SHORT + 1, STORM_LONG);
    held->number = ++worker->n_blocks;
    held->address = shmpool_alloc(worker->storm->arena, held->length * worker->storm->page);
    atomic_fetch_add(&worker->row->steps, 1);
    if (held->address == NULL) {
        CHILD_CHECK(errno == ENOSPC);
        atomic_fetch_add(&worker->row->no_room, 1);
        return;
    }
    for (size_t i = 0; i < held->length; i++)
        sign_page(worker, held, i);
}

static void give(struct worker *worker, struct held *held)
{
    const size_t size = held->length * worker->storm->page;
    for (size_t i = 0; i < held->length; i++)
        check_page(worker, held, i);
    CHILD_CHECK(shmpool_size_at(worker->storm->arena, held->address) == (ssize_t)size);
    CHILD_CHECK(shmpool_free(worker->storm->arena, held->address) == 0);
    held->address = NULL;
    atomic_fetch_add(&worker->row->steps, 1);
    atomic_fetch_add(held->length <= STORM_SHORT ? &worker->row->one_word : &worker->row->multi, 1);
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
    while (atomic_load(role->storm->stop) == 0) {
        struct held *held = &worker.held[random_between(&worker.random, 0, STORM_HELD - 1)];
        if (held->address == NULL)
            take(&worker, held);
        else
            give(&worker, held);
    }
    for (int i = 0; i < STORM_HELD; i++)
        if (worker.held[i].address != NULL)
            give(&worker, &worker.held[i]);
    return 0;
}
