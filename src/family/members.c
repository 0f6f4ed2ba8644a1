#include "family/members.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "core/holder.h"
#include "core/home.h"
#include "core/members.h"
#include "family/identity.h"
#include "family/patience.h"

_Thread_local struct thread members_thread;

static pthread_key_t at_thread_end;

/* ---- the world that recovery asks ---- */

static int world_is_dead(void *context, uint64_t ident)
{
    const struct pool *pool = context;
    uint64_t key = members_domain_key(&pool->view, ident_domain(ident));
    return identity_is_dead(key, ident_start(ident), (pid_t)ident_pid(ident));
}

static _Atomic uintptr_t *world_reach(void *context, uint64_t where)
{
    (void)context;
    if (where % sizeof(uintptr_t) != 0 || pools_holding((uintptr_t)where, sizeof where) == NULL)
        return NULL;
    return (_Atomic uintptr_t *)(uintptr_t)where;
}

struct recovery_world members_world(struct pool *pool)
{
    return (struct recovery_world){.context = pool, .is_dead = world_is_dead, .reach = world_reach};
}

uint64_t members_ident(struct pool *pool)
{
    if (pool->ident == 0) {
        if (!identity_was_read()) {
            error_set(EMFILE,
                      "no descriptor is left to read this process's start time with, by which pool "
                      "%s tells it from others: close some or raise `ulimit -n`",
                      pool->name);
            return 0;
        }
        struct identity self = identity_self();
        unsigned domain = members_domain(&pool->view, self.key);
        if (domain == 0) {
            error_set(
                EMFILE,
                "pool %s was used from %d boots and pid namespaces: its table of them is full",
                pool->name, LAYOUT_DOMAINS - 1);
            return 0;
        }
        pool->ident = ident_of(domain, self.start, (uint32_t)self.pid);
    }
    return pool->ident;
}

/* A process that cannot be told from others disowns nobody. */
void members_arrive(struct pool *pool)
{
    int was_read = identity_was_read();
    struct identity self = identity_self();
    unsigned domain = self.key >> 32 != 0 ? members_find_domain(&pool->view, self.key) : 0;
    if (domain != 0 && was_read)
        members_disown(&pool->view, ident_of(domain, self.start, (uint32_t)self.pid));
}

/* An unfinished recovery would keep the lock for the life of the process: no cancellation in it. */
int members_recover(struct pool *pool)
{
    pools_refresh(pool);
    struct recovery_world world = members_world(pool);
    int cancel;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    uint64_t ident = members_ident(pool);
    int begun = ident != 0 && recovery_begin(&pool->view, ident, &world);
    if (begun) {
        recovery_pass(&pool->view, &world);
        recovery_end(&pool->view);
    }
    pthread_setcancelstate(cancel, &cancel);
    return begun;
}

/* Gives rows back whose processes are dead. 0 when another process recovers, which may do the same;
 * else 1. */
static int sweep_rows(struct pool *pool)
{
    struct recovery_world world = members_world(pool);
    if (!recovery_begin(&pool->view, pool->ident, &world))
        return 0;
    recovery_pass(&pool->view, &world);
    recovery_sweep_rows(&pool->view, &world);
    recovery_end(&pool->view);
    return 1;
}

/* ---- records ---- */

/* All that were ever made, and those that nobody uses; under process_lock. They are kept, for a
 * child that was forked in the middle of malloc may not free what it inherits. */
static _Atomic(struct member *) records;
static struct member *unused;

static struct member *take_record(void)
{
    struct member *member = unused;
    if (member != NULL) {
        unused = member->next_of_thread;
        member->actor = (struct actor){0};
        return member;
    }
    member = calloc(1, sizeof *member);
    if (member != NULL) {
        member->next_record = atomic_load(&records);
        atomic_store(&records, member);
    }
    return member;
}

static void keep_record(struct member *member)
{
    member->next_of_thread = unused;
    unused = member;
}

void members_renew(void)
{
    unused = NULL;
    for (struct member *member = atomic_load(&records); member != NULL;
         member = member->next_record)
        keep_record(member);
}

/* ---- becoming a member ---- */

/* Rows of dead processes are given back whenever the used part of the table has doubled, so that it
 * stays as short as the number of living owners allows. */
