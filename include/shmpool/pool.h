/* Pools, the blocks in them, and looking inside.
 *
 * Words. A page is the system's page (sysconf(_SC_PAGESIZE)). A block is a run of pages handed out
 * by one allocation. All sizes are bytes and count usable pages only; the pool's own tables come on
 * top. A resource ID names a pool in every process of a family: a process and all processes forked
 * or spawned from it after its first call into this library.
 *
 * Threads: every function may be called by any number of threads and processes at once.
 * Signals: a handler that interrupts a call of its own thread gets EDEADLK from functions that
 * allocate, free, publish, recover or reclaim, and nothing has changed; elsewhere a handler may
 * call alloc, free, size_at and of in a pool that its thread has used before. A thread's first call
 * in a pool takes its place there and is not async-signal-safe. Forks: after any kind of fork the
 * child is a member of its own; one that is forked in a handler that interrupted a call must not
 * return from the handler. Stack: no call takes more than 32 KiB, and what the functions of an own
 * backend take; a handler's alternate stack needs as much. Death: a process killed inside any of
 * these calls costs the others nothing (docs/protocol.md).
 *
 * Errors of every function that takes a resource ID: EBADF (no resource with this ID), EACCES (the
 * pool is not granted to this process, or released here). Of a process's first call: ENOMEM, EAGAIN
 * (no memory or no thread key for what the family shares). Further ones stand at the function;
 * docs/errors.md says what to do about each. */
#ifndef SHMPOOL_POOL_H
#define SHMPOOL_POOL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t shmpool_id; /* resource ID, > 0 */

/* Each function says which of these it takes; any other is EINVAL. */
enum {
    SHMPOOL_COMMIT = 1,    /* all memory is there when create returns, or create fails */
    SHMPOOL_RDONLY = 2,    /* map for reading only, from a read-only descriptor */
    SHMPOOL_ZERO = 4,      /* blocks are zero when handed out */
    SHMPOOL_HUGE = 8,      /* huge pages */
    SHMPOOL_PRIVATE = 16,  /* only inherited: who never had it cannot attach it */
    SHMPOOL_AUTOTRIM = 32, /* freed runs from 2 MiB go back to the system by themselves */
    SHMPOOL_DUMP = 64,     /* the contents belong in core dumps */
    SHMPOOL_KEEP = 128     /* clean-up leaves the pool alone when nobody uses it */
};

/* Options of shmpool_create; all bytes zero means the defaults. */
struct shmpool_options {
    const char *name;     /* NULL: generated as pid-counter-random */
    const char *backend;  /* NULL: $SHMPOOL_BACKEND, else "posix" */
    size_t max_size;      /* room for growth in bytes; 0: size; below size: EINVAL */
    void *address;        /* NULL: the library picks one; else page-aligned */
    unsigned flags;       /* SHMPOOL_COMMIT, _ZERO, _PRIVATE, _AUTOTRIM, _DUMP, _KEEP */
    mode_t mode;          /* permission bits; 0: 0600; exact under any umask */
    uint64_t reserved[8]; /* zero */
};

/* Creates a pool and maps it here, for reading and writing.
 * Units: bytes, 1 up to 32 TiB with the tables, rounded up to whole pages. A name is 1-200 bytes of
 *   A-Z a-z 0-9 . _ - +; one leading slash is allowed and ignored; "." and ".." are no names.
 * Ownership: the pool belongs to the kernel: it outlives the process until it is unlinked (memfd:
 *   until it is unlinked, its last user released it, or the family ended). The strings of options
 *   are copied.
 * Processes: visible to others under its name only when it is complete. The address it gets is
 *   recorded; every other process maps it there. Nothing that is mapped is ever replaced.
 * Errors: EINVAL (size 0, max_size, address, name, flag, _COMMIT with _AUTOTRIM, mode, reserved
 *   field, unknown backend: the sentence lists the known ones), ENAMETOOLONG, EEXIST (the name is
 *   taken; labels of memfd may be the same), EADDRINUSE (options->address is occupied: the sentence
 *   says by what), EPERM (it is below vm.mmap_min_addr), ENOMEM (no memory or address space, or
 *   more than 32 TiB), ENOSPC (SHMPOOL_COMMIT: the file system is full; RLIMIT_FSIZE; sysv: a limit
 *   of the system, which the sentence names), EMFILE (descriptors or the family's table), ENFILE,
 *   ENOTSUP (the system lacks what the backend needs; SHMPOOL_COMMIT: it cannot; _AUTOTRIM: the
 *   backend cannot), EACCES, EROFS, ENOENT (/dev/shm lets nobody write, or it or /proc is not
 *   there), EBADF (the program closed the descriptor meanwhile).
 * Source: shm_open(3), shmget(2), memfd_create(2), MAP_FIXED_NOREPLACE in mmap(2). */
