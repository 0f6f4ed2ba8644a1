/* Walks through one pool, for lookers-on: run by run, and process by process. */
#include <errno.h>
#include <shmpool/inspect.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/error.h"
#include "core/actor.h"
#include "core/census.h"
#include "core/members.h"
#include "family/pools.h"
#include "family/standing.h"

/* ---- runs ---- */

struct runs {
    const struct view *view;
    int (*visit)(const struct shmpool_run *run, void *arg);
    void *arg;
    int result;
};

/* The row that owns the block at page, 0 for none. */
static uint32_t owner_of(const struct view *view, uint64_t page, enum shmpool_ownership *ownership)
{
    uint32_t tag = atomic_load_explicit(&view->tags[page], memory_order_acquire);
    uint32_t row = tag >> 16;
    *ownership = tag == TAG_SHARED ? SHMPOOL_SHARED : SHMPOOL_PENDING;
    if (tag == TAG_SHARED || tag == TAG_NOBODY || tag == TAG_MARK || row == 0 || row > view->n_rows)
        return 0;
    *ownership = SHMPOOL_OWNED;
    return row;
}

static uint64_t ident_of_row(const struct view *view, uint32_t row)
{
    return atomic_load_explicit(&view->rows[row].ident, memory_order_acquire);
}

static void visit_run(void *context, enum census_kind kind, uint64_t page, uint64_t n)
{
    static const enum shmpool_run_kind kinds[] = {[CENSUS_FREE] = SHMPOOL_FREE,
                                                  [CENSUS_BLOCK] = SHMPOOL_BLOCK,
                                                  [CENSUS_CLAIMED] = SHMPOOL_CLAIMED,
                                                  [CENSUS_STRAY] = SHMPOOL_STRAY};
    struct runs *runs = context;
    struct shmpool_run run = {
        .kind = kinds[kind],
        .ownership = SHMPOOL_PENDING,
        .address = (const void *)view_address_of(runs->view, page),
        .page = page,
        .pages = n,
    };
    if (runs->result != 0)
        return;
    if (kind == CENSUS_BLOCK)
        run.process = owner_of(runs->view, page, &run.ownership);
    if (run.process != 0)
        run.owner = (pid_t)ident_pid(ident_of_row(runs->view, run.process));
    runs->result = runs->visit(&run, runs->arg);
}

int shmpool_runs(shmpool_id id, int (*visit)(const struct shmpool_run *run, void *arg), void *arg)
{
    struct pool *pool = pools_find(id);
    if (pool == NULL)
        return -1;
    if (visit == NULL)
        return error_set(EINVAL, "there is nobody to visit: visit is NULL");
    pools_refresh(pool);
    struct runs runs = {.view = &pool->view, .visit = visit, .arg = arg};
    census_walk(&pool->view, visit_run, &runs);
    return runs.result;
}

/* ---- processes ---- */

static int count_block(const struct shmpool_run *run, void *arg)
{
    struct shmpool_process *processes = arg;
    processes[run->process].blocks += run->process != 0;
    processes[run->process].pages += run->process != 0 ? run->pages : 0;
    return 0;
}

static int is_busy(const struct intent_shm *intent)
{
    return (atomic_load_explicit(&intent->state, memory_order_acquire) & 15) != INTENT_IDLE;
}

static void count_members(const struct view *view, struct shmpool_process *processes)
{
    uint32_t mark = members_slots_mark(view);
    for (uint32_t i = 0; i < mark; i++) {
        const struct slot_shm *slot = &view->slots[i];
        uint32_t row = atomic_load_explicit(&slot->row, memory_order_relaxed);
        if (atomic_load_explicit(&slot->ident, memory_order_acquire) == 0 || row == 0 ||
            row > view->n_rows)
            continue;
        processes[row].threads++;
        processes[row].busy += is_busy(&slot->intent) != 0;
    }
}

static int visit_processes(const struct view *view, struct shmpool_process *processes,
                           int (*visit)(const struct shmpool_process *process, void *arg),
                           void *arg)
{
    int result = 0;
    uint32_t mark = members_rows_mark(view);
    for (uint32_t row = 1; row <= mark && result == 0; row++) {
        struct shmpool_process *process = &processes[row];
        uint64_t ident = ident_of_row(view, row);
        if (ident == 0 && process->blocks == 0 && process->threads == 0)
            continue;
        process->process = row;
        process->pid = (pid_t)ident_pid(ident);
        process->life = standing_of_process(members_domain_key(view, ident_domain(ident)),
                                            ident_start(ident), process->pid);
        process->busy += is_busy(&view->rows[row].spare) != 0;
        result = visit(process, arg);
    }
    return result;
}

int shmpool_processes(shmpool_id id, int (*visit)(const struct shmpool_process *process, void *arg),
                      void *arg)
{
    struct pool *pool = pools_find(id);
    if (pool == NULL)
        return -1;
    if (visit == NULL)
        return error_set(EINVAL, "there is nobody to visit: visit is NULL");
    struct shmpool_process *processes = calloc(pool->view.n_rows + 1, sizeof *processes);
    if (processes == NULL)
        return error_set(ENOMEM, "no memory to count what %u processes own",
                         (unsigned)pool->view.n_rows);
    shmpool_runs(id, count_block, processes);
    count_members(&pool->view, processes);
    int result = visit_processes(&pool->view, processes, visit, arg);
    free(processes);
    return result;
}
