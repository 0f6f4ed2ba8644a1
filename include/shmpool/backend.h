/* The backend contract: how one shared-memory object is made, found, mapped and removed.
 *
 * A backend is a table of functions and capability flags, chosen once per pool when it is created.
 * It knows objects, names and addresses; it knows nothing of what is inside of an object.
 *
 * For every function: success is 0 (map: the address), failure -1 (map: NULL) and errno; a failure
 * leaves nothing behind. Names are checked already: 1-200 bytes of A-Z a-z 0-9 . _ - + and neither
 * "." nor "..". Sizes, offsets and addresses are multiples of the page size. close, unmap,
 * restrict_access and a map that replaces run in a child just forked from a process with many
 * threads: they make system calls and nothing else. */
#ifndef SHMPOOL_BACKEND_H
#define SHMPOOL_BACKEND_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SHMPOOL_BACKEND_VERSION 1

enum shmpool_backend_capability {
    SHMPOOL_BACKEND_NAMES = 1,      /* objects have names: open and unlink find them */
    SHMPOOL_BACKEND_PERSISTENT = 2, /* objects outlive their last user until they are unlinked */
    SHMPOOL_BACKEND_COMMIT = 4,     /* commit is there */
    SHMPOOL_BACKEND_SEALED = 8      /* nobody can take the memory away under the users */
};

enum shmpool_map_flag {
    SHMPOOL_MAP_RDONLY = 1, /* a mapping that nobody can make writable again */
    SHMPOOL_MAP_REPLACE =
        2 /* the range is this object's own mapping: put the new one in its place */
};

/* A process's hold on one object. Copied as bytes into forked children; the pool keeps it, the
 * backend fills it in. */
struct shmpool_object {
    int fd;          /* writable descriptor, or -1 */
    int fd_readonly; /* read-only descriptor, or -1 */
    uint64_t device; /* device and inode tell the object from all others of the machine */
    uint64_t inode;
    uint64_t reserved[2]; /* the backend's own */
};

struct shmpool_description {
    uint64_t size; /* bytes */
    uid_t uid;
    gid_t gid;
    mode_t mode; /* permission bits */
};

struct shmpool_backend {
    unsigned version;      /* SHMPOOL_BACKEND_VERSION */
    unsigned capabilities; /* shmpool_backend_capability */
    const char *name;      /* what SHMPOOL_BACKEND and options->backend say */
    const char *place;     /* where the memory comes from, for sentences: "/dev/shm" */

    /* Makes an object of the given size that reads as zeroes. Nobody finds it by name before
     * publish, or, where publish is NULL, before its first eight bytes are stored. mode is exact.
     */
    int (*create)(struct shmpool_object *object, const char *name, size_t size, mode_t mode);
    /* Gives a complete object its name; EEXIST when the name is taken. NULL: there is no such step.
     */
    int (*publish)(struct shmpool_object *object, const char *name);
    /* Finds an object by name; flags: SHMPOOL_MAP_RDONLY. Refuses what cannot be a pool. NULL
     * without SHMPOOL_BACKEND_NAMES. */
    int (*open)(struct shmpool_object *object, const char *name, unsigned flags);
    /* Removes the name. object: remove it only while it still names that one, else ENOENT; NULL:
     * whatever has the name, if it can be a pool. NULL without SHMPOOL_BACKEND_NAMES. */
    int (*unlink)(const struct shmpool_object *object, const char *name);
    /* Maps length bytes at address, or anywhere when that is NULL. Length may exceed the object.
     * Never over an existing mapping (EEXIST), except as SHMPOOL_MAP_REPLACE says. EBADF when the
     * descriptor it needs is no longer this object's. */
    void *(*map)(const struct shmpool_object *object, void *address, size_t length, unsigned flags);
    int (*unmap)(const struct shmpool_object *object, void *address, size_t length);
    /* Takes the memory of the first size bytes from the system, mapped at address; ENOSPC or ENOMEM
     * when it is not there, never a signal. NULL without SHMPOOL_BACKEND_COMMIT. */
    int (*commit)(const struct shmpool_object *object, void *address, size_t size);
    /* What the system says of the object. EBADF when its descriptor is no longer this object's. */
    int (*describe)(const struct shmpool_object *object, struct shmpool_description *description);
    /* Closes what allows writing; a read-only mapping can still be made. */
    int (*restrict_access)(struct shmpool_object *object);
    /* Closes all that is open, unless the program closed it already. */
    void (*close)(struct shmpool_object *object);

    uint64_t reserved[8]; /* zero */
};

#ifdef __cplusplus
}
#endif

#endif
