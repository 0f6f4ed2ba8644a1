/* Workers, as the rest of the family's floor needs them. */
#ifndef SHMPOOL_FAMILY_WORKERS_H
#define SHMPOOL_FAMILY_WORKERS_H

/* After a fork: the parent's workers are not the child's children, and the child is no worker. */
void workers_renew(void);

#endif