shmpool_id shmpool_create(size_t size, const struct shmpool_options *options);

/* Opens a pool by name at the address recorded in it; a pool that this process has open already
 * gives the same ID again, as it is mapped: for reading only or not.
 * Limits: flags: SHMPOOL_RDONLY. "posix:cache" names the backend; without, $SHMPOOL_BACKEND is
 *   asked, and where that is not set each backend that has names.
 * Ownership: name is copied. shmpool_release ends the use.
 * Processes: recovers after members that died. Objects of other users are refused, except to root
 *   or where the mode lets the caller's group in.
 * Errors: ENOENT (no such pool), EACCES (another user's, or the mode forbids), EADDRINUSE (its
 *   address is occupied here: the sentence says by what), EUCLEAN (damaged, no pool at all, or of
 *   another layout version), EROFS (open here for reading only, or the file system is), ENOTSUP
 *   (the backend has no names), EAGAIN (another process has been about to remove it, as unused, for
 *   a second: it may be stopped), EINVAL, ENAMETOOLONG, EMFILE, ENFILE, ENOMEM, EBADF (the program
 *   closed the descriptor meanwhile). */
shmpool_id shmpool_open(const char *name, unsigned flags);

/* Maps a pool of the family that this process lacks, at its address: one that another process
 * created after this one was forked, or that was released here. Mapped already: success.
 * Limits: flags: SHMPOOL_RDONLY, as for shmpool_open. A worker that was started with a list, and
 *   what descends from it, attaches only what itself or a process that it started created; all
 *   others any pool that is not SHMPOOL_PRIVATE. What this process had and released it attaches
 *   with the rights that it had.
 * Ownership: shmpool_release ends the use.
 * Processes: also after the creator's death. Found by its name, or, on a backend without names,
 *   through the family's mailbox (docs/architecture.md). Recovers after members that died.
 * Errors: EBADF (no such pool in the family; the program closed the descriptor meanwhile), EACCES
 *   (no right to it; another user's, or the mode forbids), EROFS (mapped here for reading only, or
 *   the file system is), ENOENT (unlinked, or gone with its last user), EADDRINUSE (its address is
 *   occupied here: the sentence says by what), EUCLEAN (damaged), ENOTSUP (no name, and not in
 *   reach through the mailbox: the sentence says why), EAGAIN (the mailbox is being read for
 *   seconds: the reader may be stopped), EINVAL (flag; the backend is not registered here), EMFILE,
 *   ENFILE, ENOMEM.
 * Source: SCM_RIGHTS in unix(7). */
int shmpool_attach(shmpool_id pool, unsigned flags);

/* Unmaps the pool in this process and closes its descriptors; removes nothing.
 * Ownership: pointers into the pool end here; blocks stay allocated. The ID stays known: calls with
 *   it give EACCES.
 * Threads: no other thread of the process may use the pool meanwhile. */
int shmpool_release(shmpool_id pool);

/* Removes the pool's name and nothing else: mappings stay, the memory goes with the last one.
 * Processes: any process of the family that has the pool, be it for reading only: the system asks
 *   for rights to the name, not to the contents. memfd: there is no name to remove; the label is
 *   given up and the call succeeds.
 * Errors: ENOENT (unlinked already, or another object has the name), EACCES (another user's),
 *   EAGAIN (another process has been about to remove it for a second, or has its file locked),
 *   EROFS (the file system is read-only). */
int shmpool_unlink(shmpool_id pool);

/* Removes a pool by name, as shmpool_unlink, without opening it. The name as in shmpool_open.
 * Errors: ENOENT (no such name, or what holds it is not a pool), ENOTSUP (the backend has no
 *   names), EACCES (another user's), EAGAIN (as for shmpool_unlink), EINVAL, ENAMETOOLONG, EMFILE,
 *   ENFILE, EROFS. */
