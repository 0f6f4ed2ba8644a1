#include "backend/fdobject.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/descriptor.h"
#include "backend/lease.h"
#include "backend/limits.h"
#include "base/error.h"

const char *fdobject_reason(int code, char text[FDOBJECT_REASON_TEXT])
{
    struct rlimit limit;
    if (code != EMFILE || getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return strerror(code);
    snprintf(text, FDOBJECT_REASON_TEXT,
             "RLIMIT_NOFILE allows this process %llu descriptors, and all are open: close some or "
             "raise it (ulimit -n)",
             (unsigned long long)limit.rlim_cur);
    return text;
}

void fdobject_init(struct shmpool_object *object)
{
    *object = (struct shmpool_object){.fd = -1, .fd_readonly = -1};
}

/* Taking over. */

/* Through /proc, not through the name: that may be another file by now, or there is none. */
static int open_readonly_twin(int fd)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int twin = open(path, O_RDONLY | O_CLOEXEC);
    if (twin < 0) {
        int code = errno;
        char reason[FDOBJECT_REASON_TEXT];
        error_set(code, "the read-only descriptor cannot be opened at %s: %s", path,
                  fdobject_reason(code, reason));
    }
    return twin;
}

static int record(struct shmpool_object *object, int fd)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return error_set(errno, "the system does not describe the object: %s", strerror(errno));
    object->device = status.st_dev;
    object->inode = status.st_ino;
    return 0;
}

/* Both descriptors are the object's from here on. */
static int hold(struct shmpool_object *object, int fd, int twin)
{
    if (record(object, twin) != 0) {
        int code = errno;
        if (fd >= 0)
            close(fd);
        close(twin);
        errno = code;
        return -1;
    }
    object->fd = fd < 0 ? -1 : descriptor_move_up(fd);
    object->fd_readonly = descriptor_move_up(twin);
    return 0;
}

static int close_and_fail(int fd)
{
    int code = errno;
    close(fd);
    errno = code;
    return -1;
}

int fdobject_take(struct shmpool_object *object, int fd, unsigned flags)
{
    fdobject_init(object);
    if (flags & SHMPOOL_MAP_RDONLY)
        return hold(object, -1, fd);
    int twin = open_readonly_twin(fd);
    return twin < 0 ? close_and_fail(fd) : hold(object, fd, twin);
}

/* Beyond the limit ftruncate and fallocate do not only fail: their signal ends the process. */
int fdobject_check_file_size(size_t size)
{
    struct rlimit limit;
    char asked[ERROR_SIZE_TEXT], allowed[ERROR_SIZE_TEXT];
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        size <= limit.rlim_cur)
        return 0;
    return error_set(ENOSPC,
                     "%s are asked for, and RLIMIT_FSIZE allows this process %s in a file: raise "
                     "it (ulimit -f)",
                     error_size(asked, size), error_size(allowed, limit.rlim_cur));
}

static int set_size(int fd, size_t size)
{
    char text[ERROR_SIZE_TEXT];
    if (fdobject_check_file_size(size) != 0)
        return -1;
    if (ftruncate(fd, (off_t)size) == 0)
        return 0;
    int code = errno;
    return error_set(code, "an object cannot get the size of %s: %s", error_size(text, size),
                     strerror(code));
}

static int set_mode(int fd, mode_t mode)
{
    if (fchmod(fd, mode) == 0)
        return 0;
    int code = errno;
    return error_set(code, "an object cannot get the mode %04o: %s", (unsigned)mode,
                     strerror(code));
}

int fdobject_create(struct shmpool_object *object, int fd, size_t size, mode_t mode)
{
    fdobject_init(object);
    /* The umask may have left a mode in which not even we could open the twin, and the final one
     * may be such a mode too. */
    if (set_size(fd, size) != 0 || set_mode(fd, 0600) != 0)
        return close_and_fail(fd);
    if (fdobject_take(object, fd, 0) != 0)
        return -1;
    if (set_mode(object->fd, mode) != 0) {
        int code = errno;
        fdobject_close(object);
        errno = code;
        return -1;
    }
    return 0;
}

/* Using. */

static bool is_object(const struct shmpool_object *object, int fd, struct stat *status)
{
    return fd >= 0 && fstat(fd, status) == 0 && status->st_dev == object->device &&
           status->st_ino == object->inode;
}

static int check(const struct shmpool_object *object, int fd, struct stat *status)
{
    if (is_object(object, fd, status))
        return 0;
    if (fd < 0)
        return error_set_plain(EBADF, "this process has no descriptor that allows writing to the "
                                      "pool: it is read-only here");
    return error_set_plain(EBADF, "the program closed or replaced the pool's descriptor: leave "
                                  "descriptors above 100 alone, or close them before using pools");
}

