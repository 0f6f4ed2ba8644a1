/* A family's mark is found among many locks, also while others come and go: a living family is
 * never taken for a dead one, and a dead one is not taken for alive. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "family/mark.h"
#include "family/process.h"
#include "support/child.h"

enum { N_MARKS = 64 /* more than the system hands out at once */, N_LOOKS = 6000, N_BUSY = 2 };

static int make_object(uint64_t *inode)
{
    struct stat status;
    int fd = memfd_create("marks", MFD_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0)
        exit(EXIT_FAILURE);
    *inode = status.st_ino;
    return fd;
}

/* Locks and unlocks until it is killed. */
static _Noreturn int be_busy(void *unused)
{
    uint64_t inode;
    int fd = make_object(&inode);
    (void)unused;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (true) {
        fcntl(fd, F_SETLK, &(struct flock){.l_type = F_WRLCK});
        fcntl(fd, F_SETLK, &(struct flock){.l_type = F_UNLCK});
    }
}

int main(void)
{
    uint64_t marks[N_MARKS], none;
    pid_t busy[N_BUSY];
    int n_dead = 0;
    if (process_begin() != 0)
        return EXIT_FAILURE;
    for (int i = 0; i < N_MARKS; i++)
        if (mark_set(make_object(&marks[i])) != 0)
            return EXIT_FAILURE;
    make_object(&none);
    for (int i = 0; i < N_BUSY; i++)
        busy[i] = child_start(be_busy, NULL);
    for (int i = 0; i < N_LOOKS; i++)
        n_dead += mark_is_dead(marks[i % N_MARKS]);
    int missed = !mark_is_dead(none);
    for (int i = 0; i < N_BUSY; i++) {
        kill(busy[i], SIGKILL);
        child_wait(busy[i]);
    }
    printf("crash/marks: looks=%d taken for dead=%d, the dead one for alive=%d\n", N_LOOKS, n_dead,
           missed);
    return n_dead == 0 && !missed ? EXIT_SUCCESS : EXIT_FAILURE;
}
