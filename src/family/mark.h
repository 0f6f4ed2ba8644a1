/* That a family lives, for processes that are not of it and may not look into it.
 *
 * A lock on the family's registry. It belongs to the open file behind the registry, so it lasts as
 * long as any process has the registry mapped or open, through forks, exec and closed descriptors,
 * and ends with the last one, however that ends. /proc/locks shows it to every user and in every
 * PID namespace, by the registry's inode. */
#ifndef SHMPOOL_FAMILY_MARK_H
#define SHMPOOL_FAMILY_MARK_H

#include <stdint.h>

/* Marks the registry behind a descriptor; 0, or -1 where that is not possible. */
int mark_set(int fd);

/* Whether the family with the registry of that inode is dead. 0 where that is not certain: the
 * inode is 0, or /proc/locks cannot be read or does not show this process's own family. */
int mark_is_dead(uint64_t inode);

#endif
