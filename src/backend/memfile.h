/* Files in memory without a name: for pools of backend memfd, and for what a program that is
 * started by exec gets from its starter.
 *
 * What comes over exec may come from anybody, so a file is believed only when its seals say that
 * nobody can shrink it under the reader; other kinds of files have no seals. Failures are -1 or
 * NULL and errno. */
#ifndef SHMPOOL_BACKEND_MEMFILE_H
#define SHMPOOL_BACKEND_MEMFILE_H

#include <stddef.h>
#include <sys/types.h>

/* A new, empty one, close-on-exec; nobody can execute it unless mode has such bits. No sentence. */
int memfile_make(const char *label, mode_t mode);

/* Zeroed memory that is shared with whoever has the descriptor: of that size for ever. The caller
 * ends it with anonymous_unmap and closes *fd. No sentence. */
void *memfile_share(const char *label, size_t size, int *fd);

/* The same memory from its descriptor. EUCLEAN when the file is no such memory of that size. */
void *memfile_map_shared(int fd, size_t size);

/* A file with these bytes that nobody can change any more; its descriptor. ENOSPC where
 * RLIMIT_FSIZE allows no file of that size. No sentence. */
int memfile_write_sealed(const char *label, const void *bytes, size_t size);

/* A copy of such a file's bytes, for the caller to free, if there are least up to most of them.
 * EUCLEAN when it is no such file. No sentence. */
void *memfile_read_sealed(int fd, size_t least, size_t most, size_t *size);

#endif
