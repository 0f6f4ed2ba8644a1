#include "backend_posix/posix.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/fdobject.h"
#include "backend/trust.h"
#include "backend_posix/folder.h"
#include "backend_posix/temporary.h"
#include "base/error.h"

static const struct commit_place place = {
    FOLDER,
    "remove what is left over there or make it larger (mount -o remount,size=...; --shm-size of "
    "a container)",
};

/* What reserved[] of an object holds: which temporary name it has, 0 for none, and the process that
 * made it. Children that were forked meanwhile hold a copy, and leave the name alone. */
enum { TEMPORARY, TEMPORARY_OWNER };

static const char *path_of(char path[PATH_SIZE], const char *name)
{
    snprintf(path, PATH_SIZE, FOLDER "/" PREFIX "%s", name);
    return path;
}

static const char *path_of_temporary(char path[PATH_SIZE], uint64_t number)
{
    snprintf(path, PATH_SIZE, FOLDER "/" TEMPORARY_PREFIX "%016" PRIx64, number);
    return path;
}

/* Creating. */

static int refuse_taken(const char *name)
{
    char path[PATH_SIZE];
    struct stat status;
    if (lstat(path_of(path, name), &status) == 0 && !S_ISREG(status.st_mode))
        return error_set(
            EEXIST,
            "the name \"%s\" is taken by %s, which is not a pool: remove it by hand or "
            "choose another name",
            name, path);
    return error_set(EEXIST,
                     "the name \"%s\" is taken in " FOLDER
                     ": open that pool, unlink it or choose another name",
                     name);
}

static int refuse_new(const char *name)
{
    int code = errno;
    char reason[FDOBJECT_REASON_TEXT];
    if (code == ENOSPC)
        return error_set(code,
                         "an object for \"%s\" cannot be made in " FOLDER ": it has no room for "
                         "another file; %s",
                         name, place.remedy);
    return error_set(code, "an object for \"%s\" cannot be made in " FOLDER ": %s", name,
                     fdobject_reason(code, reason));
}

/* Errors by which kernels and file systems say that they do not know nameless files. */
static bool is_unknown_tmpfile(int code)
{
    return code == EOPNOTSUPP || code == EISDIR || code == EINVAL;
}

/* A collector that finds the name before the descriptor is there takes it for left over. */
static bool has_its_name(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && status.st_nlink > 0;
}

/* Stores the number of its name; a descriptor, or -1. */
static int open_temporary(uint64_t *number)
{
    char path[PATH_SIZE];
    for (int attempt = 0; attempt < 16; attempt++) {
        if (getrandom(number, sizeof *number, 0) != sizeof *number)
            return -1;
        *number |= 1; /* 0 means none */
        int fd = open(path_of_temporary(path, *number),
                      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0 ? has_its_name(fd) : errno != EEXIST)
            return fd;
        if (fd >= 0)
            close(fd);
    }
    return -1;
}

static int open_new(uint64_t *number)
{
    *number = 0;
    int fd = open(FOLDER, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || !is_unknown_tmpfile(errno))
        return fd;
    return open_temporary(number);
}

static void remove_temporary(uint64_t number)
{
    char path[PATH_SIZE];
    int code = errno;
    if (number != 0)
        unlink(path_of_temporary(path, number));
    errno = code;
}

static int posix_create(struct shmpool_object *object, const char *name, size_t size,
                        size_t max_size, mode_t mode)
{
    char path[PATH_SIZE];
    struct stat status;
    uint64_t number;
    (void)max_size;
    fdobject_init(object);
    /* publish decides; this saves the work that would be in vain. */
    if (fstatat(AT_FDCWD, path_of(path, name), &status, AT_SYMLINK_NOFOLLOW) == 0)
        return refuse_taken(name);
    int fd = open_new(&number);
    if (fd < 0)
        return refuse_new(name);
    if (fdobject_create(object, fd, size, mode) != 0) {
        remove_temporary(number);
        return -1;
    }
    object->reserved[TEMPORARY] = number;
    object->reserved[TEMPORARY_OWNER] = (uint64_t)getpid();
    return 0;
}

