/* Which pools lie in the folder. */
#ifndef LISTING_H
#define LISTING_H

#include <shmpool/backend.h>

/* As in the contract. */
int listing_list(pid_t holder, int (*visit)(const struct shmpool_found *found, void *arg),
                 void *arg);

#endif
