#include "backend/call.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/commit.h"
#include "backend/descriptor.h"
#include "backend/fdobject.h"
#include "backend/limits.h"
#include "base/error.h"

/* ---- one call ---- */

struct call {
    unsigned said; /* failures before it */
    int code;      /* errno: before the call, or what a failure left there */
};

/* errno is 0 during the call, so that a failure without one shows. */
static struct call begin(void)
{
    struct call call = {error_count(), errno};
    errno = 0;
    return call;
}

static int succeed(const struct call *call)
{
    errno = call->code;
    return 0;
}

/* After a failure: whether the function said a sentence that counts. */
static bool is_said(struct call *call)
{
    call->code = errno;
    return error_count() != call->said && errno != 0 && errno != EINTR;
}

static int code_of(const struct call *call)
{
    return call->code == 0 || call->code == EINTR ? EIO : call->code;
}

static const char *reason_of(const struct call *call)
{
    if (call->code == 0)
        return "it does not say why";
    return call->code == EINTR ? "a signal came, and it did not try again" : strerror(call->code);
}

/* For what runs in forked children: a fixed sentence, without formatting. */
static int fail_plain(struct call *call, const char *text)
{
    return is_said(call) ? -1 : error_set_plain(code_of(call), text);
}

/* As is_said, for what takes room: also where the size is beyond what the process may have in a
 * file. */
static bool is_size_said(struct call *call, const struct shmpool_backend *backend, size_t size)
{
    bool is_file = (backend->capabilities & SHMPOOL_BACKEND_DESCRIPTORS) != 0;
    return is_said(call) ||
           (is_file && call->code == ENOSPC && fdobject_check_file_size(size) != 0);
}

/* ---- making and finding ---- */

static int refuse_object(const struct shmpool_backend *backend, struct shmpool_object *object)
{
    int code = errno;
    call_close(backend, object);
    errno = code;
    return -1;
}

static int check_identity(const struct shmpool_backend *backend,
                          const struct shmpool_object *object, const char *name)
{
    if (object->device != 0 || object->inode != 0)
        return 0;
    return error_set(ENOTSUP, "backend %s gives the object \"%s\" neither device nor inode",
                     backend->name, name);
}

static int check_new_size(const struct shmpool_backend *backend,
                          const struct shmpool_object *object, const char *name, size_t size)
{
    struct shmpool_description description;
    if (call_describe(backend, object, &description) != 0)
        return -1;
    if (description.size >= size)
        return 0;
    return error_set(ENOTSUP,
                     "backend %s made the object \"%s\" of %" PRIu64 " bytes where %zu were asked "
                     "for",
                     backend->name, name, description.size, size);
}

/* Where the name is taken; -1. */
static int add_remedy(const struct call *call)
{
    if (call->code == EEXIST)
        error_add("; open that pool, unlink it or choose another name");
    return -1;
}

int call_create(const struct shmpool_backend *backend, struct shmpool_object *object,
                const char *name, size_t size, size_t max_size, mode_t mode)
{
    char text[ERROR_SIZE_TEXT];
    struct call call = begin();
    if (backend->create(object, name, size, max_size, mode) == 0) {
        if (check_identity(backend, object, name) == 0 &&
            check_new_size(backend, object, name, size) == 0)
            return succeed(&call);
        return refuse_object(backend, object);
    }
    if (is_size_said(&call, backend, size))
        return -1;
    error_set(code_of(&call), "backend %s cannot make the object \"%s\" of %s in %s: %s",
              backend->name, name, error_size(text, size), backend->place, reason_of(&call));
    return add_remedy(&call);
}

/* The four verbs that take a name fail alike. */
static int refuse_name(struct call *call, const struct shmpool_backend *backend, const char *verb,
                       const char *name)
{
    if (is_said(call))
        return -1;
    error_set(code_of(call), "backend %s cannot %s \"%s\" in %s: %s", backend->name, verb, name,
              backend->place, reason_of(call));
    return add_remedy(call);
}

int call_publish(const struct shmpool_backend *backend, struct shmpool_object *object,
                 const char *name)
{
    struct call call = begin();
    if (backend->publish == NULL || backend->publish(object, name) == 0)
        return succeed(&call);
    return refuse_name(&call, backend, "give an object the name", name);
}

