/* Who has an object mapped: what /proc/PID/maps says of all processes, read once.
 *
 * A shared mapping stands there with the device and inode of its object, whatever its name is by
 * now and whether a descriptor is left or not; a System V segment stands there with its id, and its
 * device is here what backend_sysv makes of the process's IPC namespace. */
#ifndef SHMPOOL_FAMILY_HOLDERS_H
#define SHMPOOL_FAMILY_HOLDERS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct holding {
    uint64_t device;
    uint64_t inode;
    pid_t pid;
};

struct holders {
    struct holding *all; /* sorted, each once */
    size_t n;
    size_t room;
    size_t unseen; /* processes that this one may not look into */
};

/* Reads what /proc says of one process, or of all, 0. 0, or -1 with errno and the sentence.
 * holders_end frees what it holds. */
int holders_read(struct holders *holders, pid_t pid);
void holders_end(struct holders *holders);

/* How many processes have that object mapped; stores one of them, 0 for none. device 0: any, for
 * file systems that say one device here and another there; then it may be too many. */
size_t holders_of(const struct holders *holders, uint64_t device, uint64_t inode, pid_t *first);

/* Whether that process is among them. */
int holders_has(const struct holders *holders, uint64_t device, uint64_t inode, pid_t pid);

#endif
