#include "backend/descriptor.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LOWEST_DESCRIPTOR = 101,
    LAST_STANDARD_DESCRIPTOR = 2,
};

int descriptor_move_up(int fd)
{
    if (fd < 0 || fd >= LOWEST_DESCRIPTOR)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, LOWEST_DESCRIPTOR);
    if (moved < 0 && fd <= LAST_STANDARD_DESCRIPTOR)
        moved = fcntl(fd, F_DUPFD_CLOEXEC, LAST_STANDARD_DESCRIPTOR + 1);
    if (moved < 0)
        return fd;
    close(fd);
    return moved;
}

struct descriptor descriptor_keep(int fd)
{
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0)
        return DESCRIPTOR_NONE;
    return (struct descriptor){descriptor_move_up(fd), status.st_dev, status.st_ino};
}

bool descriptor_is_of(int fd, uint64_t device, uint64_t inode)
{
    struct stat status;
    return fd >= 0 && fstat(fd, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

bool descriptor_is_there(const struct descriptor *kept)
{
    return descriptor_is_of(kept->fd, kept->device, kept->inode);
}

void descriptor_close(struct descriptor *kept)
{
    if (descriptor_is_there(kept))
        close(kept->fd);
    kept->fd = -1;
}
