/* Work done in a child that the kernel ends in place of this process when memory runs out.
 *
 * The child offers itself (oom_score_adj 1000), so whoever makes the kernel look for a victim while
 * the work is done, the child goes first and nobody else is hurt. It holds some memory of its own,
 * the ballast, which its end gives back: the caller goes on even where the work took all the rest.
 *
 * The program does not notice: the child sends no SIGCHLD and is invisible to wait(2) and
 * waitpid(2) without __WALL, runs no fork handlers, has the program's other descriptors closed, and
 * ends with its parent. */
#ifndef SHMPOOL_BACKEND_VICTIM_H
#define SHMPOOL_BACKEND_VICTIM_H

#include <stddef.h>

/* What victim_run returns besides the work's own 0 or errno. */
enum {
    VICTIM_ENDED = -1, /* a signal ended it: out of memory, or somebody's SIGKILL */
    VICTIM_NONE = -2   /* no child can be had, or the kernel may prefer others, so nothing was done;
                          or the program took the child's status, and nobody knows what was done */
};

/* Runs work(arg) in a child and waits for it. The work makes system calls only, with all signals
 * blocked, and may be done again; it returns 0 or an errno and needs no descriptor but keep_fd (-1:
 * none). ballast: bytes. Here signals are handled as ever; they neither end the wait nor the work.
 */
int victim_run(int (*work)(const void *arg), const void *arg, int keep_fd, size_t ballast);

#endif
