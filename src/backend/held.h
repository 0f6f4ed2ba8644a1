/* Objects that no name leads to, in reach through the processes that hold them: descriptors as they
 * stand in /proc/PID/fd. Of processes that this one may not look into nothing is found. */
#ifndef SHMPOOL_BACKEND_HELD_H
#define SHMPOOL_BACKEND_HELD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <shmpool/backend.h>

/* As the contract's list: visits each object once, whose links read prefix, name, " (deleted)", of
 * all processes or of that holder alone. Errors: EACCES (/proc cannot be read), EMFILE, ENFILE. */
int held_list(const char *prefix, pid_t holder,
              int (*visit)(const struct shmpool_found *found, void *arg), void *arg);

/* Whether the process has a descriptor of that object, as far as this one may see. */
bool held_has(pid_t holder, uint64_t device, uint64_t inode);

/* Opens, for reading only, the object of that device and inode that the process holds. where: the
 * link at which it was seen, looked at first; NULL: nowhere yet.
 * Errors: ENOENT (it does not hold it), EACCES (not for this user), and what open(2) says. */
int held_open(struct shmpool_object *object, const char *where, pid_t holder, uint64_t device,
              uint64_t inode);

#endif
