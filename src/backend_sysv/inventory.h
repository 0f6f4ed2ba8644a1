/* Which pools there are in System V shared memory, by the system's own list of segments. */
#ifndef SHMPOOL_BACKEND_SYSV_INVENTORY_H
#define SHMPOOL_BACKEND_SYSV_INVENTORY_H

#include <shmpool/backend.h>

/* The contract's list. A segment that was removed is found as long as somebody has it attached. */
int inventory_list(pid_t holder, int (*visit)(const struct shmpool_found *found, void *arg),
                   void *arg);

#endif