int shmpool_unlink_name(const char *name);

/* The name given or generated, without a leading slash.
 * Ownership: the library's; what it returned stays readable for the life of the process, also after
 *   release and unlink. */
const char *shmpool_name(shmpool_id pool);

/* Makes a pool larger: total usable bytes, rounded up to whole pages. Nothing moves.
 * Limits: max_size as given to shmpool_create. A total that is reached already is success.
 * Processes: every process that has the pool mapped can use the new pages at once. One process at a
 *   time grows a pool, the others wait for it; one that dies on the way leaves the pool as it was.
 *   With SHMPOOL_COMMIT the new part is committed before anybody sees it.
 * Errors: EINVAL (more than max_size), ENOSPC (the file system is full; RLIMIT_FSIZE), ENOMEM (the
 *   system has no memory), EROFS, EAGAIN (another process has been growing it for a minute: it may
 *   be stopped), EBADF (the program closed the descriptor), EDEADLK, EMFILE (the pool's tables;
 *   SHMPOOL_COMMIT: no descriptor is left to read the limits of memory with), ENFILE.
 * Source: ftruncate(2), fallocate(2). */
int shmpool_grow(shmpool_id pool, size_t total);

/* Gives the memory of free pages back to the system; the bytes given back, about.
 * Limits: pages go in runs of up to 2 MiB, which nobody can allocate for that moment.
 * Processes: while others work. A page that is allocated again takes memory anew when it is
 *   touched: on a full file system that is SIGBUS.
 * Errors: ENOTSUP (created with SHMPOOL_COMMIT, or the backend or file system cannot), EROFS, EBADF
 *   (the program closed the descriptor), EDEADLK, EMFILE, ENOMEM (a thread's first call).
 * Source: FALLOC_FL_PUNCH_HOLE in fallocate(2). */
ssize_t shmpool_trim(shmpool_id pool);

/* Stores the pool's root: the one pointer by which a later process finds its way in.
 * Limits: any address inside the pool's pages, or NULL to clear. Whether a block lives there is not
 *   looked at.
 * Ownership: the block that holds it counts as shared: shmpool_reclaim leaves it alone.
 * Processes: one atomic step; of several setters one wins.
 * Errors: EEXIST (set already: clear it with NULL first), EINVAL (outside of the pool), EROFS. */
int shmpool_set_root(shmpool_id pool, void *object);

/* The pool's root.
 * Errors: ENOENT (there is none), EUCLEAN (it points out of the pool). */
void *shmpool_root(shmpool_id pool);

/* Allocates a block.
 * Units: bytes, rounded up to whole pages; page-aligned; contents undefined, zero in a pool created
 *   with SHMPOOL_ZERO.
 * Ownership: the calling process owns the block until it is freed by any member or published.
 *   shmpool_reclaim frees what a dead owner left.
 * Processes: lock-free; a block within 32 pages takes no lock and makes no system call. A thread's
 *   first call in a pool takes a member slot.
 * Errors: ENOSPC (no contiguous run of that length, also SIZE_MAX: the sentence names the largest
 *   run and the free total), EINVAL (0), EROFS, EDEADLK, EMFILE (65,533 processes own blocks; or no
 *   descriptor is left at a process's first call), ENOMEM (a thread's first call).
 * Source: docs/protocol.md, ALLOC1 and ALLOCM. */
void *shmpool_alloc(shmpool_id pool, size_t size);

/* As shmpool_alloc, at an address that is a multiple of alignment.
 * Limits: alignment is a power of two; at or below the page size it changes nothing.
 * Errors: EINVAL (not a power of two) besides those of shmpool_alloc. */
void *shmpool_alloc_aligned(shmpool_id pool, size_t alignment, size_t size);

/* Frees a block, whoever allocated it.
 * Limits: block is an address that alloc returned; free never fails for want of a slot.
 * Errors: ENOENT (NULL, not the start of a live block, freed already), EROFS, EDEADLK; EMFILE and
 *   ENOMEM as shmpool_alloc. As with any allocator, two free calls of one block that race can hit
 *   the next owner.
 * Source: docs/protocol.md, FREE1 and FREEM. */
