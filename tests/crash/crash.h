/* What the programs of this folder have in common: how they begin, which operations they go
 * through, and the dog that watches that nobody waits for ever. */
#ifndef TESTS_CRASH_CRASH_H
#define TESTS_CRASH_CRASH_H

#include <stdbool.h>
#include <stdint.h>

#include "crash/acts.h"
#include "support/random.h"

/* Makes the arena and the judge; the subject stands in front of each line with figures. Where
 * nothing can be stepped the program ends here: skipped, with the reason. */
void crash_begin(const char *subject);

/* Whether something of that name is gone through: if it begins with `start`; where that is NULL
 * everything is, but the seldom only in a complete pass. */
bool crash_wants(const char *name, bool seldom, const char *start);

/* Goes through the operations of the catalogue that are wanted, the argument being the start of
 * their names. The exit status: whether all were in order. */
int crash_go_through(int argc, char **argv, bool (*is_in_order)(const struct act *act));

/* Builds what must be there before the act of the role, in a new pool if it needs one. */
void crash_stage(struct role *role);

/* CRASH_COMPLETE is set: nothing is left to a sample. */
bool crash_is_complete(void);

/* The backend under test. */
const char *crash_backend(void);

/* Random numbers of this run. */
extern struct random crash_dice;

/* If this takes a minute the program ends with a sentence. NULL: nothing is waited for. */
void crash_watch(const char *what);

#endif
