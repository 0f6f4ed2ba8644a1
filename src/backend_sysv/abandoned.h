/* What a creator leaves that was killed before its pool was complete: a segment without a magic. */
#ifndef SHMPOOL_BACKEND_SYSV_ABANDONED_H
#define SHMPOOL_BACKEND_SYSV_ABANDONED_H

#include <stdint.h>

/* The contract's remove_unfinished, by the rule that who takes a name goes by (directory.h). */
int abandoned_remove(uint64_t device, uint64_t inode, int pretend);

#endif
