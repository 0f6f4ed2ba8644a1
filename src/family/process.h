/* What a process knows of itself, through every kind of fork.
 *
 * One private page that the kernel wipes in a child holds the era: a number that is not zero and
 * differs between a process and its child. Private state that must not survive a fork carries the
 * era it belongs to. pthread_atfork handlers renew the state at once after fork(2); after _Fork,
 * clone and the like the first call finds the page wiped and renews it then. */
#ifndef SHMPOOL_FAMILY_PROCESS_H
#define SHMPOOL_FAMILY_PROCESS_H

#include <stdatomic.h>
#include <stdint.h>

struct fork_page {
    _Atomic uint64_t era;
    _Atomic uint32_t renewing;
};

/* Never NULL; before the first call a page with era 0. */
extern struct fork_page *process_page;

static inline uint64_t process_era(void)
{
    return atomic_load_explicit(&process_page->era, memory_order_acquire);
}

/* Every entry point but the hot ones begins with this: makes the family's registry, or finds it
 * inherited, and renews what a fork made stale. 0, or -1 with errno. */
int process_begin(void);

/* Bytes of a page of this system. */
uint64_t process_page_size(void);

/* Guards the process's tables: pools, members, workers. Not for hot paths. */
void process_lock(void);
void process_unlock(void);

#endif