int fdobject_check_writable(const struct shmpool_object *object)
{
    struct stat status;
    return check(object, object->fd, &status);
}

int fdobject_describe(const struct shmpool_object *object, struct shmpool_description *description)
{
    struct stat status;
    if (check(object, object->fd >= 0 ? object->fd : object->fd_readonly, &status) != 0)
        return -1;
    *description = (struct shmpool_description){
        .size = (uint64_t)status.st_size,
        .uid = status.st_uid,
        .gid = status.st_gid,
        .mode = status.st_mode & 07777,
    };
    return 0;
}

/* Mapping. */

static void *map_replacing(int fd, void *address, size_t length, int protection)
{
    void *mapped = mmap(address, length, protection, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, fd, 0);
    if (mapped != MAP_FAILED)
        return mapped;
    /* No formatting: this runs in forked children. */
    error_set_plain(errno, "the system refuses to replace the mapping of the pool");
    return NULL;
}

static void *refuse_occupied(void *address, size_t length)
{
    char text[ERROR_SIZE_TEXT];
    error_set(EEXIST, "something is mapped already in the %s from %p on", error_size(text, length),
              address);
    return NULL;
}

static void *map_where_free(int fd, void *address, size_t length, int protection)
{
    int flags = MAP_SHARED | MAP_NORESERVE | (address != NULL ? MAP_FIXED_NOREPLACE : 0);
    void *mapped = mmap(address, length, protection, flags, fd, 0);
    if (mapped == MAP_FAILED && errno == EEXIST)
        return refuse_occupied(address, length);
    if (mapped == MAP_FAILED)
        return limits_refuse_mapping(errno, length);
    /* Linux before 4.17 takes the address as a hint. */
    if (address != NULL && mapped != address) {
        munmap(mapped, length);
        return refuse_occupied(address, length);
    }
    return mapped;
}

void *fdobject_map(const struct shmpool_object *object, void *address, size_t length,
                   unsigned flags)
{
    struct stat status;
    bool readonly = (flags & SHMPOOL_MAP_RDONLY) != 0;
    int fd = readonly ? object->fd_readonly : object->fd;
    int protection = readonly ? PROT_READ : PROT_READ | PROT_WRITE;
    if (check(object, fd, &status) != 0)
        return NULL;
    if (flags & SHMPOOL_MAP_REPLACE)
        return map_replacing(fd, address, length, protection);
    return map_where_free(fd, address, length, protection);
}

int fdobject_unmap(const struct shmpool_object *object, void *address, size_t length)
{
    (void)object;
    if (munmap(address, length) == 0)
        return 0;
    return error_set_plain(errno, "the system refuses to unmap the pool");
}

/* Committing. */

int fdobject_commit(const struct shmpool_object *object, size_t size,
                    const struct commit_place *place)
{
    struct stat status;
    if (check(object, object->fd, &status) != 0)
        return -1;
    if (size > (size_t)status.st_size && fdobject_check_file_size(size) != 0)
        return -1;
    return commit_file(object->fd, size, place);
}

/* Growing and giving back. */

int fdobject_resize(const struct shmpool_object *object, size_t size)
{
    struct stat status;
    if (check(object, object->fd, &status) != 0)
        return -1;
    return size > (size_t)status.st_size ? set_size(object->fd, size) : 0;
}

int fdobject_discard(const struct shmpool_object *object, void *address, size_t offset,
                     size_t length)
{
    struct stat status;
    char text[ERROR_SIZE_TEXT];
    (void)address;
    if (check(object, object->fd, &status) != 0)
        return -1;
    while (fallocate(object->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
                     (off_t)length) != 0)
        if (errno != EINTR) {
            int code = errno == EOPNOTSUPP ? ENOTSUP : errno;
            return error_set(code, "%s of memory cannot be given back to the system: %s",
                             error_size(text, length), strerror(code));
        }
    return 0;
}

/* Letting go: in forked children too, so system calls only. */

static void close_if_ours(const struct shmpool_object *object, int *fd)
{
    struct stat status;
    if (is_object(object, *fd, &status))
        close(*fd);
    *fd = -1;
}

int fdobject_alone(struct shmpool_object *object)
{
    close_if_ours(object, &object->fd_readonly);
    return fdobject_check_writable(object) == 0 ? lease_alone(object->fd, "the pool") : -1;
}

int fdobject_restrict_access(struct shmpool_object *object)
{
    close_if_ours(object, &object->fd);
    return 0;
}

void fdobject_close(struct shmpool_object *object)
{
    close_if_ours(object, &object->fd);
    close_if_ours(object, &object->fd_readonly);
}