int call_open(const struct shmpool_backend *backend, struct shmpool_object *object,
              const char *name, unsigned flags)
{
    struct call call = begin();
    if (backend->open(object, name, flags) != 0)
        return refuse_name(&call, backend, "open", name);
    if (check_identity(backend, object, name) != 0)
        return refuse_object(backend, object);
    return succeed(&call);
}

int call_unlink(const struct shmpool_backend *backend, const struct shmpool_object *object,
                const char *name)
{
    struct call call = begin();
    if (backend->unlink(object, name) == 0)
        return succeed(&call);
    return refuse_name(&call, backend, "remove the name", name);
}

/* ---- mapping ---- */

static void *refuse_map(struct call *call, const struct shmpool_backend *backend, void *address,
                        size_t length, unsigned flags)
{
    char text[ERROR_SIZE_TEXT];
    if (flags & SHMPOOL_MAP_REPLACE)
        fail_plain(call, "the pool's backend cannot replace its mapping");
    else if (!is_said(call) && !limits_explain_mapping(call->code, length))
        error_set(code_of(call), "backend %s cannot map %s of an object in %s at %p: %s",
                  backend->name, error_size(text, length), backend->place, address,
                  reason_of(call));
    return NULL;
}

/* Page-aligned where any address will do. */
static bool is_as_asked(const void *mapped, const void *address)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    return address != NULL ? mapped == address : (uintptr_t)mapped % page == 0;
}

static void *refuse_address(const struct shmpool_backend *backend,
                            const struct shmpool_object *object, void *mapped, void *address,
                            size_t length, unsigned flags)
{
    call_unmap(backend, object, mapped, length);
    if (flags & SHMPOOL_MAP_REPLACE)
        error_set_plain(ENOTSUP, "the pool's backend maps elsewhere than it is told to");
    else
        error_set(ENOTSUP, "backend %s maps an object at %p when it is told %p", backend->name,
                  mapped, address);
    return NULL;
}

void *call_map(const struct shmpool_backend *backend, const struct shmpool_object *object,
               void *address, size_t length, unsigned flags)
{
    struct call call = begin();
    void *mapped = backend->map(object, address, length, flags);
    if (mapped == NULL || mapped == MAP_FAILED)
        return refuse_map(&call, backend, address, length, flags);
    if (!is_as_asked(mapped, address))
        return refuse_address(backend, object, mapped, address, length, flags);
    succeed(&call);
    return mapped;
}

int call_unmap(const struct shmpool_backend *backend, const struct shmpool_object *object,
               void *address, size_t length)
{
    struct call call = begin();
    if (backend->unmap(object, address, length) == 0)
        return succeed(&call);
    return fail_plain(&call, "the pool's backend cannot unmap it");
}

int call_commit(const struct shmpool_backend *backend, const struct shmpool_object *object,
                void *address, size_t size)
{
    char text[ERROR_SIZE_TEXT];
    const struct commit_place place = {backend->place, "free some of it or ask for less"};
    uint64_t held = commit_held(object->fd);
    struct call call = begin();
    if (backend->commit == NULL)
        return error_set(ENOTSUP, "backend %s cannot commit memory", backend->name);
    if (backend->commit(object, address, size) == 0)
        return succeed(&call);
    if (is_size_said(&call, backend, size))
        return -1;
    if (call.code == ENOSPC)
        return commit_refuse_full(object->fd, size, held, &place);
    return error_set(code_of(&call), "backend %s cannot take %s of memory from %s: %s",
                     backend->name, error_size(text, size), backend->place, reason_of(&call));
}

/* ---- growing and giving back ---- */

int call_resize(const struct shmpool_backend *backend, const struct shmpool_object *object,
                size_t size)
{
    char text[ERROR_SIZE_TEXT];
    struct call call = begin();
    if (backend->resize == NULL)
        return error_set(ENOTSUP, "an object of backend %s keeps the size it was made with",
                         backend->name);
    if (backend->resize(object, size) == 0)
        return succeed(&call);
    if (is_size_said(&call, backend, size))
        return -1;
    return error_set(code_of(&call), "backend %s cannot give an object in %s the size of %s: %s",
                     backend->name, backend->place, error_size(text, size), reason_of(&call));
}

