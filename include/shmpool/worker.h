/* Workers: processes of the family that start with exactly the pools they were granted.
 *
 * A worker ID names a worker in every process of the family until its result is taken by
 * shmpool_join. Workers may create pools and start workers. A plain fork(2) also works: its child
 * inherits everything and is no worker.
 *
 * For processes of the same user the grants keep out accidents, not attackers: docs/architecture.md
 * says what it takes to make them a security boundary. */
#ifndef SHMPOOL_WORKER_H
#define SHMPOOL_WORKER_H

#include <shmpool/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t shmpool_worker; /* worker ID, > 0 */

/* What a worker may use. Opening a pool by its name is no matter of grants: the system's rights to
 * the object decide. */
struct shmpool_grant {
    shmpool_id pool;
    unsigned flags; /* SHMPOOL_RDONLY, or 0 for full use */
};

struct shmpool_start_options {
    const struct shmpool_grant
        *inherit;         /* NULL: every pool of the starter, as the starter has it */
    size_t n_inherit;     /* length of inherit; NULL with more than 0: EINVAL */
    unsigned flags;       /* SHMPOOL_DIE_WITH_STARTER */
    uint64_t reserved[8]; /* zero */
};

/* As shmpool_start_options.inherit, with n_inherit 0: the worker starts without any pool. */
extern const struct shmpool_grant shmpool_inherit_none[1];
#define SHMPOOL_INHERIT_NONE shmpool_inherit_none

enum {
    SHMPOOL_DIE_WITH_STARTER =
        1 /* SIGKILL for the worker when the starting thread's process ends */
};

/* Starts a worker: a fork that runs run(arg), whose value & 0xff is the exit status.
 * Limits: 4096 workers that run or are not joined yet. options NULL: every pool is inherited.
 * Ownership: arg and all private memory are the child's own copy, as with fork(2). The result waits
 *   for shmpool_join.
 * Processes: stdio is flushed first. Of pools that are not granted the child has neither mapping
 *   nor descriptor; the program's own descriptors stay. A read-only grant is mapped from a
 *   read-only descriptor: writes fault, alloc and free give EROFS, mprotect(2) cannot undo it. May
 *   be called from a process with many threads: before run the child makes system calls only. The
 *   worker ends by _exit(2) after flushing stdio: atexit handlers do not run. A SIGCHLD reaches the
 *   starter as with fork(2); only the worker's own pid is ever waited for.
 * Errors: EINVAL (run NULL, flag, reserved field, list NULL with a length, a pool granted twice),
 *   EBADF (an ID in the list; a descriptor the grant needs was closed by the program), EACCES (a
 *   pool that this process lacks), EROFS (full use granted of a pool that is read-only here),
 *   EMFILE (4096 workers; or no descriptor is left to read the worker's start time with), ENFILE,
 *   EAGAIN and ENOMEM of fork(2). */
shmpool_worker shmpool_start(int (*run)(void *), void *arg,
                             const struct shmpool_start_options *options);

/* Starts a worker that is another program: execve(2) of path in a child. A program that uses this
 * library has its grants from its first call on (shmpool_self, say), under their IDs, at their
 * addresses; how it is linked makes no difference.
 * Limits: as shmpool_start. path as it is, PATH is not searched. envp NULL: the caller's
 *   environment; SHMPOOL_LETTER is added, or replaced. The program makes its first call before it
 *   forks: its children are no workers before that.
 * Ownership: all arguments are copied. The result waits for shmpool_join.
 * Processes: returns when the program has been executed: what hinders that is this call's failure
 *   and leaves nothing. Of the library's descriptors the program is left those of the granted pools
 *   (for reading only: one that cannot write), of the family's registry and mailbox, close-on-exec
 *   again from its first call on; the program's own descriptors stay as with execve(2). A granted
 *   pool whose address is occupied in the program, or on a backend that the program has not
 *   registered yet, is mapped when a call asks for it and nothing hinders it any more: until then
 *   calls with its ID give EADDRINUSE (the sentence names what is there) or EINVAL.
 *   SHMPOOL_DIE_WITH_STARTER holds for programs that are linked with this library. A set-user-ID
 *   program is started, and is no part of the family. Fork handlers (pthread_atfork) do not run.
 * Threads: other threads' forks wait meanwhile.
 * Signals: as posix_spawn(3), caught ones get their default, the mask stays.
 * Errors: those of shmpool_start, EINVAL also for path or argv NULL, EBADF also where the program
 *   closed a descriptor that the other program needs; ENOENT, EACCES, ENOEXEC, E2BIG and what else
 *   execve(2) says; ENOTSUP (the backend of a pool cannot hand it over), ENOSPC (RLIMIT_FSIZE is a
 *   few KiB), ENFILE.
 * Source: execve(2). */
shmpool_worker shmpool_spawn(const char *path, char *const argv[], char *const envp[],
                             const struct shmpool_start_options *options);

/* Waits for a worker and takes its result.
 * Units: milliseconds; -1 waits for ever, 0 looks only. wait_status is as waitpid(2) gives it; NULL
 *   is allowed.
 * Ownership: the first join takes the result and ends the worker's ID.
 * Processes: any process of the family may join any worker. When the starter is gone or somebody
 *   else reaped the worker, its own status is known if it returned from run, or is a spawned
 *   program that uses this library and ended by exit(3). Any other gives the status of SIGKILL, and
 *   shmpool_errmsg says that the signal is not known; so also where the starter has not reaped the
 *   worker yet and this process may not look into it (it is another user's). Pools of this process
 *   are recovered.
 * Errors: EAGAIN (timeout 0 and it runs), ETIMEDOUT, EBADF (no such worker, or joined already),
 *   EINVAL (timeout below -1), EDEADLK (a worker that joins itself), EMFILE, ENFILE (no descriptor
 *   to watch the worker with). */
int shmpool_join(shmpool_worker worker, int *wait_status, int timeout_ms);

/* Sends a signal to a worker, by pidfd: a re-used process ID is never hit. Signal 0 only looks.
 * Errors: ESRCH (it ended), EINVAL (no such signal), EPERM (it changed its user), EBADF (no such
 *   worker, or joined already), EMFILE, ENFILE (no descriptor to reach it with), ENOTSUP (the
 *   kernel has no pidfds, and the worker is not this process's own).
 * Source: pidfd_send_signal(2). */
int shmpool_kill(shmpool_worker worker, int signal);

/* The worker's process ID; -1 on error: never hand that to kill(2).
 * Errors: EBADF (no such worker, or joined already). */
pid_t shmpool_worker_pid(shmpool_worker worker);

/* The calling process's own worker ID; 0 outside of a worker, also in a plain fork of one. */
shmpool_worker shmpool_self(void);

#ifdef __cplusplus
}
#endif

#endif
