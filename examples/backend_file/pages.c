#include "pages.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "hold.h"

enum { COMMIT_CHUNK = 32 << 20 }; /* about 10 ms; larger ones may fail where pieces succeed */

int pages_find_unit(struct shmpool_object *object)
{
    struct statfs system;
    if (fstatfs(object->fd_readonly, &system) != 0)
        return -1;
    object->reserved[HOLD_UNIT] = system.f_type == HUGETLBFS_MAGIC
                                      ? (uint64_t)system.f_bsize
                                      : (uint64_t)sysconf(_SC_PAGESIZE);
    return 0;
}

static size_t round_up(const struct shmpool_object *object, size_t size)
{
    size_t unit = (size_t)object->reserved[HOLD_UNIT];
    return (size + unit - 1) & ~(unit - 1);
}

static int check_file_size_limit(size_t size)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        size <= limit.rlim_cur)
        return 0;
    errno = ENOSPC;
    return -1;
}

int pages_set_size(const struct shmpool_object *object, size_t size)
{
    size = round_up(object, size);
    return check_file_size_limit(size) != 0 ? -1 : ftruncate(object->fd, (off_t)size);
}

/* Linux before 4.17 takes the address as a hint. */
static void *map_where_free(int fd, void *address, size_t length, int protection)
{
    int flags = MAP_SHARED | MAP_NORESERVE | (address != NULL ? MAP_FIXED_NOREPLACE : 0);
    void *mapped = mmap(address, length, protection, flags, fd, 0);
    if (mapped == MAP_FAILED)
        return NULL;
    if (address == NULL || mapped == address)
        return mapped;
    munmap(mapped, length);
    errno = EEXIST;
    return NULL;
}

static void *map_replacing(int fd, void *address, size_t length, int protection)
{
    void *mapped = mmap(address, length, protection, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, fd, 0);
    return mapped != MAP_FAILED ? mapped : NULL;
}

/* What is mapped from a descriptor for reading only can never be made writable. */
void *pages_map(const struct shmpool_object *object, void *address, size_t length, unsigned flags)
{
    struct stat status;
    bool readonly = (flags & SHMPOOL_MAP_RDONLY) != 0;
    int fd = readonly ? object->fd_readonly : object->fd;
    int protection = readonly ? PROT_READ : PROT_READ | PROT_WRITE;
    if (hold_check(object, fd, &status) != 0)
        return NULL;
    length = round_up(object, length);
    return flags & SHMPOOL_MAP_REPLACE ? map_replacing(fd, address, length, protection)
                                       : map_where_free(fd, address, length, protection);
}

int pages_unmap(const struct shmpool_object *object, void *address, size_t length)
{
    return munmap(address, round_up(object, length));
}

/* Older kernels end fallocate with EINTR under signals, again and again under a timer. They are
 * blocked for one chunk at a time, so that none waits for long. */
static int allocate_chunk(int fd, size_t offset, size_t length)
{
    sigset_t all, before;
    int result;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    do
        result = fallocate(fd, 0, (off_t)offset, (off_t)length);
    while (result != 0 && errno == EINTR);
    int code = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = code;
    return result;
}

int pages_commit(const struct shmpool_object *object, void *address, size_t size)
{
    struct stat status;
    (void)address;
    size = round_up(object, size);
    if (hold_check(object, object->fd, &status) != 0)
        return -1;
    if (size > (size_t)status.st_size && check_file_size_limit(size) != 0)
        return -1;
    for (size_t done = 0; done < size; done += COMMIT_CHUNK) {
        size_t length = size - done < COMMIT_CHUNK ? size - done : COMMIT_CHUNK;
        if (allocate_chunk(object->fd, done, length) != 0)
            return -1;
    }
    return 0;
}

/* The library lets one process at a time do this, so the size cannot change in between. */
int pages_resize(const struct shmpool_object *object, size_t size)
{
    struct stat status;
    if (hold_check(object, object->fd, &status) != 0)
        return -1;
    return size > (size_t)status.st_size ? pages_set_size(object, size) : 0;
}

/* A part of a huge page is refused: it would stay, or not, as the kernel's version is, and would
 * not read as zeroes afterwards. */
int pages_discard(const struct shmpool_object *object, void *address, size_t offset, size_t length)
{
    struct stat status;
    int result;
    (void)address;
    if (hold_check(object, object->fd, &status) != 0)
        return -1;
    if (round_up(object, offset) != offset || round_up(object, length) != length) {
        errno = ENOTSUP;
        return -1;
    }
    do
        result = fallocate(object->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
                           (off_t)length);
    while (result != 0 && errno == EINTR);
    return result;
}