int shmpool_free(shmpool_id pool, void *block);

/* The size in bytes, whole pages, of the block that starts at address.
 * Errors: ENOENT (no live block starts there), EUCLEAN (it reaches beyond the pool's end). */
ssize_t shmpool_size_at(shmpool_id pool, const void *address);

/* Which pool mapped in this process holds the address.
 * Errors: ENOENT (none). */
shmpool_id shmpool_of(const void *address);

/* Links a block and shares it in one step: stores block at *where and takes it out of its owner's
 * hands, so that shmpool_reclaim leaves it alone. Death in between leaves either both or neither.
 * Limits: block is a live block of the pool; where is aligned, inside a pool that is mapped and
 *   writable here, and holds NULL.
 * Ownership: a published block belongs to nobody; whoever unlinks it frees it. It is unlinked after
 *   this call has returned, or after a shmpool_recover that follows the publisher's death: a block
 *   that is unlinked earlier, and whose publisher dies inside this call, may be reclaimed as the
 *   publisher's.
 * Errors: EEXIST (*where is not NULL), ENOENT (no live block), EINVAL (where), EROFS, EDEADLK;
 *   EMFILE and ENOMEM as shmpool_alloc.
 * Source: docs/protocol.md, PUBLISH. */
int shmpool_publish(shmpool_id pool, void *block, void *where);

struct shmpool_stats {
    size_t total;      /* bytes that blocks can take */
    size_t free;       /* bytes in free pages */
    size_t contiguous; /* the largest free run */
    size_t blocks;     /* live blocks, a count */
    size_t max_size;   /* the limit of growth */
    size_t page_size;  /* of the pool */
    size_t metadata;   /* bytes of the object that are not pages of blocks */
    size_t members;    /* member slots taken, a count */
    uint64_t reserved[8];
};

/* A structure and a function of one name, as in stat(2): g++ -Wshadow warns of that. */
#if defined(__cplusplus) && defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif

/* Counts the pool. Exact when nobody is working in it; pages inside an unfinished operation count
 * as taken. Works on a read-only pool.
 * Errors: EINVAL (stats is NULL). */
int shmpool_stats(shmpool_id pool, struct shmpool_stats *stats);

#if defined(__cplusplus) && defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

/* Recomputes the pool and compares: the number of faults found, 0 when it is sound. A line for each
 * fault goes to report, unless that is NULL. Works on a read-only pool and beside members at work:
 * what an unfinished operation explains is no fault. */
int shmpool_check(shmpool_id pool, FILE *report);

/* Writes blocks, owners, free runs and members as text: one line each, in page order.
 * Errors: EINVAL (out is NULL), EIO (writing failed). */
int shmpool_dump(shmpool_id pool, FILE *out);

/* Brings the pool back to order after members that died inside an operation. Also done when a
 * worker is joined, a slot is wanted and none is free, before ENOSPC, and at open.
 * Processes: never waits; what cannot be decided yet stays as it is until the next time.
 * Errors: EROFS, EDEADLK; EMFILE and ENOMEM as shmpool_alloc.
 * Source: docs/protocol.md, RECOVER. */
int shmpool_recover(shmpool_id pool);

/* Frees the blocks that a dead process owned and never shared; the bytes freed.
 * Limits: dead is a process ID in the caller's PID namespace; 0: all processes that are dead. Take
 *   shmpool_worker_pid before shmpool_join, which ends the worker's ID. It does not matter how the
 *   process ended. The block that holds the root stays.
 * Errors: EBUSY (the process lives), EAGAIN (another process is recovering the pool, or what the
 *   dead one left cannot be decided yet), EINVAL (negative), EROFS, EDEADLK; EMFILE and ENOMEM as
 *   shmpool_alloc. A process that owns nothing here, living or not: 0. */
ssize_t shmpool_reclaim(shmpool_id pool, pid_t dead);

/* The sentence of the calling thread's last failure; never NULL, changes only on failure. One line;
 * control characters and bytes that are no UTF-8, in names, are in it as \xNN.
 * Ownership: the library's, one buffer a thread; valid until the thread's next failure or end. */
const char *shmpool_errmsg(void);

/* The library's version as "major.minor.patch". */
const char *shmpool_version(void);

#ifdef __cplusplus
}
#endif

#endif
