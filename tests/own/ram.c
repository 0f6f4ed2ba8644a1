#include "own/ram.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    enum ram_verb verb;
    int code;
    enum ram_lie lie;
} fault;

static struct {
    char name[256]; /* empty: nothing has a name */
    int fd;
} named;

void ram_fail(enum ram_verb verb, int code)
{
    fault.verb = verb;
    fault.code = code;
}

void ram_lie(enum ram_lie lie)
{
    fault.verb = RAM_NONE;
    fault.lie = lie;
}

static bool fails(enum ram_verb verb)
{
    if (fault.verb != verb)
        return false;
    errno = fault.code;
    return true;
}

static int reopen(int fd, int access)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, access | O_CLOEXEC);
}

static void hold(struct shmpool_object *object, int fd, int fd_readonly)
{
    struct stat status = {0};
    fstat(fd_readonly, &status);
    *object = (struct shmpool_object){fd, fd_readonly, status.st_dev, status.st_ino, {0, 0}};
    if (fault.lie == RAM_NAMELESS)
        object->device = object->inode = 0;
}

static int ram_create(struct shmpool_object *object, const char *name, size_t size, size_t max_size,
                      mode_t mode)
{
    (void)max_size;
    if (fails(RAM_CREATE))
        return -1;
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    if (ftruncate(fd, (off_t)(fault.lie == RAM_SHORT ? size / 2 : size)) != 0 ||
        fchmod(fd, mode) != 0) {
        close(fd);
        return -1;
    }
    hold(object, fd, reopen(fd, O_RDONLY));
    return 0;
}

static int ram_publish(struct shmpool_object *object, const char *name)
{
    if (fails(RAM_PUBLISH))
        return -1;
    if (named.name[0] != '\0') {
        errno = EEXIST;
        return -1;
    }
    snprintf(named.name, sizeof named.name, "%s", name);
    named.fd = reopen(object->fd, O_RDWR);
    return 0;
}

static int find(const char *name)
{
    if (strcmp(named.name, name) == 0)
        return 0;
    errno = ENOENT;
    return -1;
}

static int ram_open(struct shmpool_object *object, const char *name, unsigned flags)
{
    if (fails(RAM_OPEN) || find(name) != 0)
        return -1;
    hold(object, flags & SHMPOOL_MAP_RDONLY ? -1 : reopen(named.fd, O_RDWR),
         reopen(named.fd, O_RDONLY));
    return 0;
}

static int ram_unlink(const struct shmpool_object *object, const char *name)
{
    (void)object;
    if (fails(RAM_UNLINK) || find(name) != 0)
        return -1;
    close(named.fd);
    named.name[0] = '\0';
    return 0;
}

static void *ram_map(const struct shmpool_object *object, void *address, size_t length,
                     unsigned flags)
{
    bool readonly = (flags & SHMPOOL_MAP_RDONLY) != 0;
    int fixed = flags & SHMPOOL_MAP_REPLACE ? MAP_FIXED : address != NULL ? MAP_FIXED_NOREPLACE : 0;
    if (fails(flags & SHMPOOL_MAP_REPLACE ? RAM_REPLACE : RAM_MAP))
        return fault.lie == RAM_MAP_FAILED ? MAP_FAILED : NULL;
    void *mapped = mmap(fault.lie == RAM_ELSEWHERE ? NULL : address, length,
                        readonly ? PROT_READ : PROT_READ | PROT_WRITE,
                        MAP_SHARED | (fault.lie == RAM_ELSEWHERE ? 0 : fixed),
                        readonly ? object->fd_readonly : object->fd, 0);
    return mapped == MAP_FAILED ? NULL : mapped;
}

static int ram_unmap(const struct shmpool_object *object, void *address, size_t length)
{
    (void)object;
    return fails(RAM_UNMAP) ? -1 : munmap(address, length);
}

static int ram_commit(const struct shmpool_object *object, void *address, size_t size)
{
    (void)address;
    return fails(RAM_COMMIT) ? -1 : fallocate(object->fd, 0, 0, (off_t)size);
}

static int ram_resize(const struct shmpool_object *object, size_t size)
{
    return fails(RAM_RESIZE) ? -1 : ftruncate(object->fd, (off_t)size);
}

static int ram_discard(const struct shmpool_object *object, void *address, size_t offset,
                       size_t length)
{
    (void)address;
    if (fails(RAM_DISCARD))
        return -1;
    return fallocate(object->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
                     (off_t)length);
}

static int ram_describe(const struct shmpool_object *object,
                        struct shmpool_description *description)
{
    struct stat status;
    if (fails(RAM_DESCRIBE) || fstat(object->fd_readonly, &status) != 0)
        return -1;
    if (fault.lie == RAM_SILENT)
        return 0;
    description->size = fault.lie == RAM_ENORMOUS ? UINT64_MAX : (uint64_t)status.st_size;
    description->uid = status.st_uid;
    description->gid = status.st_gid;
    description->mode = status.st_mode & 07777;
    return 0;
}

static int ram_restrict_access(struct shmpool_object *object)
{
    if (fails(RAM_RESTRICT))
        return -1;
    if (object->fd >= 0)
        close(object->fd);
    object->fd = -1;
    return 0;
}

/* Sets errno as careless functions do. */
static void ram_close(struct shmpool_object *object)
{
    if (object->fd >= 0)
        close(object->fd);
    if (object->fd_readonly >= 0)
        close(object->fd_readonly);
    object->fd = object->fd_readonly = -1;
    errno = EXDEV;
}

static int ram_list(pid_t holder, int (*visit)(const struct shmpool_found *found, void *arg),
                    void *arg)
{
    struct stat status;
    if (fails(RAM_LIST))
        return -1;
    if (holder != 0 || named.name[0] == '\0' || fstat(named.fd, &status) != 0)
        return 0;
    const struct shmpool_found found = {
        .name = named.name,
        .where = "the test's memory",
        .mappings = -1,
        .device = status.st_dev,
        .inode = status.st_ino,
        .description = {.size = (uint64_t)status.st_size, .uid = status.st_uid},
    };
    return visit(&found, arg);
}

const struct shmpool_backend ram = {
    .version = SHMPOOL_BACKEND_VERSION,
    .capabilities = SHMPOOL_BACKEND_NAMES | SHMPOOL_BACKEND_COMMIT | SHMPOOL_BACKEND_DESCRIPTORS,
    .name = "ram",
    .place = "the test's memory",
    .create = ram_create,
    .publish = ram_publish,
    .open = ram_open,
    .unlink = ram_unlink,
    .map = ram_map,
    .unmap = ram_unmap,
    .commit = ram_commit,
    .resize = ram_resize,
    .discard = ram_discard,
    .describe = ram_describe,
    .restrict_access = ram_restrict_access,
    .close = ram_close,
    .list = ram_list,
};
