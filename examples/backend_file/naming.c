#include "naming.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "folder.h"
#include "hold.h"
#include "pages.h"

static const char magic[] = SHMPOOL_OBJECT_MAGIC;

static int fail(int code)
{
    errno = code;
    return -1;
}

/* ---- creating ---- */

/* Errors by which kernels and file systems say that they do not know nameless files. */
static bool is_unknown_tmpfile(int code)
{
    return code == EOPNOTSUPP || code == EISDIR || code == EINVAL;
}

/* Stores the number of its name; a descriptor, or -1. */
static int open_temporary(uint64_t *number)
{
    char path[PATH_SIZE];
    for (int attempt = 0; attempt < 16; attempt++) {
        if (getrandom(number, sizeof *number, 0) != sizeof *number)
            return -1;
        *number |= 1; /* 0 means none */
        int fd = open(folder_temporary(path, *number),
                      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

static int open_new(uint64_t *number)
{
    *number = 0;
    int fd = open(folder_path(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || !is_unknown_tmpfile(errno))
        return fd;
    return open_temporary(number);
}

/* The umask may have left a mode in which not even the twin could be opened, and the final one may
 * be such a mode too. */
static int make(struct shmpool_object *object, int fd, size_t size, mode_t mode)
{
    if (fchmod(fd, 0600) != 0)
        return hold_close_and_fail(fd);
    if (hold_take(object, fd, 0) != 0)
        return -1;
    if (pages_find_unit(object) == 0 && pages_set_size(object, size) == 0 &&
        fchmod(object->fd, mode) == 0)
        return 0;
    int code = errno;
    hold_close(object);
    return fail(code);
}

static void remove_temporary(uint64_t number)
{
    char path[PATH_SIZE];
    int code = errno;
    if (number != 0)
        unlink(folder_temporary(path, number));
    errno = code;
}

/* A file can grow: max_size changes nothing. */
int naming_create(struct shmpool_object *object, const char *name, size_t size, size_t max_size,
                  mode_t mode)
{
    char path[PATH_SIZE];
    struct stat status;
    uint64_t number;
    (void)max_size;
    hold_nothing(object);
    /* publish decides; this saves the work that would be in vain. */
    if (lstat(folder_name(path, name), &status) == 0)
        return fail(EEXIST);
    int fd = open_new(&number);
    if (fd < 0)
        return -1;
    if (make(object, fd, size, mode) != 0) {
        remove_temporary(number);
        return -1;
    }
    object->reserved[HOLD_TEMPORARY] = number;
    object->reserved[HOLD_MAKER] = (uint64_t)getpid();
    return 0;
}

static int link_file(const struct shmpool_object *object, const char *path)
{
    char from[PATH_SIZE];
    if (object->reserved[HOLD_TEMPORARY] != 0)
        return link(folder_temporary(from, object->reserved[HOLD_TEMPORARY]), path);
    snprintf(from, sizeof from, "/proc/self/fd/%d", object->fd);
    return linkat(AT_FDCWD, from, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

int naming_publish(struct shmpool_object *object, const char *name)
{
    char path[PATH_SIZE];
    struct stat status;
    if (hold_check(object, object->fd, &status) != 0 ||
        link_file(object, folder_name(path, name)) != 0)
        return -1;
    remove_temporary(object->reserved[HOLD_TEMPORARY]);
    object->reserved[HOLD_TEMPORARY] = 0;
    return 0;
}

/* A child of the process that made the object holds a copy, and leaves the temporary name alone. */
void naming_close(struct shmpool_object *object)
{
    if (object->reserved[HOLD_MAKER] == (uint64_t)getpid())
        remove_temporary(object->reserved[HOLD_TEMPORARY]);
    object->reserved[HOLD_TEMPORARY] = 0;
    hold_close(object);
}

/* ---- who may use a file ---- */

static bool in_group(gid_t group)
{
    if (group == getegid())
        return true;
    int n_groups = getgroups(0, NULL);
    gid_t *groups = n_groups > 0 ? calloc((size_t)n_groups, sizeof *groups) : NULL;
    bool found = false;
    if (groups != NULL)
        n_groups = getgroups(n_groups, groups);
    for (int i = 0; groups != NULL && i < n_groups; i++)
        found = found || groups[i] == group;
    free(groups);
    return found;
}

/* A pool holds pointers that its users follow, so a stranger's file is refused even where its mode
 * lets everybody in. */
static bool is_trusted(const struct stat *status, bool readonly)
{
    mode_t needed = readonly ? S_IRGRP : S_IRGRP | S_IWGRP;
    if (status->st_uid == geteuid() || geteuid() == 0)
        return true;
    return (status->st_mode & needed) == needed && in_group(status->st_gid);
}

/* ---- opening ---- */

/* other_kind: the error for what is there and cannot be a pool: a symbolic link, a directory, a
 * socket. O_NONBLOCK: a FIFO would wait. */
static int open_name(const char *path, int access, int other_kind)
{
    int fd = open(path, access | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && (errno == ELOOP || errno == EISDIR || errno == ENXIO))
        errno = other_kind;
    return fd;
}

static int check_pool(int fd, bool readonly, int other_kind)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return -1;
    if (!S_ISREG(status.st_mode) || status.st_size < sysconf(_SC_PAGESIZE))
        return fail(other_kind);
    return is_trusted(&status, readonly) ? 0 : fail(EACCES);
}

int naming_open(struct shmpool_object *object, const char *name, unsigned flags)
{
    char path[PATH_SIZE];
    bool readonly = (flags & SHMPOOL_MAP_RDONLY) != 0;
    hold_nothing(object);
    int fd = open_name(folder_name(path, name), readonly ? O_RDONLY : O_RDWR, EUCLEAN);
    if (fd < 0)
        return -1;
    if (check_pool(fd, readonly, EUCLEAN) != 0)
        return hold_close_and_fail(fd);
    if (hold_take(object, fd, flags) != 0)
        return -1;
    if (pages_find_unit(object) == 0)
        return 0;
    int code = errno;
    hold_close(object);
    return fail(code);
}

/* ---- unlinking ---- */

static int check_magic(int fd)
{
    char first[sizeof magic];
    if (pread(fd, first, sizeof first, 0) == sizeof first &&
        memcmp(first, magic, sizeof first) == 0)
        return 0;
    return fail(ENOENT);
}

/* Whether whatever has the name is a pool of this user: its descriptor, and what it is. */
static int find_pool(const char *path, struct stat *status)
{
    int fd = open_name(path, O_RDONLY, ENOENT);
    if (fd < 0)
        return -1;
    if (check_pool(fd, false, ENOENT) != 0 || check_magic(fd) != 0 || fstat(fd, status) != 0)
        return hold_close_and_fail(fd);
    return fd;
}

static int remove_name(const char *path, uint64_t device, uint64_t inode)
{
    struct stat status;
    if (lstat(path, &status) != 0)
        return -1;
    if (status.st_dev != device || status.st_ino != inode)
        return fail(ENOENT);
    if (unlink(path) == 0)
        return 0;
    return fail(errno == EPERM ? EACCES : errno); /* EPERM: another user's, in a sticky folder */
}

/* Whoever removes a name has its file locked meanwhile: so no other takes the name away between the
 * look at what has it and the end, and nobody can give it to a new pool. fd: opened for this alone,
 * since a lock is shared by all who inherit the open file; it is closed. */
static int remove_locked(const char *path, int fd, uint64_t device, uint64_t inode)
{
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return hold_close_and_fail(fd); /* the same as EAGAIN */
    int failed = remove_name(path, device, inode);
    int code = errno;
    flock(fd, LOCK_UN); /* a child that was forked meanwhile has the file open too */
    close(fd);
    errno = code;
    return failed;
}

/* The rights to a name are not those to the contents: what cannot be opened is removed without a
 * lock. */
static int remove_held(const char *path, const struct shmpool_object *object)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0)
        return remove_locked(path, fd, object->device, object->inode);
    return errno == EAGAIN ? -1 : remove_name(path, object->device, object->inode);
}

int naming_unlink(const struct shmpool_object *object, const char *name)
{
    char path[PATH_SIZE];
    struct stat status;
    folder_name(path, name);
    if (object != NULL)
        return remove_held(path, object);
    int fd = find_pool(path, &status);
    return fd < 0 ? -1 : remove_locked(path, fd, status.st_dev, status.st_ino);
}
