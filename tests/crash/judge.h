/* Whether a pool is in order.
 *
 * The judge looks at bytes: at a state of the pool, on a private copy of its tables. It recovers
 * the copy with everybody dead but those it is told, and compares what is left with the scenery and
 * the allowances; then it reclaims what the dead owned and compares again. So a state is judged
 * without harm to the pool, as often as there are instructions to die at. */
#ifndef TESTS_CRASH_JUDGE_H
#define TESTS_CRASH_JUDGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "crash/acts.h"
#include "crash/arena.h"

/* What was found wrong, in all judgements together; all zero is in order. */
struct faults {
    uint64_t lost;     /* pages that are neither free nor in a block that may be there */
    uint64_t doubled;  /* pages of a living owner's block that are not its own any more */
    uint64_t blocked;  /* what could not be done, or stayed pending, beside the dead or stopped */
    uint64_t disorder; /* whatever else a look at the tables shows */
};

bool faults_none(const struct faults *faults);
struct faults faults_sum(struct faults a, struct faults b);

enum { MOST_CAST = 3 };

/* Who is in the play. */
struct cast {
    const struct role *role[MOST_CAST];
    bool returned[MOST_CAST]; /* the act is over */
    bool dead[MOST_CAST];
    int n;
};

/* Again when there is a new pool. */
void judge_begin(void);

/* Judges a state. Says on stderr what is wrong and where, for the first few. */
struct faults judge_state(const struct state *state, const struct cast *cast, const char *where);

/* What the last judgement of a state found after recovery, before it reclaimed: page words, owners
 * and published pointers, as one number. */
uint64_t judge_outcome(void);

/* Compares the pool itself, in which the dead are recovered and reclaimed. */
struct faults judge_pool(const struct cast *cast, const char *where);

#endif
