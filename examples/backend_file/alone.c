#include "alone.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "hold.h"

static int code_of(int failed)
{
    if (failed == 0)
        return 0;
    return errno == EAGAIN ? EBUSY : errno == EINVAL || errno == ENOLCK ? ENOTSUP : errno;
}

static bool is_overlay(int fd)
{
    struct statfs status;
    return fstatfs(fd, &status) == 0 && status.f_type == OVERLAYFS_SUPER_MAGIC;
}

/* Who opens the file while the lease is there waits, of which the system tells the thread by SIGIO:
 * it is held back and taken. */
int alone_check(struct shmpool_object *object)
{
    const struct f_owner_ex self = {F_OWNER_TID, gettid()};
    const struct timespec at_once = {0};
    struct stat status;
    sigset_t ours, before, pending;
    hold_close_readonly(object);
    if (hold_check(object, object->fd, &status) != 0)
        return -1;
    if (is_overlay(object->fd)) {
        errno = ENOTSUP;
        return -1;
    }
    sigemptyset(&ours);
    sigaddset(&ours, SIGIO);
    pthread_sigmask(SIG_BLOCK, &ours, &before);
    sigpending(&pending);
    int code = code_of(fcntl(object->fd, F_SETOWN_EX, &self) != 0 ||
                       fcntl(object->fd, F_SETLEASE, F_WRLCK) != 0);
    if (code == 0)
        fcntl(object->fd, F_SETLEASE, F_UNLCK);
    if (!sigismember(&pending, SIGIO))
        sigtimedwait(&ours, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = code;
    return code == 0 ? 0 : -1;
}
