/* The mill: damages without end, in child processes, so that a crash is found and not suffered.
 *
 * A mill makes its pool in a child and then meets one damage after the other. The child may die of
 * a signal, of an unfulfilled CHILD_CHECK or of too much processor time for one damage: that damage
 * is a failure, its text form is printed, and a new child goes on behind it. */
#ifndef TESTS_HOSTILE_MILL_H
#define TESTS_HOSTILE_MILL_H

#include <stdint.h>

#include "core/layout.h"
#include "hostile/damage.h"

enum { MILL_SECONDS = 60 }; /* of processor time for one damage; more is a hang */

struct mill {
    const char *name;
    unsigned last_moment;
    void (*begin)(void);                       /* makes the pool */
    const struct layout *(*layout)(void);      /* of that pool; in parent and child */
    void (*meet)(const struct damage *damage); /* as it was made, damaged, used, looked at */
    void (*end)(void);
};

/* Meets `count` damages drawn from the seed, or those numbered from `first` on. How many failed. */
unsigned mill_run(const struct mill *mill, uint64_t seed, uint64_t first, uint64_t count);

/* Meets the damages of a corpus: a file with one text form a line, empty lines and # left out. How
 * many failed; at least one when there are none. */
unsigned mill_replay(const struct mill *mill, const char *path);

/* Allows this process MILL_SECONDS from now on; then SIGPROF ends it. It is the time of the
 * processor, not of the clock: a loaded machine is no hang. */
void mill_allow_time(void);

/* The program of a mill: "campaign COUNT [SEED]" meets that many, "meet LINE" one; else nothing is
 * done and -1 returned. */
int mill_main(const struct mill *mill, int argc, char **argv);

#endif
