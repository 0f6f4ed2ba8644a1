/* A lease on a file: what tells that nobody else has it.
 *
 * The system gives a write lease only while the file has no other open file description and no
 * mapping by one, in any process, of any user and in any namespace; the names that lead to it and
 * descriptors that were closed behind a mapping change nothing. While the lease lasts, whoever
 * opens the file waits, or with O_NONBLOCK gets EWOULDBLOCK; when it does not end, the system takes
 * it away after some time (/proc/sys/fs/lease-break-time).
 *
 * The system tells the holder that somebody waits by SIGIO, which would end the process: it goes to
 * the calling thread, which has it blocked and takes it. Source: fcntl(2). */
#ifndef SHMPOOL_BACKEND_LEASE_H
#define SHMPOOL_BACKEND_LEASE_H

#include <signal.h>

struct lease {
    int fd;
    sigset_t before; /* the thread's signal mask */
    int was_pending; /* a SIGIO that is not ours */
};

/* Takes a lease on a regular file by its only descriptor, which allows writing; what: the file, for
 * sentences. 0, or -1: EBUSY (somebody else has the file), EACCES (another user's), ENOTSUP (this
 * file system has no leases, or they say nothing of mappings, as on overlays). */
int lease_take(struct lease *lease, int fd, const char *what);

/* Ends it; errno stays. */
void lease_drop(struct lease *lease);

/* Takes one and drops it: whether nobody else has the file at this moment. */
int lease_alone(int fd, const char *what);

#endif
