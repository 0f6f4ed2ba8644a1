/* Who may attach which pool.
 *
 * A worker that was started with a list is restricted, and so is all that descends from it. Each
 * such start has a number of its own, and each process knows its chain: the numbers of the
 * restricted starts that it descends from. A pool records the chain of its creator. Without a chain
 * a process may attach every pool of the family; with one, those whose creator descends from the
 * same restricted start as itself, whichever process that was. The chain is private memory, so
 * fork passes it on. */
#ifndef SHMPOOL_FAMILY_RIGHTS_H
#define SHMPOOL_FAMILY_RIGHTS_H

#include <stdint.h>

enum { CHAIN_DEPTH = 8 };

/* Innermost first; 0 where it ends. Of a longer one the outermost numbers are lost, and with them
 * the right of those starts to what was created so deep. */
struct chain_shm {
    uint64_t number[CHAIN_DEPTH];
};

struct chain_shm rights_chain(void);
int rights_are_restricted(void);

/* The chain with one more number, as a start with a list makes it. */
struct chain_shm rights_lengthened(void);

/* In the child, for a start with a list: lengthens the chain by a number of its own. */
void rights_restrict(void);

/* A spawned program has its chain from its letter. */
void rights_set_chain(const struct chain_shm *chain);

/* Whether the calling process may attach what a process of that chain created. */
int rights_cover(const struct chain_shm *creator);

#endif
