/* Looking inside a pool and keeping it in order: the core's figures as bytes and as text. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <shmpool/pool.h>
#include <stdatomic.h>

#include "base/error.h"
#include "core/census.h"
#include "core/members.h"
#include "core/recovery.h"
#include "family/identity.h"
#include "family/members.h"
#include "family/patience.h"
#include "family/pools.h"
#include "family/process.h"

int shmpool_stats(shmpool_id id, struct shmpool_stats *stats)
{
    struct pool *pool = pools_find(id);
    struct census census;
    if (pool == NULL)
        return -1;
    if (stats == NULL)
        return error_set(EINVAL, "there is no place for the figures: stats is NULL");
    unsigned shift = pool->view.page_shift;
    pools_refresh(pool);
    census_count(&pool->view, &census);
    *stats = (struct shmpool_stats){
        .total = census.pages << shift,
        .free = census.free << shift,
        .contiguous = census.largest << shift,
        .blocks = census.blocks,
        .max_size = pool->view.max_pages << shift,
        .page_size = (size_t)1 << shift,
        .metadata = pool->view.pages - (uintptr_t)pool->base,
        .members = census.members,
    };
    return 0;
}

/* ---- check ---- */

struct report {
    FILE *out;
    const char *name;
};

static void report_fault(void *context, enum fault fault, uint64_t a, uint64_t b)
{
    static const char *const texts[] = {
        [FAULT_STRAY] = "page %" PRIu64 ": %" PRIu64 " pages of a block without a first page",
        [FAULT_CLAIMED] = "page %" PRIu64 ": %" PRIu64 " claimed pages that no operation covers",
        [FAULT_NO_OWNER] = "page %" PRIu64 ": a block of %" PRIu64 " pages without an owner",
        [FAULT_OWNER] = "page %" PRIu64 ": owner tag %#" PRIx64 " names no process of the pool",
        [FAULT_EXTENT] = "page %" PRIu64 ": in use, and none from page %" PRIu64 " on ever was",
        [FAULT_BEYOND] = "page %" PRIu64 ": in use beyond the pool's end",
        [FAULT_INTENT] = "member %" PRIu64 ": intent %#" PRIx64 " is out of bounds",
        [FAULT_SLOT_ROW] = "member %" PRIu64 ": at work for process row %" PRIu64 ", which is free",
        [FAULT_ROOT] = "the root at offset %" PRIu64 " is outside of the pool",
        [FAULT_LIMIT] = "the page count %" PRIu64 " is out of bounds",
    };
    const struct report *report = context;
    if (report->out == NULL)
        return;
    fprintf(report->out, "pool %s: ", report->name);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
    fprintf(report->out, texts[fault], a, b);
#pragma GCC diagnostic pop
    fputc('\n', report->out);
}

int shmpool_check(shmpool_id id, FILE *out)
{
    struct pool *pool = pools_find(id);
    if (pool == NULL)
        return -1;
    struct report report = {NULL, pool->name};
    uint64_t limit;
    uint64_t faults;
    do { /* what another process adds meanwhile is no fault */
        pools_refresh(pool);
        limit = view_limit(&pool->view);
        faults = census_check(&pool->view, report_fault, &report);
        pools_refresh(pool);
    } while (faults != 0 && view_limit(&pool->view) != limit);
    report.out = out;
    if (faults != 0 && out != NULL)
        faults = census_check(&pool->view, report_fault, &report);
    return faults < INT32_MAX ? (int)faults : INT32_MAX;
}

/* ---- dump ---- */

struct dump {
    FILE *out;
    const struct view *view;
};

static void dump_owner(const struct dump *dump, uint64_t page)
{
    uint32_t tag = atomic_load_explicit(&dump->view->tags[page], memory_order_acquire);
    uint32_t row = tag >> 16;
    if (tag == TAG_SHARED)
        fputs(" shared", dump->out);
    else if (tag == TAG_NOBODY || tag == TAG_MARK || row > dump->view->n_rows)
        fputs(" owner unknown", dump->out);
    else
        fprintf(
            dump->out, " owner %" PRIu32,
            ident_pid(atomic_load_explicit(&dump->view->rows[row].ident, memory_order_acquire)));
}

static void dump_run(void *context, enum census_kind kind, uint64_t page, uint64_t n)
{
    static const char *const names[] = {[CENSUS_FREE] = "free",
                                        [CENSUS_BLOCK] = "block",
                                        [CENSUS_CLAIMED] = "claimed",
                                        [CENSUS_STRAY] = "stray"};
    const struct dump *dump = context;
    fprintf(dump->out, "%-7s %p page %" PRIu64 " pages %" PRIu64 " bytes %" PRIu64, names[kind],
            (void *)view_address_of(dump->view, page), page, n, n << dump->view->page_shift);
    if (kind == CENSUS_BLOCK)
        dump_owner(dump, page);
    fputc('\n', dump->out);
}

