#include "backend/memfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Linux 6.3; the C library's headers may be older than the kernel. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

enum {
    SIZE_SEALS = F_SEAL_SHRINK | F_SEAL_GROW,
    ALL_SEALS = SIZE_SEALS | F_SEAL_WRITE,
};

int memfile_make(const char *label, mode_t mode)
{
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    int fd = -1;
    if ((mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0)
        fd = memfd_create(label, flags | MFD_NOEXEC_SEAL);
    else
        errno = EINVAL;
    if (fd < 0 && errno == EINVAL)
        fd = memfd_create(label, flags);
    return fd;
}

static int close_and_fail(int fd)
{
    int code = errno;
    close(fd);
    errno = code;
    return -1;
}

/* Beyond the limit files do not only stay short: the signal ends the process. */
static int make_private(const char *label, size_t size)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        size > limit.rlim_cur) {
        errno = ENOSPC;
        return -1;
    }
    int fd = memfile_make(label, 0);
    return fd < 0 || fchmod(fd, S_IRUSR | S_IWUSR) == 0 ? fd : close_and_fail(fd);
}

static void *map(int fd, size_t size)
{
    void *mapped =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, (off_t)0);
    return mapped != MAP_FAILED ? mapped : NULL;
}

void *memfile_share(const char *label, size_t size, int *fd)
{
    *fd = make_private(label, size);
    if (*fd < 0)
        return NULL;
    void *mapped = NULL;
    if (ftruncate(*fd, (off_t)size) == 0 && fcntl(*fd, F_ADD_SEALS, SIZE_SEALS | F_SEAL_SEAL) == 0)
        mapped = map(*fd, size);
    if (mapped == NULL)
        *fd = close_and_fail(*fd);
    return mapped;
}

static int has_seals(int fd, int seals, struct stat *status)
{
    int there = fcntl(fd, F_GET_SEALS);
    if (there >= 0 && (there & seals) == seals && fstat(fd, status) == 0)
        return 1;
    errno = EUCLEAN;
    return 0;
}

void *memfile_map_shared(int fd, size_t size)
{
    struct stat status;
    if (!has_seals(fd, SIZE_SEALS, &status))
        return NULL;
    if (status.st_size == (off_t)size)
        return map(fd, size);
    errno = EUCLEAN;
    return NULL;
}

static int write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno != EINTR)
            return -1;
        bytes += written > 0 ? written : 0;
        size -= written > 0 ? (size_t)written : 0;
    }
    return 0;
}

int memfile_write_sealed(const char *label, const void *bytes, size_t size)
{
    int fd = make_private(label, size);
    if (fd >= 0 &&
        (write_all(fd, bytes, size) != 0 || fcntl(fd, F_ADD_SEALS, ALL_SEALS | F_SEAL_SEAL) != 0))
        fd = close_and_fail(fd);
    return fd;
}

void *memfile_read_sealed(int fd, size_t least, size_t most, size_t *size)
{
    struct stat status;
    if (!has_seals(fd, ALL_SEALS, &status) || status.st_size < (off_t)least ||
        status.st_size > (off_t)most) {
        errno = EUCLEAN;
        return NULL;
    }
    *size = (size_t)status.st_size;
    char *bytes = malloc(*size);
    if (bytes != NULL && pread(fd, bytes, *size, 0) == (ssize_t)*size)
        return bytes;
    free(bytes);
    return NULL;
}
