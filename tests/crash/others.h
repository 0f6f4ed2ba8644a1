/* The others: what the living do in the pool while one is dead or stands still. The test itself is
 * the living member; every call is a public one. */
#ifndef TESTS_CRASH_OTHERS_H
#define TESTS_CRASH_OTHERS_H

#include <sys/types.h>

#include "crash/judge.h"

/* Allocates blocks of one word and of two at once, then recovers and reclaims after the dead, grows
 * the pool, and looks that these blocks stood through it; frees them. */
struct faults others_go_on_after(pid_t dead);

/* Allocates and frees single pages and blocks of 40 pages, this many of each. */
struct faults others_work(int times);

#endif
