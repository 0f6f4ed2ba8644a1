#include "hold.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { LOWEST_DESCRIPTOR = 101, LAST_STANDARD_DESCRIPTOR = 2 };

void hold_nothing(struct shmpool_object *object)
{
    *object = (struct shmpool_object){.fd = -1, .fd_readonly = -1};
}

int hold_close_and_fail(int fd)
{
    int code = errno;
    close(fd);
    errno = code;
    return -1;
}

/* Where the limit forbids high numbers it stays low, but never in the place of stdin and the like.
 */
static int move_up(int fd)
{
    if (fd >= LOWEST_DESCRIPTOR)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, LOWEST_DESCRIPTOR);
    if (moved < 0 && fd <= LAST_STANDARD_DESCRIPTOR)
        moved = fcntl(fd, F_DUPFD_CLOEXEC, LAST_STANDARD_DESCRIPTOR + 1);
    if (moved < 0)
        return fd;
    close(fd);
    return moved;
}

/* Through /proc, not through the name: that may be another file by now, or there is none. */
static int open_twin(int fd)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, O_RDONLY | O_CLOEXEC);
}

int hold_take(struct shmpool_object *object, int fd, unsigned flags)
{
    struct stat status;
    bool readonly = (flags & SHMPOOL_MAP_RDONLY) != 0;
    hold_nothing(object);
    if (fstat(fd, &status) != 0)
        return hold_close_and_fail(fd);
    int twin = readonly ? fd : open_twin(fd);
    if (twin < 0)
        return hold_close_and_fail(fd);
    object->fd = readonly ? -1 : move_up(fd);
    object->fd_readonly = move_up(twin);
    object->device = status.st_dev;
    object->inode = status.st_ino;
    return 0;
}

int hold_check(const struct shmpool_object *object, int fd, struct stat *status)
{
    if (fd >= 0 && fstat(fd, status) == 0 && status->st_dev == object->device &&
        status->st_ino == object->inode)
        return 0;
    errno = EBADF;
    return -1;
}

int hold_describe(const struct shmpool_object *object, struct shmpool_description *description)
{
    struct stat status;
    if (hold_check(object, object->fd >= 0 ? object->fd : object->fd_readonly, &status) != 0)
        return -1;
    *description = (struct shmpool_description){
        .size = (uint64_t)status.st_size,
        .uid = status.st_uid,
        .gid = status.st_gid,
        .mode = status.st_mode & 07777,
    };
    return 0;
}

/* Letting go happens in forked children too: system calls only. */

static void close_if_ours(const struct shmpool_object *object, int *fd)
{
    struct stat status;
    if (hold_check(object, *fd, &status) == 0)
        close(*fd);
    *fd = -1;
}

int hold_restrict_access(struct shmpool_object *object)
{
    close_if_ours(object, &object->fd);
    return 0;
}

void hold_close_readonly(struct shmpool_object *object)
{
    close_if_ours(object, &object->fd_readonly);
}

void hold_close(struct shmpool_object *object)
{
    close_if_ours(object, &object->fd);
    close_if_ours(object, &object->fd_readonly);
}
