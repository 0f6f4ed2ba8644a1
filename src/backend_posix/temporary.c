#include "backend_posix/temporary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/lease.h"
#include "backend_posix/folder.h"
#include "base/error.h"

static bool is_of(const struct stat *status, uint64_t device, uint64_t inode)
{
    return S_ISREG(status->st_mode) && status->st_dev == device && status->st_ino == inode;
}

/* The temporary name of that file; NULL: there is none. */
static const char *find(DIR *folder, uint64_t device, uint64_t inode)
{
    struct dirent *entry;
    struct stat status;
    while ((entry = readdir(folder)) != NULL)
        if (strncmp(entry->d_name, TEMPORARY_PREFIX, sizeof TEMPORARY_PREFIX - 1) == 0 &&
            fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            is_of(&status, device, inode))
            return entry->d_name;
    return NULL;
}

static int refuse(const char *file, const char *what)
{
    int code = errno == EPERM ? EACCES : errno == EAGAIN ? EBUSY : errno;
    return error_set(code, FOLDER "/%s cannot be %s: %s", file, what, strerror(code));
}

/* Its creator, which has the number for itself, opens it no second time: under the lease the name
 * stays what it is. */
static int remove_leased(int folder, const char *file, int fd, int pretend)
{
    struct lease lease;
    if (lease_take(&lease, fd, file) != 0)
        return -1;
    int failed = !pretend && unlinkat(folder, file, 0) != 0 ? refuse(file, "removed") : 0;
    lease_drop(&lease);
    return failed;
}

static int remove_file(int folder, const char *file, uint64_t device, uint64_t inode, int pretend)
{
    struct stat status;
    int fd = openat(folder, file, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return refuse(file, "opened");
    int failed = fstat(fd, &status) == 0 && is_of(&status, device, inode)
                     ? remove_leased(folder, file, fd, pretend)
                     : error_set(ENOENT, FOLDER "/%s is another file by now", file);
    int code = errno;
    close(fd);
    errno = code;
    return failed;
}

int temporary_remove(uint64_t device, uint64_t inode, int pretend)
{
    DIR *folder = opendir(FOLDER);
    if (folder == NULL)
        return error_set(errno, FOLDER " cannot be read: %s", strerror(errno));
    const char *file = find(folder, device, inode);
    int failed = file != NULL ? remove_file(dirfd(folder), file, device, inode, pretend)
                              : error_set(ENOENT, "no unfinished file in " FOLDER " is left over");
    int code = errno;
    closedir(folder);
    errno = code;
    return failed;
}
