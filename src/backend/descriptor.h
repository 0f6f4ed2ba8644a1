/* A descriptor that the library keeps for itself: close-on-exec, above 100, out of the way of
 * programs that count on low numbers, and never believed. A program may close all descriptors that
 * it does not know and use their numbers again, so device and inode are recorded, and each use
 * looks first whether the number still stands for the file. */
#ifndef SHMPOOL_BACKEND_DESCRIPTOR_H
#define SHMPOOL_BACKEND_DESCRIPTOR_H

#include <stdbool.h>
#include <stdint.h>

struct descriptor {
    int fd; /* -1: none */
    uint64_t device;
    uint64_t inode;
};

#define DESCRIPTOR_NONE ((struct descriptor){.fd = -1})

/* Moves a descriptor above 100; where the limit forbids that it stays low, but never in the place
 * of stdin and the like. Its new number, or, when none is left, the old one; -1 stays so. */
int descriptor_move_up(int fd);

/* Takes a descriptor over, wherever it is; fd -1: none. */
struct descriptor descriptor_keep(int fd);

/* Whether the number stands for this file; fd may be -1. */
bool descriptor_is_of(int fd, uint64_t device, uint64_t inode);
bool descriptor_is_there(const struct descriptor *kept);

/* Closes it if it is there. System calls only, as all of these. */
void descriptor_close(struct descriptor *kept);

#endif