static int wants_sweep(const struct pool *pool)
{
    uint32_t mark = members_rows_mark(&pool->view);
    return mark >= 16 && (mark & (mark - 1)) == 0 && members_rows_are_taken(&pool->view);
}

/* The table is full. Whoever else recovers is soon done, and may have given rows back. */
static uint32_t take_row_given_back(struct pool *pool, uint64_t ident)
{
    struct patience patience = patience_begin();
    uint32_t row = 0;
    int swept = 0;
    while (row == 0 && !swept && patience_lasts(&patience)) {
        swept = sweep_rows(pool);
        row = members_take_row(&pool->view, ident);
        if (row == 0 && !swept)
            sched_yield();
    }
    return row;
}

static int take_row(struct pool *pool)
{
    uint64_t ident = members_ident(pool);
    if (ident == 0 || pool->row != 0)
        return pool->row != 0 ? 0 : -1;
    if (wants_sweep(pool))
        sweep_rows(pool);
    pool->row = members_take_row(&pool->view, ident);
    if (pool->row == 0)
        pool->row = take_row_given_back(pool, ident);
    if (pool->row == 0)
        return error_set(
            EMFILE,
            "%u processes own blocks of pool %s or use it, which is all that its table "
            "holds: reclaim what dead ones left",
            pool->view.n_rows, pool->name);
    return 0;
}

static void take_slot(struct pool *pool, struct member *member)
{
    const struct view *view = &pool->view;
    member->slot = members_take_slot(view, pool->ident, pool->row, (uint32_t)gettid());
    if (member->slot == NO_SLOT) {
        members_recover(pool);
        member->slot = members_take_slot(view, pool->ident, pool->row, (uint32_t)gettid());
    }
    if (member->slot != NO_SLOT)
        member->actor =
            actor_new(&view->slots[member->slot].intent, pool->row << 16 | (uint32_t)member->slot);
    else
        member->actor = actor_new(&view->rows[pool->row].spare, pool->row << 16 | TAG_SPARE);
}

/* The thread's records of pools that were released meanwhile; under process_lock. */
static void keep_released(void)
{
    struct member **link = &members_thread.members;
    while (*link != NULL) {
        struct member *member = *link;
        if (atomic_load(&member->pool) == NULL) {
            *link = member->next_of_thread;
            keep_record(member);
        } else {
            link = &member->next_of_thread;
        }
    }
}

static struct member *become_member(struct pool *pool)
{
    process_lock();
    keep_released();
    struct member *member = take_row(pool) == 0 ? take_record() : NULL;
    if (member != NULL) {
        take_slot(pool, member);
        atomic_store(&member->pool, pool);
        member->next_of_pool = pool->members;
        pool->members = member;
    } else if (pool->row != 0) {
        error_set(ENOMEM, "no memory for a member of pool %s", pool->name);
    }
    process_unlock();
    if (member == NULL)
        return NULL;
    member->next_of_thread = members_thread.members;
    members_thread.members = member;
    pthread_setspecific(at_thread_end, &members_thread);
    return member;
}

/* Takes no lock: a signal handler that interrupted a call which holds it may come here. */
static struct member *find_member(struct pool *pool)
{
    struct member *member = members_thread.members;
    while (member != NULL && atomic_load(&member->pool) != pool)
        member = member->next_of_thread;
    return member;
}

/* A thread that a fork copied has no member yet, and is inside of nothing. */
static void renew_thread(struct thread *thread)
{
    if (thread->era == process_era())
        return;
    thread->last = NULL;
    thread->members = NULL;
    thread->spare = NULL;
    atomic_store(&thread->inside, 0);
    thread->era = process_era();
}

/* A spare intent whose last user ended inside an operation serves nobody before it is settled. */
static int spare_is_settled(struct pool *pool)
{
    struct row_shm *row = &pool->view.rows[pool->row];
    struct patience patience = patience_begin();
    while (atomic_load(&row->spare_abandoned) != 0 && patience_lasts(&patience))
        members_recover(pool);
    return atomic_load(&row->spare_abandoned) == 0;
}

static struct member *enter_spare(struct pool *pool, struct member *member)
{
    pthread_mutex_lock(&pool->spare);
    members_thread.spare = member;
    home_leave(&member->actor); /* others have used the same tag meanwhile */
    if (spare_is_settled(pool))
        return member;
    members_thread.spare = NULL;
    pthread_mutex_unlock(&pool->spare);
    error_set(EMFILE,
              "pool %s has no member slot left, and this process's spare one waits for "
              "another member to finish",
              pool->name);
    return NULL;
}

