#include "backend_sysv/sysv.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/commit.h"
#include "backend/limits.h"
#include "backend_sysv/abandoned.h"
#include "backend_sysv/directory.h"
#include "backend_sysv/inventory.h"
#include "backend_sysv/segment.h"
#include "base/error.h"

/* What reserved[] of an object holds. PAGE: the address of its first page, 0 for none. WRITABLE:
 * whether it may be attached for writing. UNPUBLISHED: the process that made the segment and the
 * mode it is to get, 0 once it is published. Children that were forked meanwhile hold a copy, and
 * leave the segment alone. */
enum { PAGE, WRITABLE, KEY, UNPUBLISHED };

/* ---- holding a segment ---- */

static bool is_other_namespace(const struct shmpool_object *object)
{
    uint64_t here = segment_namespace();
    return here != SEGMENT_NAMESPACE_UNKNOWN && object->device != SEGMENT_NAMESPACE_UNKNOWN &&
           here != object->device;
}

static void init(struct shmpool_object *object)
{
    *object = (struct shmpool_object){.fd = -1, .fd_readonly = -1};
}

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* -1 and errno, no sentence. */
static int hold(struct shmpool_object *object, int id, key_t key, size_t size, unsigned flags)
{
    char *page = shmat(id, NULL, SHM_RDONLY);
    if (page == (char *)-1)
        return -1;
    if (size > page_size())
        munmap(page + page_size(), size - page_size());
    object->device = segment_namespace();
    object->inode = (uint64_t)id;
    object->reserved[PAGE] = (uintptr_t)page;
    object->reserved[WRITABLE] = (flags & SHMPOOL_MAP_RDONLY) == 0;
    object->reserved[KEY] = (uint32_t)key;
    return 0;
}

static int id_of(const struct shmpool_object *object)
{
    return (int)object->inode;
}

static key_t key_held(const struct shmpool_object *object)
{
    return (key_t)(uint32_t)object->reserved[KEY];
}

/* Also looks whether the id still means what it did. No formatting: this runs in forked children.
 */
static int check(const struct shmpool_object *object, bool writable, struct shmid_ds *status)
{
    if (object->reserved[PAGE] == 0)
        return error_set_plain(EBADF, "this process does not hold the pool's segment");
    if (writable && !object->reserved[WRITABLE])
        return error_set_plain(EBADF, "this process has nothing that allows writing to the pool: "
                                      "it is read-only here");
    if (is_other_namespace(object) || segment_status(id_of(object), status) != 0)
        return error_set_plain(EBADF, "this process changed its IPC namespace, in which the pool's "
                                      "segment is not known");
    return 0;
}

/* To hold a page the whole segment is attached for a moment. */
static int refuse_hold(int code, int id, size_t size)
{
    if (limits_forbid_mapping(code)) {
        limits_refuse_mapping(code, size);
        return -1;
    }
    return error_set(code, "the System V segment %d cannot be attached: %s", id, strerror(code));
}

/* ---- creating ---- */

static int sysv_create(struct shmpool_object *object, const char *name, size_t size,
                       size_t max_size, mode_t mode)
{
    key_t key;
    init(object);
    if (max_size < size)
        max_size = size;
    /* Whoever makes a pool must be able to attach it; publish sets the mode that was asked for. */
    int id = directory_take(name, max_size, mode | S_IRUSR | S_IWUSR, &key);
    if (id < 0)
        return -1;
    if (hold(object, id, key, max_size, 0) != 0) {
        int code = errno;
        segment_remove(id, key);
        return refuse_hold(code, id, max_size);
    }
    object->reserved[UNPUBLISHED] = (uint64_t)getpid() | (uint64_t)mode << 32;
    return 0;
}

static int set_mode(int id, struct shmid_ds *status, mode_t mode)
{
    if ((status->shm_perm.mode & 0777) == mode)
        return 0;
    status->shm_perm.mode = (unsigned short)mode;
    if (shmctl(id, IPC_SET, status) == 0)
        return 0;
    int code = errno;
    return error_set(code, "the System V segment %d cannot get the mode %04o: %s", id,
                     (unsigned)mode, strerror(code));
}

static int sysv_publish(struct shmpool_object *object, const char *name)
{
    struct shmid_ds status;
    (void)name; /* taken since creation */
    if (check(object, true, &status) != 0)
        return -1;
    if (set_mode(id_of(object), &status, (mode_t)(object->reserved[UNPUBLISHED] >> 32)) != 0)
        return -1;
    object->reserved[UNPUBLISHED] = 0;
    return 0;
}

