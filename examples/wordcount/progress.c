#include "progress.h"

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

enum { BAR_WIDTH = 40 };
static const double patience = 1.0; /* seconds */

struct progress progress_begin(uint64_t bytes)
{
    struct progress progress = {.bytes = bytes, .terminal = isatty(STDERR_FILENO)};
    clock_gettime(CLOCK_MONOTONIC, &progress.began);
    return progress;
}

double progress_seconds(const struct progress *progress)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - progress->began.tv_sec) +
           (double)(now.tv_nsec - progress->began.tv_nsec) / 1e9;
}

void progress_show(struct progress *progress, double done)
{
    static const char full[] = "########################################";
    static_assert(sizeof full == BAR_WIDTH + 1, "the bar is that wide");
    double seconds = progress_seconds(progress);
    if (!progress->terminal || seconds < patience)
        return;
    fprintf(stderr, "\r[%-*.*s] %3.0f %%  %.0f MB/s ", BAR_WIDTH, (int)(done * BAR_WIDTH), full,
            done * 100, done * (double)progress->bytes / 1e6 / seconds);
    progress->shown = true;
}

void progress_erase(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}