static void dump_members(const struct dump *dump)
{
    static const char *const operations[] = {"idle", "alloc", "free",    "claim",  "commit",
                                             "free", "drop",  "release", "publish"};
    uint32_t mark = members_slots_mark(dump->view);
    for (uint32_t i = 0; i < mark; i++) {
        const struct slot_shm *slot = &dump->view->slots[i];
        uint64_t ident = atomic_load_explicit(&slot->ident, memory_order_acquire);
        uint64_t state = atomic_load_explicit(&slot->intent.state, memory_order_acquire);
        if (ident == 0)
            continue;
        fprintf(dump->out, "member  slot %" PRIu32 " process %" PRIu32 " thread %" PRIu32 " %s\n",
                i, ident_pid(ident), atomic_load_explicit(&slot->thread, memory_order_relaxed),
                (state & 15) <= INTENT_PUBLISH ? operations[state & 15] : "unknown");
    }
}

int shmpool_dump(shmpool_id id, FILE *out)
{
    struct pool *pool = pools_find(id);
    struct shmpool_stats stats;
    if (pool == NULL)
        return -1;
    if (out == NULL)
        return error_set(EINVAL, "there is nowhere to write: out is NULL");
    shmpool_stats(id, &stats);
    fprintf(out, "pool    %s backend %s address %p total %zu free %zu contiguous %zu blocks %zu\n",
            pool->name, pool->backend->name, pool->base, stats.total, stats.free, stats.contiguous,
            stats.blocks);
    struct dump dump = {out, &pool->view};
    census_walk(&pool->view, dump_run, &dump);
    dump_members(&dump);
    if (fflush(out) != 0 || ferror(out))
        return error_set(EIO, "writing the dump of pool %s failed", pool->name);
    return 0;
}

/* ---- recover and reclaim ---- */

int shmpool_recover(shmpool_id id)
{
    struct pool *pool = pools_find_writable(id);
    struct member *member = pool != NULL ? members_enter(pool) : NULL;
    if (member == NULL)
        return -1;
    members_recover(pool);
    members_leave(member);
    return 0;
}

struct wanted {
    const struct pool *pool;
    struct recovery_world world;
    pid_t pid; /* 0: all */
    int alive; /* a process of that pid lives */
};

static int is_wanted(void *context, uint32_t row)
{
    struct wanted *wanted = context;
    uint64_t ident =
        atomic_load_explicit(&wanted->pool->view.rows[row].ident, memory_order_acquire);
    if (ident == 0)
        return 0;
    if (wanted->pid != 0 &&
        (ident_pid(ident) != (uint32_t)wanted->pid ||
         members_domain_key(&wanted->pool->view, ident_domain(ident)) != identity_self().key))
        return 0;
    if (wanted->world.is_dead(wanted->world.context, ident))
        return 1;
    wanted->alive = 1;
    return 0;
}

/* Under the recovery lock, so that no row is used again meanwhile. Rows that nobody needs any more
 * are given back before the next process makes the table longer. */
static int64_t reclaim_once(struct pool *pool, struct member *member, struct wanted *wanted)
{
    if (!recovery_begin(&pool->view, members_ident(pool), &wanted->world))
        return RECLAIM_PENDING;
    recovery_pass(&pool->view, &wanted->world);
    int64_t pages = recovery_reclaim(&pool->view, &member->actor, is_wanted, wanted);
    if (members_rows_are_taken(&pool->view))
        recovery_sweep_rows(&pool->view, &wanted->world);
    recovery_end(&pool->view);
    return pages;
}

/* Another thread or process at the same work, or a living member beside the dead one's pages, is
 * soon done; one that is stopped is not waited for. */
static int64_t reclaim_patiently(struct pool *pool, struct member *member, struct wanted *wanted)
{
    struct patience patience = patience_begin();
    int64_t pages = RECLAIM_PENDING;
    int cancel;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    while (pages == RECLAIM_PENDING && patience_lasts(&patience)) {
        pages = reclaim_once(pool, member, wanted);
        if (pages == RECLAIM_PENDING)
            sched_yield();
    }
    pthread_setcancelstate(cancel, &cancel);
    return pages;
}

ssize_t shmpool_reclaim(shmpool_id id, pid_t dead)
{
    struct pool *pool = pools_find_writable(id);
    if (pool == NULL)
        return -1;
    if (dead < 0)
        return error_set(EINVAL, "%d is no process ID", (int)dead);
    struct member *member = members_enter(pool);
    if (member == NULL)
        return -1;
    pools_refresh(pool);
    struct wanted wanted = {.pool = pool, .world = members_world(pool), .pid = dead};
    int64_t pages = reclaim_patiently(pool, member, &wanted);
    members_leave(member);
    if (dead != 0 && wanted.alive && pages == 0)
        return error_set(EBUSY, "process %d lives: what it owns in pool %s is its own", (int)dead,
                         pool->name);
    if (pages == RECLAIM_PENDING)
        return error_set(EAGAIN,
                         "pool %s is being recovered by another process, or a living member works "
                         "beside what the dead one left: call again",
                         pool->name);
    return (ssize_t)(pages << pool->view.page_shift);
}

const char *shmpool_errmsg(void)
{
    return error_sentence();
}

const char *shmpool_version(void)
{
    return SHMPOOL_VERSION;
}
