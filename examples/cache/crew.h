/* The master's side: starts the workers, and replaces those that die. */
#ifndef CACHE_CREW_H
#define CACHE_CREW_H

#include "store.h"

/* Serves with n_workers until a signal ends it: 0; or -1: stderr says why. No worker is left in any
 * case. */
int crew_run(const struct store *store, unsigned n_workers, int listener);

#endif
