/* Who a process is, and whether it is dead.
 *
 * A pid alone names nobody: it is used again, and it means different processes in different
 * namespaces. An identity is pid, start time, boot and namespaces together. Whatever cannot be
 * decided counts as alive. */
#ifndef SHMPOOL_FAMILY_IDENTITY_H
#define SHMPOOL_FAMILY_IDENTITY_H

#include <stdint.h>
#include <sys/types.h>

struct identity {
    pid_t pid;
    uint64_t start; /* ticks since boot; 0: not known */
    uint64_t key;   /* boot << 32 | namespaces, as hashes */
};

/* The calling process. Read once; identity_forget after a fork. */
struct identity identity_self(void);
void identity_forget(void);

/* False: for want of a descriptor the calling process could not be read yet. */
int identity_was_read(void);

/* The boot id, and the pid namespace's inode, for the header. */
void identity_origin(uint64_t boot[2], uint64_t *namespace);

/* The start time of a process of this namespace, 0 when it is not known. */
uint64_t identity_start_of(pid_t pid);

/* 1 only when the process is proven dead. start may be cut to its low 30 bits; 0: not known. */
int identity_is_dead(uint64_t key, uint64_t start, pid_t pid);

/* 1 when the key is of another boot of the machine than this one: its processes are all dead. */
int identity_is_of_other_boot(uint64_t key);

/* 1 when the process that has the pid now is another than the one that began then: for who holds
 * something by which the pid cannot change hands meanwhile. start as above. */
int identity_began_otherwise(pid_t pid, uint64_t start);

/* 1 when /proc shows that the process that began then has ended, all threads of it. */
int identity_has_ended(pid_t pid, uint64_t start);

/* The wait status of a zombie that its parent has not reaped yet; -1 when there is none, or
 * IDENTITY_HIDDEN when this process may not know its status. */
enum { IDENTITY_HIDDEN = -2 };
int identity_zombie_status(pid_t pid, uint64_t start);

#endif
