/* Membership: the calling thread's place in a pool.
 *
 * A call that changes a pool stands between members_enter and members_leave. The first one in a
 * pool takes a slot (and the process's row); the thread keeps it until it ends. Where no slot is
 * left the threads of a process share the row's spare intent, one at a time. A thread found inside
 * a call of its own, by a signal handler, is refused. */
#ifndef SHMPOOL_FAMILY_MEMBERS_H
#define SHMPOOL_FAMILY_MEMBERS_H

#include <stdatomic.h>

#include "core/actor.h"
#include "core/recovery.h"
#include "family/pools.h"
#include "family/process.h"

struct member {
    struct actor actor;
    _Atomic(struct pool *) pool; /* NULL: the pool was released */
    int slot;                    /* NO_SLOT: the spare intent */
    struct member *next_of_thread;
    struct member *next_of_pool;
    struct member *next_record;
};

struct thread {
    uint64_t era;
    _Atomic uint32_t inside;
    struct member *last; /* the slot used last */
    struct member *members;
    struct member *spare; /* the one whose pool's spare intent this thread holds */
};

extern _Thread_local struct thread members_thread;

struct member *members_enter_slowly(struct pool *pool);
void members_leave_spare(struct member *member);

/* The usual case of members_enter: the pool is the one that the thread used last, by a slot. NULL
 * when it is not. */
static inline struct member *members_enter_again(struct pool *pool)
{
    struct thread *thread = &members_thread;
    struct member *member = thread->last;
    if (member == NULL || atomic_load_explicit(&thread->inside, memory_order_relaxed) != 0 ||
        thread->era != process_era() ||
        atomic_load_explicit(&member->pool, memory_order_relaxed) != pool)
        return NULL;
    atomic_store_explicit(&thread->inside, 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    return member;
}

/* Ends what members_enter_again began. */
static inline void members_leave_again(void)
{
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(&members_thread.inside, 0, memory_order_relaxed);
}

/* The calling thread's member in a pool, inside a call now; NULL with errno. */
static inline struct member *members_enter(struct pool *pool)
{
    struct member *member = members_enter_again(pool);
    return member != NULL ? member : members_enter_slowly(pool);
}

static inline void members_leave(struct member *member)
{
    atomic_signal_fence(memory_order_seq_cst);
    if (member->slot < 0)
        members_leave_spare(member);
    members_leave_again();
}

int members_begin(void);

/* After a fork: nobody is a member. */
void members_renew(void);

/* Gives the slots of all threads in a pool back, which nobody uses any more. */
void members_release(struct pool *pool);

/* Whether a thread of any process has a slot in the pool; one that died and was not recovered
 * counts.
 */
int members_are_there(const struct pool *pool);

/* Gives the calling thread's slots back; an operation that it left unfinished is settled. */
void members_end_thread(void);

/* The pool has been mapped and is not in the table yet. What this process had in it before it
 * became this program is given up. */
void members_arrive(struct pool *pool);

/* One recovery pass over a pool that is writable here; 0 when another thread or process is at it.
 */
int members_recover(struct pool *pool);

/* What recovery asks of this process. */
struct recovery_world members_world(struct pool *pool);

/* This process's ident in a pool; 0 with errno when the pool's tables are full. */
uint64_t members_ident(struct pool *pool);

#endif
