/* Looking at the pools of this machine from outside: which there are, in what state, and what is in
 * each of them, run by run and process by process. For tools; a program that uses a pool needs none
 * of this, and <shmpool.h> does not include it.
 *
 * Nothing here but shmpool_collect, which removes what nobody uses, changes a pool, takes a place
 * in one or recovers it, and a pool that is damaged, full or in use can be looked at like any
 * other. What is shown is a look at something that others may change meanwhile: each entry was so
 * at its moment, all of them together perhaps at none.
 *
 * Threads, signals, forks, errors of every function: as in <shmpool/pool.h>. A visitor may call any
 * function of the library. Its value 0 goes on, any other ends the visits and becomes the
 * function's own: choose a positive one. */
#ifndef SHMPOOL_INSPECT_H
#define SHMPOOL_INSPECT_H

#include <shmpool/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum shmpool_state {
    SHMPOOL_LIVE = 1,      /* somebody has it mapped, or holds it */
    SHMPOOL_IDLE,          /* nobody has, and it is kept (SHMPOOL_KEEP) or its family may live */
    SHMPOOL_ORPHAN,        /* nobody has, its family is dead, and it is not kept */
    SHMPOOL_UNFINISHED,    /* not a pool yet; where its maker is dead it will never be one */
    SHMPOOL_DAMAGED,       /* its header is not sound */
    SHMPOOL_OTHER_VERSION, /* of a layout that this library does not know */
    SHMPOOL_UNREADABLE     /* not for this user, or the system refuses to open it */
};

enum shmpool_life {
    SHMPOOL_ALIVE = 1,
    SHMPOOL_DEAD,
    SHMPOOL_LIFE_UNKNOWN /* of another PID namespace, say: it counts as alive */
};

/* An object that is, or may become, a pool. The strings are good during the visit. */
struct shmpool_listed {
    const char *backend;
    const char *name;   /* NULL: it has none, or none that can be read */
    const char *handle; /* what shmpool_inspect takes: "posix:cache", or "memfd:cache@4711" for one
                           that no name leads to, by a process that holds it; NULL: out of reach */
    const char *where;  /* the object in the words of the system's own tools; bytes that are no
                           printable UTF-8, in the names of files, as \xNN */
    const char *wrong;  /* why it is no sound pool that this process can look into; else NULL */
    enum shmpool_state state;
    enum shmpool_life creator_life;
    pid_t creator;       /* in its own PID namespace; 0: not known */
    pid_t holder;        /* one process that holds or maps it, of a pool without a name its creator
                            where that does; 0: none was seen */
    size_t holders;      /* how many processes that map it were seen */
    size_t unseen;       /* how many processes could not be looked into; 0 for root as a rule */
    uid_t uid;           /* the object's owner, */
    gid_t gid;           /* group */
    mode_t mode;         /* and permission bits */
    unsigned flags;      /* as given to shmpool_create; 0 where the header is not sound */
    uint64_t size;       /* bytes of the object, the pool's tables included */
    const void *address; /* where every process maps it; NULL where the header is not sound */
    uint64_t device;     /* device and inode tell the object from all others that are there now */
    uint64_t inode;
    uint64_t reserved[8];
};

/* Calls visit for each pool object that this process may see: of posix those in /dev/shm, of sysv
 * those in the system's list of segments, of memfd, and of posix those that were unlinked and are
 * used still, what processes hold that it may look into, and of the program's own backends what
 * their tables list. An object that many processes hold is visited once.
 * Limits: who maps an object is asked of /proc, and of the system's own count for sysv; processes
 *   that this one may not look into are not seen: `unseen` says how many there are.
 * Processes: opens each object for a moment, for reading only, and reads its first page.
 * Errors: EINVAL (visit is NULL), ENOMEM, EACCES (/proc or /dev/shm cannot be read), ENOENT (there
 *   is no /proc), EMFILE, ENFILE. A look at one object that fails is none: its entry says why.
 * Source: proc(5), SHM_STAT_ANY in shmctl(2). */
int shmpool_list(int (*visit)(const struct shmpool_listed *listed, void *arg), void *arg);

