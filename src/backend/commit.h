/* Taking memory for good: all of it is there afterwards, or the call fails and says why.
 *
 * The kernel has two ways to refuse memory. A full file system is an error, and harmless. Where
 * memory itself runs out, the machine's or that of a memory cgroup, the kernel ends a process, and
 * asking is what makes it do so. Hence:
 *
 * 1. What cannot fit is refused before anything is taken: more than the file system has free, or
 *    than the tightest limit of memory has left (limits.h). Some of that stays free in any case,
 *    or the caller could not even use its memory.
 * 2. What needs less than 1/64 of what is left is taken by the caller itself.
 * 3. The rest is taken by a child that the kernel ends first (victim.h). Its end is ENOMEM here.
 * 4. Where no such child can be had (no processes left, /proc out of reach, a cgroup whose
 * processes the kernel ends together), the caller takes it in small steps, and stops before the
 * limit.
 *
 * Errors of both: ENOSPC (the file system is full), ENOMEM (memory is), with sentences that name
 * the place, its size, what is free, what is missing, and the remedy; EMFILE and ENFILE where no
 * descriptor is left to read the limits with: then nothing is taken. No signal is raised, and none
 * interrupts. */
#ifndef SHMPOOL_BACKEND_COMMIT_H
#define SHMPOOL_BACKEND_COMMIT_H

#include <stddef.h>
#include <stdint.h>

/* The file system that memory comes from, for sentences. */
struct commit_place {
    const char *name;   /* "/dev/shm" */
    const char *remedy; /* what to do when it is full: "remove ... or make it larger" */
};

/* Takes the memory of the first size bytes of a file, extending it if it is shorter. place: the
 * file system, NULL when there is none but the kernel's own, which only memory bounds. After a
 * failure a file that held no memory before holds none; else what was taken stays, for somebody may
 * have stored there meanwhile. */
int commit_file(int fd, size_t size, const struct commit_place *place);

/* Takes the memory behind a range of a shared mapping: for objects that are no files. What is there
 * stays; what was taken before a failure goes with the object. */
int commit_range(void *address, size_t size);

/* The bytes of memory that a file has taken; 0 where fd is none. */
uint64_t commit_held(int fd);

/* Says that the file system behind the descriptor, or the place where fd is none, has no room for
 * size bytes, for who found out in another way: -1 and ENOSPC. held: what the file had taken before
 * the attempt. */
int commit_refuse_full(int fd, size_t size, uint64_t held, const struct commit_place *place);

#endif