static void sysv_close(struct shmpool_object *object)
{
    uint64_t unpublished = object->reserved[UNPUBLISHED];
    int code = errno;
    if ((uint32_t)unpublished == (uint32_t)getpid())
        segment_remove(id_of(object), key_held(object));
    if (object->reserved[PAGE] != 0)
        munmap((void *)(uintptr_t)object->reserved[PAGE], page_size());
    init(object);
    errno = code;
}

/* ---- opening and unlinking ---- */

static int sysv_open(struct shmpool_object *object, const char *name, unsigned flags)
{
    struct segment segment;
    init(object);
    if (directory_find(name, (flags & SHMPOOL_MAP_RDONLY) != 0, &segment) != 0)
        return -1;
    if (hold(object, segment.id, segment.key, segment_size(&segment.status), flags) == 0)
        return 0;
    if (segment_is_gone(errno))
        return error_set(ENOENT, "the System V segment %d, pool \"%s\", was just removed",
                         segment.id, name);
    return refuse_hold(errno, segment.id, segment_size(&segment.status));
}

static int remove_name(const char *name, int id, key_t key)
{
    if (segment_remove(id, key) == 0)
        return 0;
    int code = errno;
    if (code == ENOENT)
        return error_set(ENOENT, "the System V segment %d is not the pool \"%s\" any more", id,
                         name);
    return error_set(code, "the System V segment %d, pool \"%s\", cannot be removed: %s", id, name,
                     strerror(code));
}

static int sysv_unlink(const struct shmpool_object *object, const char *name)
{
    struct shmid_ds status;
    struct segment segment;
    if (object != NULL)
        return check(object, false, &status) != 0
                   ? -1
                   : remove_name(name, id_of(object), key_held(object));
    /* For reading: the rights to a name are not those to the contents. */
    if (directory_find(name, true, &segment) != 0)
        return -1;
    if (segment.kind == SEGMENT_DAMAGED)
        return error_set(ENOENT, "the System V segment %d of the name \"%s\" is not a pool",
                         segment.id, name);
    return remove_name(name, segment.id, segment.key);
}

/* ---- mapping ---- */

