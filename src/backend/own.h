/* Backends of a program's own: what shmpool_backend_register has taken.
 *
 * A list that only grows, at its end, by one compare-and-swap: no lock that a fork could find held,
 * and a look at it meets whole entries only. Nothing is ever removed, so that pools keep pointers
 * to the tables. */
#ifndef SHMPOOL_BACKEND_OWN_H
#define SHMPOOL_BACKEND_OWN_H

#include <stddef.h>

#include <shmpool/backend.h>

enum { OWN_MOST = 16 };

/* In the order of registration; NULL from own_count on. */
size_t own_count(void);
const struct shmpool_backend *own_at(size_t index);

#endif
