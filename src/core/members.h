/* Taking and giving back the places of processes and threads: domains, rows, slots.
 *
 * Each is taken by one compare-and-swap from zero that names the taker, so whoever finds it can
 * tell whether the taker lives, at any instant. The marks above which nothing was ever taken rise
 * before the place is taken: who reads a mark and then the places below it has looked at all that
 * began before. */
#ifndef SHMPOOL_CORE_MEMBERS_H
#define SHMPOOL_CORE_MEMBERS_H

#include "core/view.h"

enum { NO_SLOT = -1 };

static inline unsigned ident_domain(uint64_t ident)
{
    return (unsigned)(ident >> (IDENT_START_BITS + IDENT_PID_BITS));
}

static inline uint64_t ident_of(unsigned domain, uint64_t start, uint32_t pid)
{
    return (uint64_t)domain << (IDENT_START_BITS + IDENT_PID_BITS) |
           (start & ((UINT64_C(1) << IDENT_START_BITS) - 1)) << IDENT_PID_BITS |
           (pid & ((UINT32_C(1) << IDENT_PID_BITS) - 1));
}

static inline uint32_t ident_pid(uint64_t ident)
{
    return (uint32_t)(ident & ((UINT64_C(1) << IDENT_PID_BITS) - 1));
}

static inline uint64_t ident_start(uint64_t ident)
{
    return ident >> IDENT_PID_BITS & ((UINT64_C(1) << IDENT_START_BITS) - 1);
}

/* The domain with that key, taken if nobody has it yet; 0 when the table is full. */
unsigned members_domain(const struct view *view, uint64_t key);

/* The number of a key that was used before, or 0. */
unsigned members_find_domain(const struct view *view, uint64_t key);

/* The key of a domain; 0 when it is unknown. */
uint64_t members_domain_key(const struct view *view, unsigned domain);

/* The row of a process: the one it has, else a free one; 0 when there is none. */
uint32_t members_take_row(const struct view *view, uint64_t ident);

/* Whether no row that was ever taken is free. */
int members_rows_are_taken(const struct view *view);

/* A free slot for a thread, or NO_SLOT. */
int members_take_slot(const struct view *view, uint64_t ident, uint32_t row, uint32_t thread);
void members_give_slot(const struct view *view, int slot);

/* The process of this ident has become another program by exec: what threads of the earlier one had
 * in the pool is a dead member's. */
void members_disown(const struct view *view, uint64_t ident);

static inline uint32_t members_slots_mark(const struct view *view)
{
    uint32_t mark = atomic_load_explicit(&view->header->slots_mark, memory_order_seq_cst);
    return mark < LAYOUT_SLOTS ? mark : LAYOUT_SLOTS;
}

static inline uint32_t members_rows_mark(const struct view *view)
{
    uint32_t mark = atomic_load_explicit(&view->header->rows_mark, memory_order_seq_cst);
    return mark < view->n_rows ? mark : view->n_rows;
}

#endif