/* EINVAL may mean that something is there, and may mean something else. */
static void *refuse_to_attach(int id, void *address, size_t length)
{
    char text[ERROR_SIZE_TEXT];
    int code = errno;
    if (code == EINVAL && address != NULL) {
        void *probe =
            mmap(address, length, PROT_NONE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
        if (probe == MAP_FAILED)
            code = errno;
        else
            munmap(probe, length);
        /* Linux before 4.17 takes the address as a hint. */
        if (probe != MAP_FAILED && probe != address)
            code = EEXIST;
    }
    if (limits_forbid_mapping(code))
        return limits_refuse_mapping(code, length);
    if (code == EEXIST)
        error_set(EEXIST, "something is mapped already in the %s from %p on",
                  error_size(text, length), address);
    else
        error_set(code, "the System V segment %d, %s, cannot be attached: %s", id,
                  error_size(text, length), strerror(code));
    return NULL;
}

/* Attaching takes the whole segment; what is beyond the length goes again. */
static void *attach_where_free(int id, void *address, size_t length, size_t size, int access)
{
    char *start = shmat(id, address, access);
    if (start == (char *)-1)
        return refuse_to_attach(id, address, size);
    if (size > length)
        munmap(start + length, size - length);
    return start;
}

/* No formatting: this runs in forked children. */
static void *attach_replacing(int id, void *address, size_t length, size_t size, int access)
{
    if (length != size) {
        error_set_plain(EINVAL, "only a mapping of the whole segment can be replaced");
        return NULL;
    }
    void *start = shmat(id, address, access | SHM_REMAP);
    if (start != (void *)-1)
        return start;
    error_set_plain(errno, "the system refuses to replace the mapping of the pool");
    return NULL;
}

static void *sysv_map(const struct shmpool_object *object, void *address, size_t length,
                      unsigned flags)
{
    struct shmid_ds status;
    char asked[ERROR_SIZE_TEXT], there[ERROR_SIZE_TEXT];
    bool readonly = (flags & SHMPOOL_MAP_RDONLY) != 0;
    int id = id_of(object);
    if (check(object, !readonly, &status) != 0)
        return NULL;
    size_t size = segment_size(&status);
    if (flags & SHMPOOL_MAP_REPLACE)
        return attach_replacing(id, address, length, size, readonly ? SHM_RDONLY : 0);
    if (length <= size)
        return attach_where_free(id, address, length, size, readonly ? SHM_RDONLY : 0);
    error_set(EUCLEAN, "a mapping of %s is asked for, and the System V segment %d has %s",
              error_size(asked, length), id, error_size(there, size));
    return NULL;
}

/* Not by shmdt: this takes the range, whatever it was attached as. */
static int sysv_unmap(const struct shmpool_object *object, void *address, size_t length)
{
    (void)object;
    if (munmap(address, length) == 0)
        return 0;
    return error_set_plain(errno, "the system refuses to unmap the pool");
}

/* ---- the rest ---- */

static int sysv_commit(const struct shmpool_object *object, void *address, size_t size)
{
    struct shmid_ds status;
    return check(object, true, &status) != 0 ? -1 : commit_range(address, size);
}

static int sysv_discard(const struct shmpool_object *object, void *address, size_t offset,
                        size_t length)
{
    struct shmid_ds status;
    char text[ERROR_SIZE_TEXT];
    if (check(object, true, &status) != 0)
        return -1;
    while (madvise((char *)address + offset, length, MADV_REMOVE) != 0)
        if (errno != EINTR && errno != EAGAIN) {
            int code = errno;
            return error_set(code, "%s of memory cannot be given back to the system: %s",
                             error_size(text, length), strerror(code));
        }
    return 0;
}

static int sysv_describe(const struct shmpool_object *object,
                         struct shmpool_description *description)
{
    struct shmid_ds status;
    if (check(object, false, &status) != 0)
        return -1;
    *description = (struct shmpool_description){
        .size = segment_size(&status),
        .uid = status.shm_perm.uid,
        .gid = status.shm_perm.gid,
        .mode = status.shm_perm.mode & 0777,
    };
    return 0;
}

static int sysv_restrict_access(struct shmpool_object *object)
{
    object->reserved[WRITABLE] = 0;
    return 0;
}

/* The page that holds it and the caller's mapping are attached here. */
static int sysv_alone(struct shmpool_object *object)
{
    struct shmid_ds status;
    if (check(object, true, &status) != 0)
        return -1;
    if (status.shm_nattch <= 2)
        return 0;
    return error_set(EBUSY, "somebody uses the System V segment %d", id_of(object));
}

static int refuse_missing(int id)
{
    return error_set(ENOENT, "the System V segment %d is not there", id);
}

/* The id alone came over: what it stands for now is looked at, as for a name. */
static int sysv_adopt(struct shmpool_object *object)
{
    struct shmid_ds status;
    const struct shmpool_object given = *object;
    bool readonly = given.reserved[WRITABLE] == 0;
    int id = id_of(&given);
    init(object);
    if (is_other_namespace(&given) || segment_status(id, &status) != 0)
        return refuse_missing(id);
    if (!directory_trusts(&status.shm_perm, readonly))
        return error_set(EACCES, "the System V segment %d belongs to user %u", id,
                         (unsigned)status.shm_perm.cuid);
    if (segment_size(&status) == 0)
        return error_set(EUCLEAN, "the System V segment %d is no pool", id);
    if (hold(object, id, key_held(&given), segment_size(&status),
             readonly ? SHMPOOL_MAP_RDONLY : 0) == 0)
        return 0;
    return segment_is_gone(errno) ? refuse_missing(id)
                                  : refuse_hold(errno, id, segment_size(&status));
}

const struct shmpool_backend backend_sysv = {
    .version = SHMPOOL_BACKEND_VERSION,
    .capabilities = SHMPOOL_BACKEND_NAMES | SHMPOOL_BACKEND_PERSISTENT | SHMPOOL_BACKEND_COMMIT |
                    SHMPOOL_BACKEND_SEALED,
    .name = "sysv",
    .place = "System V shared memory",
    .create = sysv_create,
    .publish = sysv_publish,
    .open = sysv_open,
    .unlink = sysv_unlink,
    .map = sysv_map,
    .unmap = sysv_unmap,
    .commit = sysv_commit,
    .discard = sysv_discard,
    .describe = sysv_describe,
    .restrict_access = sysv_restrict_access,
    .close = sysv_close,
    .adopt = sysv_adopt,
    .list = inventory_list,
    .alone = sysv_alone,
    .remove_unfinished = abandoned_remove,
};
