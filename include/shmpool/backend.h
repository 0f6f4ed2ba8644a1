/* The backend contract: how one shared-memory object is made, found, mapped and removed.
 *
 * A backend is a table of functions and capability flags, chosen once per pool when it is created.
 * It knows objects, names and addresses; of what is inside of an object it knows how a complete one
 * begins, and nothing else. The library's own backends keep to this contract too. docs/backends.md
 * tells how to write one.
 *
 * What holds for every function of a table:
 * Results: 0 (map: the address), or -1 (map: NULL) and errno. A failure leaves nothing behind and
 *   the object without descriptors. The library makes the sentence from errno, name and place.
 *   Every errno goes to the program as it is, but for 0 and EINTR, for signals are waited out
 *   inside and what comes out all the same becomes EIO, and for EAGAIN of map, a limit of locked
 *   memory, which becomes ENOMEM. A broken promise (map at another address, an object without
 *   identity or smaller than it was made) is ENOTSUP.
 * Units: sizes, lengths and addresses are bytes and multiples of the page size; a size is at most
 *   32 TiB. Where the system has a larger unit (hugetlbfs), the backend rounds up by itself, in
 *   create, map and unmap alike.
 * Names: checked already: 1-200 bytes of A-Z a-z 0-9 . _ - + and neither "." nor "..".
 * Ownership: arguments belong to the caller and end with the call.
 * Threads: any number at once, for different objects; for one object map, describe and commit may
 *   meet, close and restrict_access meet nothing. publish, commit, resize, discard and list run
 *   without the process's lock, and the visitor of list may call any function of this library. All
 *   others may run under it: none of these may call the library or wait for another process.
 * Forks: a child has what memory and descriptors a fork gives it, the registered tables too.
 *   unmap, close, restrict_access and a map that replaces also run in a child just forked from a
 *   process with many threads: they make system calls and nothing else, no malloc, no stdio.
 * Signals: the process may die at any instruction; what is not published then must vanish by
 *   itself, or be known for what it is. No function is called from a signal handler.
 * Errors with a meaning to the library: EEXIST, ENOENT and ENOSPC as they stand below; of a map at
 *   a new address also EINVAL, EPERM and ENOMEM make it try another one. */
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
    SHMPOOL_BACKEND_NAMES = 1,       /* objects have names: open and unlink find them */
    SHMPOOL_BACKEND_PERSISTENT = 2,  /* objects outlive their last user until they are unlinked */
    SHMPOOL_BACKEND_COMMIT = 4,      /* commit is there */
    SHMPOOL_BACKEND_SEALED = 8,      /* nobody can take the memory away under the users */
    SHMPOOL_BACKEND_DESCRIPTORS = 16 /* an object is held by descriptors */
};

enum shmpool_map_flag {
    SHMPOOL_MAP_RDONLY = 1, /* a mapping that nobody can make writable again */
    SHMPOOL_MAP_REPLACE =
        2 /* the range is this object's own mapping: put the new one in its place */
};

/* A complete object begins with these eight bytes, the terminating zero included. They are stored
 * last: an object that begins with zeroes is unfinished. Its name, zero-terminated, is found
 * SHMPOOL_OBJECT_NAME bytes behind its start. */
#define SHMPOOL_OBJECT_MAGIC "shmpool"
enum { SHMPOOL_OBJECT_NAME = 208, SHMPOOL_OBJECT_NAME_SIZE = 208 };

/* A process's hold on one object. create and open fill it in, from bytes of any value; the pool
 * keeps it and hands it to every later call. Copied as bytes, into forked children too, so it holds
 * no pointer to itself. Nothing but the backend reads it, except device and inode. */
struct shmpool_object {
    int fd;          /* writable descriptor, or -1 */
    int fd_readonly; /* read-only descriptor, or -1 */
    uint64_t device; /* device and inode tell the object from all others that are there now, the */
    uint64_t inode;  /* same in every process; not both 0 */
    uint64_t reserved[4]; /* the backend's own */
};

struct shmpool_description {
    uint64_t size; /* bytes; at least what create was asked for */
    uid_t uid;
    gid_t gid;
    mode_t mode; /* permission bits */
};

/* An object as list finds it. The strings are good during the visit. */
struct shmpool_found {
    const char *name;  /* the pool's; NULL: none that can be read */
    const char *where; /* the object, as the system's own tools name it */
    int nameless;      /* open does not find it by its name: it was removed, or there are none */
    pid_t holder;      /* nameless: a process that has a descriptor of it; 0: not known */
    pid_t maker;       /* who made it by the system's word; 0: the system does not say */
    int64_t mappings;  /* how many there are by the system's count; -1: it keeps none */
    uint64_t device;   /* as in shmpool_object */
    uint64_t inode;
    struct shmpool_description description;
};

