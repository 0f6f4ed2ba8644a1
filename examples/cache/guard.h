/* One server a cache: what a new master puts in order must not be a living worker's. */
#ifndef CACHE_GUARD_H
#define CACHE_GUARD_H

/* Takes the guard of the cache of this name, and keeps it until this process and all of its workers
 * have ended. Waits a while for workers whose master was killed. -1: stderr says why. */
int guard_take(const char *name);

#endif
