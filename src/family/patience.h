/* How long a call goes on trying what others may make possible any moment: a number of tries, and
 * of seconds of this thread's own processor time. A loaded machine does not use these up, damaged
 * tables, in which every try takes long, do. */
#ifndef SHMPOOL_FAMILY_PATIENCE_H
#define SHMPOOL_FAMILY_PATIENCE_H

#include <time.h>

enum { PATIENCE_TRIES = 1000, PATIENCE_SECONDS = 1 };

struct patience {
    int tries;
    struct timespec start;
};

static inline struct patience patience_begin(void)
{
    struct patience patience = {.tries = 0};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &patience.start);
    return patience;
}

/* Whether there is another try. */
static inline int patience_lasts(struct patience *patience)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return patience->tries++ < PATIENCE_TRIES &&
           now.tv_sec - patience->start.tv_sec <= PATIENCE_SECONDS;
}

/* The same, after a millisecond in which others may do it. */
static inline int patience_naps(struct patience *patience)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    return patience_lasts(patience) && (nanosleep(&nap, NULL), 1);
}

#endif