int call_discard(const struct shmpool_backend *backend, const struct shmpool_object *object,
                 void *address, size_t offset, size_t length)
{
    char text[ERROR_SIZE_TEXT];
    struct call call = begin();
    if (backend->discard == NULL)
        return error_set(ENOTSUP, "backend %s cannot give memory back to the system",
                         backend->name);
    if (backend->discard(object, address, offset, length) == 0)
        return succeed(&call);
    if (is_said(&call))
        return -1;
    return error_set(code_of(&call), "backend %s cannot give %s of memory back to %s: %s",
                     backend->name, error_size(text, length), backend->place, reason_of(&call));
}

/* ---- describing and letting go ---- */

int call_describe(const struct shmpool_backend *backend, const struct shmpool_object *object,
                  struct shmpool_description *description)
{
    struct call call = begin();
    *description = (struct shmpool_description){0};
    if (backend->describe(object, description) != 0)
        return is_said(&call)
                   ? -1
                   : error_set(code_of(&call), "backend %s cannot describe an object in %s: %s",
                               backend->name, backend->place, reason_of(&call));
    if (description->size > INT64_MAX)
        return error_set(ENOTSUP, "backend %s says that an object has %" PRIu64 " bytes",
                         backend->name, description->size);
    return succeed(&call);
}

int call_restrict_access(const struct shmpool_backend *backend, struct shmpool_object *object)
{
    struct call call = begin();
    if (backend->restrict_access(object) == 0)
        return succeed(&call);
    return fail_plain(&call, "the pool's backend cannot give up what allows writing");
}

static bool is_readonly(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) == O_RDONLY;
}

static bool has_its_descriptors(const struct shmpool_object *object)
{
    if (object->fd >= 0 && !descriptor_is_of(object->fd, object->device, object->inode))
        return false;
    return descriptor_is_of(object->fd_readonly, object->device, object->inode) &&
           is_readonly(object->fd_readonly);
}

int call_adopt(const struct shmpool_backend *backend, struct shmpool_object *object)
{
    bool by_descriptors = (backend->capabilities & SHMPOOL_BACKEND_DESCRIPTORS) != 0;
    struct call call = begin();
    if (by_descriptors && !has_its_descriptors(object))
        return error_set(EBADF, "the descriptors of an object of backend %s are not its own",
                         backend->name);
    if (!by_descriptors && backend->adopt == NULL)
        return error_set(ENOTSUP, "backend %s cannot hand an object over to another program",
                         backend->name);
    if (backend->adopt == NULL || backend->adopt(object) == 0)
        return succeed(&call);
    return is_said(&call)
               ? -1
               : error_set(code_of(&call), "backend %s cannot take over an object in %s: %s",
                           backend->name, backend->place, reason_of(&call));
}

/* A visitor's result passes through the backend: one that is negative is the library's own failure,
 * which has said its sentence. */
int call_list(const struct shmpool_backend *backend, pid_t holder,
              int (*visit)(const struct shmpool_found *found, void *arg), void *arg)
{
    struct call call = begin();
    int result = backend->list != NULL ? backend->list(holder, visit, arg) : 0;
    if (result >= 0) {
        succeed(&call);
        return result;
    }
    return is_said(&call)
               ? -1
               : error_set(code_of(&call), "backend %s cannot list the objects in %s: %s",
                           backend->name, backend->place, reason_of(&call));
}

/* ---- clearing away ---- */

int call_alone(const struct shmpool_backend *backend, struct shmpool_object *object)
{
    struct call call = begin();
    if (backend->alone == NULL)
        return error_set(ENOTSUP, "backend %s cannot tell whether somebody uses an object",
                         backend->name);
    if (backend->alone(object) == 0)
        return succeed(&call);
    return is_said(&call)
               ? -1
               : error_set(code_of(&call), "backend %s cannot have an object in %s alone: %s",
                           backend->name, backend->place, reason_of(&call));
}

int call_remove_unfinished(const struct shmpool_backend *backend, uint64_t device, uint64_t inode,
                           int pretend)
{
    struct call call = begin();
    if (backend->remove_unfinished == NULL)
        return error_set(ENOTSUP, "backend %s cannot remove unfinished objects", backend->name);
    if (backend->remove_unfinished(device, inode, pretend) == 0)
        return succeed(&call);
    return is_said(&call) ? -1
                          : error_set(code_of(&call),
                                      "backend %s cannot remove an unfinished object in %s: %s",
                                      backend->name, backend->place, reason_of(&call));
}

void call_close(const struct shmpool_backend *backend, struct shmpool_object *object)
{
    int code = errno;
    backend->close(object);
    errno = code;
}
