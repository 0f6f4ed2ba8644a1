/* The kill storm: workers allocate and free, and are killed at random moments. Now and then one is
 * stopped for a while, and nobody may be held up by that.
 *
 * Two pools. The arena is what the storm is about: blocks of one word and of many are taken from it
 * and given back. The ledger holds what the test itself keeps: a row for every worker that ever
 * lived and an entry for every page of the arena.
 *
 * How a page that was handed out twice is found: whoever gets a block exchanges its number into the
 * entry of each of its pages. A number that it finds there must be 0 or that of a worker that was
 * declared dead before its blocks were reclaimed; that of a living one means "double". Each page
 * also begins with its owner's number and the block's, checked before the block is freed: so a
 * second owner is found even if it got the page later.
 *
 * How deaths come about inside of operations: there are more workers than processors, and a timer
 * makes each give way at random moments, mostly in the middle of a call. There it waits for its
 * next turn, or dies.
 *
 * How a lost page is found: when all have ended and the dead are reclaimed, everything is free. How
 * a hang is found: before each kill the victim must have made some steps; a watchdog ends the storm
 * when the master waits too long for that, or for any call of its own. */
#ifndef TESTS_CRASH_STORM_H
#define TESTS_CRASH_STORM_H

#include <shmpool.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STORM_PAGES = 1300, /* of the arena: 40 words, short of what all workers may want */
    STORM_WORKERS = 8,  /* alive at once, on two processors */
    STORM_SHORT = 32,   /* blocks of up to this many pages fit one word */
    STORM_LONG = 70,    /* and longer ones up to this many do not */
    STORM_HURRY = 20,   /* longer blocks given back at once, at most, between two it keeps */
    STORM_HELD = 6,     /* blocks that a worker holds at most */
    STORM_TURN = 400    /* microseconds before it gives way, at most */
};

/* One a worker. Written by the worker, but dead and pid by the master. */
struct storm_row {
    _Atomic uint64_t steps;    /* grows while it gets on */
    _Atomic uint64_t one_word; /* blocks given back that fit a word */
    _Atomic uint64_t multi;    /* and longer ones */
    _Atomic uint64_t no_room;
    _Atomic int inside; /* of shmpool_alloc or shmpool_free */
    _Atomic int dead;   /* set after its end and before its blocks are reclaimed */
    int pid;
};

struct storm {
    shmpool_id arena;
    size_t page;
    uint64_t seed;
    const char *base; /* of the arena's first page */
    _Atomic uint32_t *entries;
    struct storm_row *rows; /* by worker number; 0 is nobody */
    _Atomic uint64_t *doubles;
    _Atomic int *stop;
};

/* What a worker runs: number is its own in the ledger. Returns 0 when told to stop. */
struct storm_role {
    const struct storm *storm;
    uint32_t number;
};

int storm_work(void *role);

#endif
