#include "backend/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

static void signal_set(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGIO);
}

static void hold_signal_back(struct lease *lease)
{
    sigset_t ours, pending;
    signal_set(&ours);
    pthread_sigmask(SIG_BLOCK, &ours, &lease->before);
    sigpending(&pending);
    lease->was_pending = sigismember(&pending, SIGIO);
}

static void let_signal_go(const struct lease *lease)
{
    const struct timespec at_once = {0};
    sigset_t ours;
    signal_set(&ours);
    if (!lease->was_pending)
        sigtimedwait(&ours, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &lease->before, NULL);
}

static bool is_unknown(int code)
{
    return code == EINVAL || code == EOPNOTSUPP || code == ENOLCK;
}

static int refuse(int code, const char *what)
{
    if (code == EAGAIN)
        return error_set(EBUSY, "somebody uses %s", what);
    if (code == EACCES)
        return error_set(EACCES,
                         "%s belongs to another user: only its owner and root can make sure "
                         "that nobody uses it",
                         what);
    return error_set(is_unknown(code) ? ENOTSUP : code,
                     "the system does not tell whether somebody uses %s: %s", what, strerror(code));
}

/* What is mapped there is the file below, of whose users the one above knows nothing. */
static bool is_overlay(int fd)
{
    struct statfs status;
    return fstatfs(fd, &status) == 0 && status.f_type == OVERLAYFS_SUPER_MAGIC;
}

int lease_take(struct lease *lease, int fd, const char *what)
{
    const struct f_owner_ex self = {F_OWNER_TID, gettid()};
    *lease = (struct lease){.fd = fd};
    if (is_overlay(fd))
        return refuse(EOPNOTSUPP, what);
    hold_signal_back(lease);
    if (fcntl(fd, F_SETOWN_EX, &self) == 0 && fcntl(fd, F_SETLEASE, F_WRLCK) == 0)
        return 0;
    int code = errno;
    let_signal_go(lease);
    return refuse(code, what);
}

void lease_drop(struct lease *lease)
{
    int code = errno;
    fcntl(lease->fd, F_SETLEASE, F_UNLCK);
    let_signal_go(lease);
    errno = code;
}

int lease_alone(int fd, const char *what)
{
    struct lease lease;
    if (lease_take(&lease, fd, what) != 0)
        return -1;
    lease_drop(&lease);
    return 0;
}