struct member *members_enter_slowly(struct pool *pool)
{
    struct thread *thread = &members_thread;
    int cancel;
    if (process_begin() != 0)
        return NULL;
    renew_thread(thread);
    if (atomic_load(&thread->inside) != 0) {
        error_set_plain(EDEADLK, "this thread is inside a call into its pool already: a signal "
                                 "handler interrupted it");
        return NULL;
    }
    atomic_store(&thread->inside, 1);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    thread->last = NULL;
    struct member *member = find_member(pool);
    if (member == NULL)
        member = become_member(pool);
    if (member != NULL && member->slot == NO_SLOT)
        member = enter_spare(pool, member);
    else
        thread->last = member;
    if (member == NULL)
        atomic_store(&thread->inside, 0);
    pthread_setcancelstate(cancel, &cancel);
    return member;
}

void members_leave_spare(struct member *member)
{
    int cancel;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    members_thread.spare = NULL;
    pthread_mutex_unlock(&atomic_load(&member->pool)->spare);
    pthread_setcancelstate(cancel, &cancel);
}

/* ---- ceasing to be one ---- */

static int is_unfinished(const struct member *member)
{
    return member->slot != NO_SLOT && atomic_load(&member->actor.intent->state) != INTENT_IDLE;
}

/* The thread was cancelled inside an operation: what is left is settled as after a death. */
static void abandon(struct pool *pool, struct member *member)
{
    if (member->slot != NO_SLOT) {
        atomic_store(&pool->view.slots[member->slot].ident, IDENT_ABANDONED);
    } else {
        atomic_store(&pool->view.rows[pool->row].spare_abandoned, 1);
        pthread_mutex_unlock(&pool->spare);
    }
    members_recover(pool);
}

static void give_back(struct pool *pool, struct member *member, int holds_spare)
{
    holder_leave_home(&pool->view, &member->actor);
    if (is_unfinished(member) || holds_spare)
        abandon(pool, member);
    else if (member->slot != NO_SLOT)
        members_give_slot(&pool->view, member->slot);
}

static void unlink_member(struct pool *pool, struct member *member)
{
    for (struct member **link = &pool->members; *link != NULL; link = &(*link)->next_of_pool)
        if (*link == member) {
            *link = member->next_of_pool;
            return;
        }
}

void members_end_thread(void)
{
    struct thread *thread = &members_thread;
    if (thread->era != process_era())
        return;
    /* To a signal handler the thread is inside of a call as long as its slots are on their way. */
    atomic_store(&thread->inside, 1);
    atomic_signal_fence(memory_order_seq_cst);
    thread->last = NULL;
    process_lock();
    for (struct member *member = thread->members, *next; member != NULL; member = next) {
        struct pool *pool = atomic_load(&member->pool);
        next = member->next_of_thread;
        if (pool != NULL) {
            unlink_member(pool, member);
            give_back(pool, member, thread->spare == member);
            atomic_store(&member->pool, NULL);
        }
        keep_record(member);
    }
    process_unlock();
    thread->members = NULL;
    thread->spare = NULL;
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store(&thread->inside, 0);
}

static void end_thread(void *thread)
{
    (void)thread;
    members_end_thread();
}

__attribute__((destructor)) static void end_process(void)
{
    members_end_thread();
}

int members_begin(void)
{
    int error = pthread_key_create(&at_thread_end, end_thread);
    return error == 0 ? 0
                      : error_set(error,
                                  "no thread key is left: a process has %d of them "
                                  "(PTHREAD_KEYS_MAX); give one back",
                                  PTHREAD_KEYS_MAX);
}

void members_release(struct pool *pool)
{
    for (struct member *member = pool->members, *next; member != NULL; member = next) {
        next = member->next_of_pool; /* its thread may give it up from the store on */
        give_back(pool, member, 0);
        atomic_store(&member->pool, NULL);
    }
    pool->members = NULL;
}

int members_are_there(const struct pool *pool)
{
    uint32_t mark = members_slots_mark(&pool->view);
    for (uint32_t i = 0; i < mark; i++)
        if (atomic_load(&pool->view.slots[i].ident) != 0)
            return 1;
    return 0;
}
