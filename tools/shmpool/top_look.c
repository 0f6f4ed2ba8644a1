#include "top_look.h"

#include <bsd/string.h>
#include <shmpool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "memory.h"
#include "pools.h"

double look_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- the child's side: rows and their spots, one after the other, on stdout ---- */

struct spots {
    struct spot *all;
    size_t n;
    size_t room;
};

static int keep_block(const struct shmpool_run *run, void *arg)
{
    struct spots *spots = arg;
    if (run->kind != SHMPOOL_BLOCK)
        return 0;
    if (spots->n == spots->room) {
        size_t room = spots->room * 2 + 64;
        struct spot *more = reallocarray(spots->all, room, sizeof *more);
        if (more == NULL)
            return 1;
        spots->all = more;
        spots->room = room;
    }
    uint64_t owner = (uint64_t)run->process << 2 | run->ownership;
    spots->all[spots->n++] = (struct spot){run->page, (uint64_t)run->pages << 24 | owner};
    return 0;
}

struct reading {
    shmpool_id pool;
    struct row *row;
    struct spots spots;
};

static void read_figures(void *arg)
{
    struct shmpool_stats stats;
    struct reading *reading = arg;
    struct row *row = reading->row;
    if (shmpool_stats(reading->pool, &stats) != 0 ||
        shmpool_runs(reading->pool, keep_block, &reading->spots) != 0)
        return;
    row->has_figures = true;
    row->size = stats.total;
    row->used = stats.total - stats.free;
    row->blocks = stats.blocks;
    row->members = stats.members;
}

/* A pool whose memory is not there has no figures; the others have. */
static void look_into(const struct seen *seen, struct reading *reading)
{
    reading->pool = pools_is_sound(seen) ? shmpool_inspect(seen->listed.handle) : -1;
    if (reading->pool < 0)
        return;
    memory_outlasts(read_figures, reading);
    shmpool_release(reading->pool);
}

static void write_row(const struct seen *seen)
{
    struct row row = {
        .state = seen->listed.state, .device = seen->listed.device, .inode = seen->listed.inode};
    strlcpy(row.name, pools_shown(seen), sizeof row.name);
    strlcpy(row.backend, seen->listed.backend, sizeof row.backend);
    if (seen->listed.handle != NULL)
        strlcpy(row.handle, seen->listed.handle, sizeof row.handle);
    struct reading reading = {.row = &row};
    look_into(seen, &reading);
    row.n_spots = reading.spots.n;
    fwrite(&row, sizeof row, 1, stdout);
    if (reading.spots.n > 0)
        fwrite(reading.spots.all, sizeof reading.spots.all[0], reading.spots.n, stdout);
    free(reading.spots.all);
}

static int write_rows(const void *arg)
{
    struct pools pools;
    (void)arg;
    if (pools_read(&pools, false) != 0)
        return EXIT_FAILURE;
    for (size_t i = 0; i < pools.n; i++)
        write_row(&pools.all[i]);
    return EXIT_SUCCESS;
}

/* ---- the program's side ---- */

int look_start(struct look *look, struct child *child)
{
    *look = (struct look){.moment = look_now()};
    return child_start(child, write_rows, NULL);
}

/* A child that was ended in the middle may have written half a row. */
static void parse(struct look *look, size_t size)
{
    const char *at = look->bytes;
    const char *end = at + size;
    while ((size_t)(end - at) >= sizeof(struct row)) {
        struct row row;
        memcpy(&row, at, sizeof row);
        at += sizeof row;
        if (row.n_spots > (size_t)(end - at) / sizeof(struct spot))
            return;
        row.spots = (const struct spot *)(const void *)at;
        at += row.n_spots * sizeof(struct spot);
        struct row *more = reallocarray(look->rows, look->n + 1, sizeof *more);
        if (more == NULL)
            return;
        look->rows = more;
        more[look->n++] = row;
    }
}

static bool is_same(const struct spot *a, const struct spot *b)
{
    return a->page == b->page && a->what == b->what;
}

/* Blocks that are in one of the looks only; one in both that is another now counts once. */
static size_t count_changes(const struct row *before, const struct row *now)
{
    size_t changes = 0;
    size_t i = 0;
    size_t k = 0;
    while (i < before->n_spots && k < now->n_spots) {
        const struct spot *old = &before->spots[i];
        const struct spot *new = &now->spots[k];
        changes += !is_same(old, new);
        i += old->page <= new->page;
        k += new->page <= old->page;
    }
    return changes + (before->n_spots - i) + (now->n_spots - k);
}

static void compare(struct row *row, const struct look *before, double seconds)
{
    for (size_t i = 0; i < before->n; i++) {
        const struct row *old = &before->rows[i];
        if (old->device != row->device || old->inode != row->inode ||
            strcmp(old->backend, row->backend) != 0 || !old->has_figures || seconds <= 0)
            continue;
        row->rate = (double)count_changes(old, row) / seconds;
        row->has_rate = true;
        return;
    }
}

/* The first line that the child wrote to stderr, or how it ended. */
static void explain(struct look *look, const struct child *child, int status)
{
    if (child->err.size > 0) {
        size_t size = sizeof look->failure;
        size = child->err.size < size ? child->err.size + 1 : size;
        strlcpy(look->failure, child->err.bytes, size);
        look->failure[strcspn(look->failure, "\n")] = '\0';
    } else if (WIFSIGNALED(status)) {
        snprintf(look->failure, sizeof look->failure, "the look ended by signal %d",
                 WTERMSIG(status));
    }
}

void look_finish(struct look *look, struct child *child, struct look *before)
{
    int status = child_status(child);
    look->took = look_now() - look->moment;
    look->bytes = child->out.bytes;
    child->out.bytes = NULL;
    parse(look, child->out.size);
    explain(look, child, status);
    for (size_t i = 0; i < look->n; i++)
        if (look->rows[i].has_figures)
            compare(&look->rows[i], before, look->moment - before->moment);
    child_free(child);
    look_free(before);
}

void look_free(struct look *look)
{
    free(look->rows);
    free(look->bytes);
    *look = (struct look){.n = 0};
}

/* ---- order ---- */

static enum sort_key sort_key;
static bool sort_is_reversed;

static double figure_of(const struct row *row)
{
    switch (sort_key) {
    case BY_FILL:
        return row->size > 0 ? (double)row->used / (double)row->size : 0;
    case BY_USED:
        return (double)row->used;
    case BY_SIZE:
        return (double)row->size;
    case BY_BLOCKS:
        return (double)row->blocks;
    case BY_MEMBERS:
        return (double)row->members;
    case BY_RATE:
        return row->rate;
    case BY_STATE:
        return (double)row->state;
    case BY_NAME:
        break;
    }
    return 0;
}

static int in_order(const void *a, const void *b)
{
    const struct row *left = a;
    const struct row *right = b;
    double difference = figure_of(right) - figure_of(left);
    int order = (difference > 0) - (difference < 0);
    if (order == 0)
        order = strcmp(left->name, right->name);
    return sort_is_reversed ? -order : order;
}

void look_sort(struct look *look, enum sort_key key, bool is_reversed)
{
    sort_key = key;
    sort_is_reversed = is_reversed;
    if (look->n > 0)
        qsort(look->rows, look->n, sizeof look->rows[0], in_order);
}
