/* A line on stderr that shows how far the work is: only on a terminal, and only when it takes
 * longer than a second. */
#ifndef WORDCOUNT_PROGRESS_H
#define WORDCOUNT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct progress {
    uint64_t bytes; /* of the whole work */
    struct timespec began;
    bool terminal;
    bool shown;
};

struct progress progress_begin(uint64_t bytes);

double progress_seconds(const struct progress *progress);

/* done: the part that is done, from 0 to 1. */
void progress_show(struct progress *progress, double done);

/* Makes the line free for others. */
void progress_erase(struct progress *progress);

#endif