enum { SHMPOOL_PRETEND = 1 }; /* only look whether it would be removed */

/* Removes an object that shmpool_list shows, if it is left over: a pool that no process has open or
 * mapped, of any user and in any namespace, whose creator and all of the creator's family are dead,
 * and that was made without SHMPOOL_KEEP; or an unfinished object whose maker is dead. All of this
 * is looked at anew, and what cannot be decided counts as used. Of the entry backend, name, where,
 * state, device and inode are read.
 * Ownership: the entry and its strings stay the caller's.
 * Processes: whoever opens the pool meanwhile either gets it, and then it stays, or finds it gone.
 *   Who creates one of the name gets EEXIST or the name. Whoever calls this and dies on the way
 *   leaves the pool as it was, or gone. Waits at most some 20 ms for others that look into the
 *   pool, and a second for what the system still has to take down.
 * Errors: EBUSY (it is used, it is kept, or its family may live: the sentence says which), ENOENT
 *   (it is gone, or another has its name), EUCLEAN (no sound pool; of another version), EACCES (not
 *   for this user: its owner and root alone can make sure that nobody uses it), ENOTSUP (memfd:
 *   such pools end with their last user; an own backend that cannot tell; the file system has no
 *   leases), EINVAL (listed or its backend is NULL; a flag), EAGAIN (another process removes it, or
 *   has it locked), ENAMETOOLONG, EROFS, ENOMEM, EMFILE, ENFILE.
 * Source: F_SETLEASE in fcntl(2), shmctl(2), proc_locks(5). */
int shmpool_collect(const struct shmpool_listed *listed, unsigned flags);

/* Opens a pool for reading only, by the handle that shmpool_list gives, or by a name as
 * shmpool_open takes it. "memfd:cache@4711" is the one of that label that process 4711 holds. A
 * visitor of shmpool_list that asks for what it is shown gets that very object.
 * Ownership: shmpool_release ends the use. handle is copied.
 * Errors: those of shmpool_open. */
shmpool_id shmpool_inspect(const char *handle);

enum shmpool_run_kind {
    SHMPOOL_FREE = 1, /* free pages */
    SHMPOOL_BLOCK,    /* one block */
    SHMPOOL_CLAIMED,  /* pages in an unfinished operation */
    SHMPOOL_STRAY     /* damaged: pages of a block without its first page */
};

enum shmpool_ownership {
    SHMPOOL_OWNED = 1, /* by the process of `owner` */
    SHMPOOL_SHARED,    /* by nobody: it was published */
    SHMPOOL_PENDING    /* an operation is unfinished; also of all pages that are not a block's */
};

struct shmpool_run {
    enum shmpool_run_kind kind;
    enum shmpool_ownership ownership;
    pid_t owner;      /* 0: none */
    unsigned process; /* as in shmpool_process, 0: none: tells apart what a process ID does not */
    const void *address;
    size_t page; /* the first one's number */
    size_t pages;
    uint64_t reserved[4];
};

/* Calls visit for each block and each run of free, claimed or stray pages, in page order.
 * Errors: EINVAL (visit is NULL). */
int shmpool_runs(shmpool_id pool, int (*visit)(const struct shmpool_run *run, void *arg),
                 void *arg);

struct shmpool_process {
    unsigned process; /* its number in this pool, from 1 on */
    pid_t pid;        /* in its own PID namespace */
    enum shmpool_life life;
    unsigned threads; /* member slots it has */
    unsigned busy;    /* of these, in the middle of an operation */
    size_t blocks;    /* blocks that it owns */
    size_t pages;     /* and their pages */
    uint64_t reserved[4];
};

/* Calls visit for each process that owns blocks of the pool, has owned some or has threads at work
 * in it, and was not forgotten since. Forgotten is a process that is dead and owns nothing.
 * Errors: EINVAL (visit is NULL), ENOMEM. */
int shmpool_processes(shmpool_id pool,
                      int (*visit)(const struct shmpool_process *process, void *arg), void *arg);

#ifdef __cplusplus
}
#endif

#endif
