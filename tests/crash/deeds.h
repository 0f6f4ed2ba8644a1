/* The calls in which crash-syscalls makes a process die: those that make, find, change and remove
 * pools and workers, and therefore talk to the system.
 *
 * Each has a stage that the test builds, what the victim does before and what it dies in, and a
 * verdict: what the test, a process of the same family, may find afterwards, and that it can go on
 * with the same name, pool or worker at once. */
#ifndef TESTS_CRASH_DEEDS_H
#define TESTS_CRASH_DEEDS_H

#include <shmpool.h>
#include <stdbool.h>

#include "support/leftover.h"

/* What the victim and its workers tell, in memory that the test shares with them. */
struct deed_slate {
    shmpool_worker worker;
    bool joined;
    bool failed; /* a call in which nobody died failed, or a worker got what it was not granted */
};

struct scene {
    char name[RUN_NAME_SIZE];
    shmpool_id pool;  /* of this name; 0: none yet */
    shmpool_id other; /* that no worker is granted */
    struct deed_slate *slate;
};

struct faults_seen {
    unsigned halfmade; /* something was found that is neither there nor absent */
    unsigned left;     /* something remains that the next call of that kind cannot deal with */
};

struct deed {
    const char *name;
    bool by_name;    /* only on backends with names */
    bool of_started; /* who dies is the first process that the victim starts */
    void (*stage)(struct scene *scene);
    void (*prepare)(void *scene);
    void (*perform)(void *scene);
    void (*judge)(struct scene *scene, struct faults_seen *seen);
};

extern const struct deed deeds[];
extern const int n_deeds;

/* Whether pools of the backend under test are found by name. */
bool deeds_by_name(void);

#endif