static int link_object(const struct shmpool_object *object, const char *path)
{
    char from[PATH_SIZE];
    if (object->reserved[TEMPORARY] != 0) {
        path_of_temporary(from, object->reserved[TEMPORARY]);
        return linkat(AT_FDCWD, from, AT_FDCWD, path, 0);
    }
    snprintf(from, sizeof from, "/proc/self/fd/%d", object->fd);
    return linkat(AT_FDCWD, from, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

static int posix_publish(struct shmpool_object *object, const char *name)
{
    char path[PATH_SIZE];
    if (fdobject_check_writable(object) != 0)
        return -1;
    if (link_object(object, path_of(path, name)) != 0) {
        int code = errno;
        if (code == EEXIST)
            return refuse_taken(name);
        return error_set(code, "an object cannot get the name %s: %s", path, strerror(code));
    }
    remove_temporary(object->reserved[TEMPORARY]);
    object->reserved[TEMPORARY] = 0;
    return 0;
}

static void posix_close(struct shmpool_object *object)
{
    if (object->reserved[TEMPORARY] != 0 && object->reserved[TEMPORARY_OWNER] == (uint64_t)getpid())
        remove_temporary(object->reserved[TEMPORARY]);
    object->reserved[TEMPORARY] = 0;
    fdobject_close(object);
}

/* Opening. */

/* What open says of a symbolic link, a directory and a socket. */
static bool is_other_kind(int code)
{
    return code == ELOOP || code == EISDIR || code == ENXIO;
}

static int refuse_kind(int code, const char *path)
{
    return error_set(code, "%s is not a pool: remove it by hand, or choose another name", path);
}

/* other_kind: the error for what is there and cannot be a pool. O_NONBLOCK: a FIFO would wait. */
static int open_name(const char *path, int access, int other_kind)
{
    int fd = open(path, access | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    int code = errno;
    if (is_other_kind(code))
        return refuse_kind(other_kind, path);
    if (code == ENOENT)
        return error_set(code, "there is no pool at %s", path);
    if (code == EAGAIN)
        return error_set(code, "somebody makes sure that nobody uses %s (it has a lease)", path);
    char reason[FDOBJECT_REASON_TEXT];
    return error_set(code, "%s cannot be opened: %s", path, fdobject_reason(code, reason));
}

static int check_pool(int fd, const char *path, bool readonly, int other_kind)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return error_set(errno, "%s cannot be looked at: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode) || status.st_size < sysconf(_SC_PAGESIZE))
        return refuse_kind(other_kind, path);
    if (trust_owner(status.st_uid, status.st_gid, status.st_mode, readonly))
        return 0;
    return trust_refuse(path, status.st_uid,
                        trust_owner(status.st_uid, status.st_gid, status.st_mode, true));
}

static int close_and_fail(int fd)
{
    int code = errno;
    close(fd);
    errno = code;
    return -1;
}

static int posix_open(struct shmpool_object *object, const char *name, unsigned flags)
{
    char path[PATH_SIZE];
    bool readonly = (flags & SHMPOOL_MAP_RDONLY) != 0;
    fdobject_init(object);
    int fd = open_name(path_of(path, name), readonly ? O_RDONLY : O_RDWR, EUCLEAN);
    if (fd < 0)
        return -1;
    if (check_pool(fd, path, readonly, EUCLEAN) != 0)
        return close_and_fail(fd);
    return fdobject_take(object, fd, flags);
}

/* Unlinking. */

static int check_magic(int fd, const char *path)
{
    char first[sizeof SHMPOOL_OBJECT_MAGIC];
    if (pread(fd, first, sizeof first, 0) == sizeof first &&
        memcmp(first, SHMPOOL_OBJECT_MAGIC, sizeof first) == 0)
        return 0;
    return refuse_kind(ENOENT, path);
}

/* Whether whatever has the name is a pool of this user: its descriptor, and what it is. */
static int find_pool(const char *path, struct stat *status)
{
    int fd = open_name(path, O_RDONLY, ENOENT);
    if (fd < 0)
        return -1;
    if (check_pool(fd, path, false, ENOENT) != 0 || check_magic(fd, path) != 0 ||
        fstat(fd, status) != 0)
        return close_and_fail(fd);
    return fd;
}

static int remove_name(const char *path, uint64_t device, uint64_t inode)
{
    struct stat status;
    if (fstatat(AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return error_set(errno, "there is no pool at %s: %s", path, strerror(errno));
    if (status.st_dev != device || status.st_ino != inode)
        return error_set(ENOENT, "%s is another object by now", path);
    if (unlink(path) == 0)
        return 0;
    int code = errno == EPERM ? EACCES : errno; /* EPERM: another user's, in a sticky folder */
    return error_set(code, "%s cannot be removed: %s", path, strerror(code));
}

static int refuse_locked(const char *path)
{
    return error_set(EAGAIN,
                     "somebody is about to remove %s, or has it locked (lslocks shows who), and "
                     "does not come to its end: that process may be stopped",
                     path);
}

/* Whoever removes a name has its file locked meanwhile: so no other takes the name away between the
 * look at what has it and the end, and nobody can give it to a new pool. fd: opened for this alone,
 * since a lock is shared by all who inherit the open file; it is closed. */
static int remove_locked(const char *path, int fd, uint64_t device, uint64_t inode)
{
    bool is_locked = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    int failed = is_locked ? refuse_locked(path) : remove_name(path, device, inode);
    int code = errno;
    if (!is_locked)
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
    return errno == EAGAIN ? refuse_locked(path) : remove_name(path, object->device, object->inode);
}

static int posix_unlink(const struct shmpool_object *object, const char *name)
{
    char path[PATH_SIZE];
    struct stat status;
    path_of(path, name);
    if (object != NULL)
        return remove_held(path, object);
    int fd = find_pool(path, &status);
    return fd < 0 ? -1 : remove_locked(path, fd, status.st_dev, status.st_ino);
}

static int posix_commit(const struct shmpool_object *object, void *address, size_t size)
{
    (void)address;
    return fdobject_commit(object, size, &place);
}

const struct shmpool_backend backend_posix = {
    .version = SHMPOOL_BACKEND_VERSION,
    .capabilities = SHMPOOL_BACKEND_NAMES | SHMPOOL_BACKEND_PERSISTENT | SHMPOOL_BACKEND_COMMIT |
                    SHMPOOL_BACKEND_DESCRIPTORS,
    .name = "posix",
    .place = FOLDER,
    .create = posix_create,
    .publish = posix_publish,
    .open = posix_open,
    .unlink = posix_unlink,
    .map = fdobject_map,
    .unmap = fdobject_unmap,
    .commit = posix_commit,
    .resize = fdobject_resize,
    .discard = fdobject_discard,
    .describe = fdobject_describe,
    .restrict_access = fdobject_restrict_access,
    .close = posix_close,
    .list = folder_list,
    .alone = fdobject_alone,
    .remove_unfinished = temporary_remove,
};
