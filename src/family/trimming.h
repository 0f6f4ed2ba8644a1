/* Giving the memory of free pages back to the system. */
#ifndef SHMPOOL_FAMILY_TRIMMING_H
#define SHMPOOL_FAMILY_TRIMMING_H

#include <stdint.h>

#include "family/pools.h"

/* For pools that trim by themselves: these pages were just freed. Never fails: what cannot be given
 * back stays. errno and the sentence are left alone. */
void trimming_freed(struct pool *pool, uint64_t page, uint64_t n);

#endif
