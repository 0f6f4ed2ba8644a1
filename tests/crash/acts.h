/* The operations in which a member is made to die.
 *
 * Each is one public call, with what must be there before it: a scenery, a block of somebody's, or
 * a process that died earlier. The member prepares, which makes its first call in the pool unless
 * that is the operation itself, and performs. It tells what it got on a slate that it shares with
 * the test. Which blocks there may be besides those of the scenery, at any moment of the operation,
 * is a list of allowances. */
#ifndef TESTS_CRASH_ACTS_H
#define TESTS_CRASH_ACTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "crash/arena.h"
#include "crash/stepper.h"

enum act_kind {
    ACT_ALLOC,
    ACT_ALLOC_ALIGNED,
    ACT_FREE,         /* a block of its own */
    ACT_FREE_FOREIGN, /* one of the test's */
    ACT_FREE_SHARED,
    ACT_PUBLISH,
    ACT_PUBLISH_RIVAL,  /* to a pointer to which another one publishes */
    ACT_PUBLISH_LEGACY, /* a block of a dead process, which another one reclaims */
    ACT_FREE_PUBLISHED, /* what another one has published by then, if so */
    ACT_REPLACE,        /* frees a block of its own and allocates as many pages again */
    ACT_GROW,           /* in a pool of its own: others find the object as it was */
    ACT_TRIM,
    ACT_RECOVER, /* beside an operation that a dead process left */
    ACT_RECLAIM, /* what a dead process owned */
    ACT_JOIN,    /* the first call in the pool: takes row and slot, then allocates */
    ACT_LEAVE,   /* the thread ends: gives the slot back */
    ACT_RELEASE  /* unmaps the pool: gives all slots of the process back */
};

struct act {
    const char *name;
    enum act_kind kind;
    enum scenery scenery;
    uint64_t n;               /* pages */
    const struct act *corpse; /* what a process died in before; NULL: none did */
    unsigned change;          /* and at which of its changes */
    unsigned flags;           /* of the pool */
    bool own;                 /* a call into libc is one step: it reads and writes long texts */
    bool crowded;             /* no slot is left: with the spare intent */
    bool seldom;              /* only in a complete pass: like another one, and long */
};

/* Whether it allocates or frees a block inside one word. The other acts are longer. */
bool act_is_short(const struct act *act);

struct slate {
    void *block; /* that it has */
    int failed;
    int refused; /* by right: another one was faster */
};

/* One process at an act. */
struct role {
    const struct act *act;
    struct slate *slate;
    pid_t pid;
    struct slate *corpse_slate;
    pid_t corpse; /* who died before; 0: nobody */
};

struct role role_new(const struct act *act);
void role_drop(struct role *role);

/* Builds what must be there before the act. */
void role_stage(struct role *role);

/* The member, at the mark before the act. */
struct stepper role_start(struct role *role);

/* Its next step; false when the act is over. */
bool role_step(const struct role *role, struct stepper *stepper);

/* ---- what there may be ---- */

enum { OWNER_SHARED = 0, MOST_ALLOWANCES = 4 };

struct allowance {
    pid_t owner;   /* or OWNER_SHARED */
    uint64_t n;    /* pages */
    uint64_t page; /* NO_PAGE: anywhere */
    bool must;     /* it has to be there */
};

struct allowances {
    struct allowance of[MOST_ALLOWANCES];
    int n;
};

/* Adds what the role allows: before the act has returned, or when it has. places: the desk of the
 * pool, or of the copy that is looked at. */
void role_allow(const struct role *role, bool returned, _Atomic uintptr_t *places,
                struct allowances *allowances);

#endif
