#include "backend_memfd/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "backend/fdobject.h"
#include "backend/held.h"
#include "backend/memfile.h"
#include "base/error.h"

#define LABEL "shmpool."

/* Not F_SEAL_GROW: a pool may be extended. F_SEAL_SEAL: what holds today holds for ever. */
static int seal(const struct shmpool_object *object)
{
    if (fcntl(object->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL) == 0)
        return 0;
    int code = errno;
    return error_set(code, "an object in memory cannot be sealed: %s", strerror(code));
}

static int memfd_object_create(struct shmpool_object *object, const char *name, size_t size,
                               size_t max_size, mode_t mode)
{
    char label[224];
    (void)max_size;
    snprintf(label, sizeof label, LABEL "%s", name);
    fdobject_init(object);
    int fd = memfile_make(label, mode);
    if (fd < 0) {
        int code = errno;
        char reason[FDOBJECT_REASON_TEXT];
        return error_set(code, "an object \"%s\" cannot be made in memory: %s", name,
                         fdobject_reason(code, reason));
    }
    if (fdobject_create(object, fd, size, mode) != 0)
        return -1;
    if (seal(object) != 0) {
        int code = errno;
        fdobject_close(object);
        errno = code;
        return -1;
    }
    return 0;
}

static int memfd_commit(const struct shmpool_object *object, void *address, size_t size)
{
    (void)address;
    return fdobject_commit(object, size, NULL);
}

static int memfd_adopt(struct shmpool_object *object)
{
    int seals = fcntl(object->fd_readonly, F_GET_SEALS);
    if (seals >= 0 && (seals & F_SEAL_SHRINK))
        return 0;
    return error_set(EUCLEAN, "descriptor %d is not that of a sealed object in memory",
                     object->fd_readonly);
}

static int memfd_list(pid_t holder, int (*visit)(const struct shmpool_found *found, void *arg),
                      void *arg)
{
    return held_list("/memfd:" LABEL, holder, visit, arg);
}

const struct shmpool_backend backend_memfd = {
    .version = SHMPOOL_BACKEND_VERSION,
    .capabilities = SHMPOOL_BACKEND_COMMIT | SHMPOOL_BACKEND_SEALED | SHMPOOL_BACKEND_DESCRIPTORS,
    .name = "memfd",
    .place = "memory",
    .create = memfd_object_create,
    .map = fdobject_map,
    .unmap = fdobject_unmap,
    .commit = memfd_commit,
    .resize = fdobject_resize,
    .discard = fdobject_discard,
    .describe = fdobject_describe,
    .restrict_access = fdobject_restrict_access,
    .close = fdobject_close,
    .adopt = memfd_adopt,
    .list = memfd_list,
};