struct shmpool_backend {
    unsigned version;      /* SHMPOOL_BACKEND_VERSION */
    unsigned capabilities; /* shmpool_backend_capability */
    const char *name;      /* what SHMPOOL_BACKEND and options->backend say; 1-31 bytes as above */
    const char *place;     /* where the memory comes from, for sentences: "/dev/shm"; 1-255 bytes */

    /* Makes an object of the given size that reads as zeroes and can have up to max_size later; one
     * that cannot change its size has max_size at once. Memory is taken when it is touched.
     * Limits: mode is exact from publish on, under any umask.
     * Processes: nobody opens it by name before its first eight bytes are stored, which is done
     *   just before publish.
     * Errors: EEXIST (the name is taken: publish decides, but this saves work in vain), ENOSPC,
     *   EMFILE. Descriptors are close-on-exec and out of the way of low numbers: above 100.
     * Source: O_TMPFILE in open(2), umask(2), RLIMIT_FSIZE in setrlimit(2): beyond it ftruncate is
     *   a signal that kills. */
    int (*create)(struct shmpool_object *object, const char *name, size_t size, size_t max_size,
                  mode_t mode);
    /* Gives a complete object its name and its exact mode, in one step. Without
     * SHMPOOL_BACKEND_NAMES: NULL; with it NULL says that there is no such step.
     * Errors: EEXIST (the name is taken: whoever has it keeps it, never replace).
     * Source: link(2); rename(2) replaces. */
    int (*publish)(struct shmpool_object *object, const char *name);
    /* Finds an object by name. NULL without SHMPOOL_BACKEND_NAMES.
     * Limits: flags: SHMPOOL_MAP_RDONLY: nothing in the object may allow writing.
     * Processes: refuses what cannot be a pool and never waits for it: whoever can write to the
     *   place may have put a FIFO, a link or another user's file there.
     * Errors: ENOENT (no such name), EUCLEAN (it cannot be a pool), EACCES (not for this user).
     * Source: O_NOFOLLOW and O_NONBLOCK in open(2), fifo(7). */
    int (*open)(struct shmpool_object *object, const char *name, unsigned flags);
    /* Removes the name; mappings stay. NULL without SHMPOOL_BACKEND_NAMES.
     * Limits: object: remove the name only while it still stands for that one; NULL: whatever has
     *   the name, if it is a pool: every complete one begins with the bytes "shmpool" and a zero.
     * Processes: several may remove a name at once, and create another object of that name: none
     *   takes away what got it meanwhile. Never waits: EAGAIN is tried again for about a second.
     * Errors: ENOENT (no such name, another object's, or no pool), EACCES (not for this user),
     *   EAGAIN (somebody else is at it). Source: flock(2), on an open file of one's own. */
    int (*unlink)(const struct shmpool_object *object, const char *name);
    /* Maps the first length bytes at address, shared, or anywhere when that is NULL.
     * Limits: length may exceed the object, which may grow later, up to max_size. Exactly at
     *   address or not at all.
     * Processes: with SHMPOOL_MAP_RDONLY neither mprotect nor madvise can undo it; of files only a
     *   descriptor opened for reading gives that.
     * Errors: EEXIST (something is mapped in the range; never over it, except as
     *   SHMPOOL_MAP_REPLACE says), EBADF (what it needs is no longer this object's, a descriptor
     *   for example).
     * Source: MAP_FIXED_NOREPLACE in mmap(2); Linux before 4.17 takes its address as a hint. */
    void *(*map)(const struct shmpool_object *object, void *address, size_t length, unsigned flags);
    /* Ends such a mapping, with its address and length. Needs no descriptor. */
    int (*unmap)(const struct shmpool_object *object, void *address, size_t length);
    /* Takes the memory of the first size bytes from the system, mapped at address. NULL without
     * SHMPOOL_BACKEND_COMMIT.
     * Ownership: what was taken before a failure stays with the object. Contents are kept.
     * Signals: a lack is an error, never SIGBUS or SIGXFSZ.
     * Errors: ENOSPC or ENOMEM (it is not there; for ENOSPC the sentence has the figures of the
     *   file system behind fd), EBADF. Source: fallocate(2), MADV_POPULATE_WRITE in madvise(2). */
    int (*commit)(const struct shmpool_object *object, void *address, size_t size);
    /* Makes the object larger: size bytes, up to max_size. NULL: it has max_size from the start.
     * Limits: one that is larger already stays so, never smaller.
     * Processes: every mapping shows the new part at once. The library lets one process at a time
     *   do it, and lets the next one go on when that died on the way.
     * Errors: ENOSPC, EBADF (as for map). Source: ftruncate(2), RLIMIT_FSIZE in setrlimit(2). */
    int (*resize)(const struct shmpool_object *object, size_t size);
    /* Gives memory back to the system: length bytes from offset on, in an object that is mapped at
     * address. They read as zeroes afterwards, and a store takes memory anew. NULL: ENOTSUP.
     * Threads, processes: other parts of the object are in use meanwhile.
     * Errors: EBADF (as for map), ENOTSUP (this file system cannot).
     * Source: FALLOC_FL_PUNCH_HOLE in fallocate(2), MADV_REMOVE in madvise(2). */
    int (*discard)(const struct shmpool_object *object, void *address, size_t offset,
                   size_t length);
    /* What the system says of the object. Errors: EBADF (as for map). */
    int (*describe)(const struct shmpool_object *object, struct shmpool_description *description);
    /* Closes what allows writing; a read-only mapping can still be made. Again: success. */
    int (*restrict_access)(struct shmpool_object *object);
    /* Gives up the hold: closes all that is open, unless the program closed it already or uses the
     * number for another file: fstat tells. Unmaps nothing. What this process created and did not
     * publish is removed, but not in a child of it. Again: nothing happens. */
    void (*close)(struct shmpool_object *object);
    /* Makes a hold good that another process had: object has the bytes that it has there, but for
     * descriptors, which are this process's own by now and open; a program started by exec and one
     * that attaches a pool without a name get it so. NULL: with SHMPOOL_BACKEND_DESCRIPTORS there
     * is nothing to do, without it ENOTSUP.
     * Processes: the bytes may come from somebody hostile: what they say is looked at. Device and
     *   inode are compared by the library, before with the descriptors and with what is expected.
     * Errors: EUCLEAN (it cannot be such an object), ENOENT (it is gone), EACCES. */
    int (*adopt)(struct shmpool_object *object);
    /* Calls visit for each object of this backend that is there, sound or not, opened by nobody or
     * by many, until a visit returns something else than 0, which is the result then; 0 at the end.
     * NULL: the backend cannot tell, and shmpool_list leaves its pools out.
     * Limits: holder: 0, or a process: then nobody asks for other objects than such as this process
     *   holds and no name leads to, and other ones may be left out to save work.
     * Processes: objects come and go meanwhile. What cannot be a pool is passed over and never
     *   waited for; what this user may not open is visited too.
     * Errors: EACCES (the place cannot be read). Source: readdir(3). */
    int (*list)(pid_t holder, int (*visit)(const struct shmpool_found *found, void *arg),
                void *arg);
    /* Whether nobody but the caller holds or maps the object, any process of any user and any
     * namespace counted: 0, else -1 and EBUSY. The caller has opened it for writing just before and
     * has one mapping of it, made by map; all that it still does with the object is unmap, unlink,
     * close and this. NULL: the system cannot tell, and shmpool_collect leaves its pools alone.
     * Limits: what allows reading only may be closed on the way.
     * Processes: never waits. Who opens the object at the same time either is seen here or begins
     *   after the end of the call.
     * Errors: EBUSY, EACCES (not for this user), ENOTSUP (this file system cannot tell), EBADF.
     * Source: F_SETLEASE in fcntl(2), shm_nattch in shmctl(2). */
    int (*alone)(struct shmpool_object *object);
    /* Removes an object that list finds and that has no first eight bytes or no name yet, if nobody
     * can finish it any more: its maker is dead, and nobody holds it. With pretend: only looks
     * whether it would. NULL: shmpool_collect leaves such objects alone.
     * Errors: EBUSY (its maker may live), ENOENT (there is none of that device and inode that is
     *   unfinished), EACCES (not for this user). */
    int (*remove_unfinished)(uint64_t device, uint64_t inode, int pretend);

    uint64_t reserved[4]; /* zero */
};

/* Makes a backend selectable by its name: in options->backend, in SHMPOOL_BACKEND, and as the
 * prefix of names ("file:cache").
 * Limits: 16 backends a process besides the library's own.
 * Ownership: table, name and place are copied; the functions stay in reach for the life of the
 *   process (a plugin that has them is never unloaded). There is no way back.
 * Threads: any number at once. Processes: forked children have it; after exec, and in programs that
 *   are not forked, it is registered again before a pool on it is created or opened. Not for signal
 *   handlers.
 * Errors: EINVAL (the sentence names the member at fault), ENOTSUP (a table of another version),
 *   EEXIST (the name is the library's or another table's; the very same table again: success),
 *   EMFILE (16 are registered), ENOMEM. */
int shmpool_backend_register(const struct shmpool_backend *backend);

#ifdef __cplusplus
}
#endif

#endif
