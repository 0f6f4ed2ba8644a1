#include "crash/storm_post.h"

#include <signal.h>

#include "support/child.h"

bool post_start(struct post *post, bool by_plain_fork, int (*work)(void *arg), void *arg)
{
    const struct shmpool_start_options options = {.flags = SHMPOOL_DIE_WITH_STARTER};
    post->worker = by_plain_fork ? 0 : shmpool_start(work, arg, &options);
    post->pid = by_plain_fork ? child_start(work, arg) : shmpool_worker_pid(post->worker);
    return post->worker >= 0;
}

bool post_signal(const struct post *post, int number)
{
    if (post->worker == 0)
        return kill(post->pid, number) == 0; /* not reaped yet, so the pid is its own */
    return shmpool_kill(post->worker, number) == 0;
}

bool post_join(const struct post *post, int *status)
{
    if (post->worker != 0)
        return shmpool_join(post->worker, status, -1) == 0;
    *status = child_wait(post->pid);
    return true;
}
