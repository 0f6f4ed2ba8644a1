#include "picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"

/* ---- owners ---- */

static bool owns_more(const struct shmpool_process *a, const struct shmpool_process *b)
{
    return a->pages > b->pages;
}

/* Keeps those of most pages, in order. */
static int rank_owner(const struct shmpool_process *process, void *arg)
{
    struct picture *picture = arg;
    size_t place = picture->n_owners;
    if (process->pages == 0)
        return 0;
    while (place > 0 && owns_more(process, &picture->owners[place - 1]))
        place--;
    if (place == OWNERS_MOST)
        return 0;
    if (picture->n_owners < OWNERS_MOST)
        picture->n_owners++;
    memmove(&picture->owners[place + 1], &picture->owners[place],
            (picture->n_owners - 1 - place) * sizeof picture->owners[0]);
    picture->owners[place] = *process;
    return 0;
}

static int class_of_owner(const struct picture *picture, const struct shmpool_run *run)
{
    for (size_t i = 0; i < picture->n_owners; i++)
        if (picture->owners[i].process == run->process)
            return CLASS_OWNER + (int)i;
    return CLASS_OTHERS;
}

/* ---- cells ---- */

struct taking {
    struct picture *picture;
    unsigned (*counts)[N_CLASSES]; /* pages of each class in each cell */
};

static int class_of_run(const struct picture *picture, const struct shmpool_run *run)
{
    if (run->kind == SHMPOOL_FREE)
        return CLASS_FREE;
    if (run->kind == SHMPOOL_CLAIMED)
        return CLASS_CLAIMED;
    if (run->kind == SHMPOOL_STRAY)
        return CLASS_STRAY;
    if (!picture->by_owner)
        return CLASS_FULL;
    if (run->ownership == SHMPOOL_SHARED)
        return CLASS_SHARED;
    return run->ownership == SHMPOOL_PENDING ? CLASS_PENDING : class_of_owner(picture, run);
}

/* The pool may have grown since its pages were counted. */
static int count_run(const struct shmpool_run *run, void *arg)
{
    struct taking *taking = arg;
    struct picture *picture = taking->picture;
    int class = class_of_run(picture, run);
    size_t end = run->page + run->pages;
    end = end < picture->pages ? end : picture->pages;
    for (size_t page = run->page, next; page < end; page = next) {
        size_t cell = page / picture->pages_a_cell;
        next = (cell + 1) * picture->pages_a_cell;
        next = next < end ? next : end;
        taking->counts[cell][class] += (unsigned)(next - page);
        picture->pages_of[class] += next - page;
    }
    return 0;
}

static unsigned char most_of(const unsigned counts[N_CLASSES])
{
    int most = CLASS_FREE;
    for (int class = CLASS_FREE + 1; class < N_CLASSES; class ++)
        if (counts[class] > 0 && (counts[class] >= counts[most] || counts[most] == 0))
            most = class;
    return (unsigned char)most;
}

/* What is rare and matters is shown wherever it is. */
static unsigned char class_of_cell(const struct picture *picture, const unsigned counts[N_CLASSES])
{
    unsigned used = counts[CLASS_FULL];
    if (counts[CLASS_STRAY] > 0)
        return CLASS_STRAY;
    if (counts[CLASS_CLAIMED] > 0)
        return CLASS_CLAIMED;
    if (picture->by_owner)
        return most_of(counts);
    if (used == 0)
        return CLASS_FREE;
    if (counts[CLASS_FREE] == 0)
        return CLASS_FULL;
    return used >= counts[CLASS_FREE] ? CLASS_MOST : CLASS_SOME;
}

static int fill(struct picture *picture, shmpool_id pool)
{
    struct taking taking = {picture, calloc(picture->n_cells, sizeof *taking.counts)};
    picture->cells = calloc(picture->n_cells, 1);
    if (taking.counts == NULL || picture->cells == NULL) {
        say("no memory for a picture of %zu cells", picture->n_cells);
        free(taking.counts);
        return -1;
    }
    shmpool_runs(pool, count_run, &taking);
    for (size_t i = 0; i < picture->n_cells; i++)
        picture->cells[i] = class_of_cell(picture, taking.counts[i]);
    free(taking.counts);
    return 0;
}

int picture_take(struct picture *picture, shmpool_id pool, bool by_owner, size_t most_cells)
{
    struct shmpool_stats stats;
    *picture = (struct picture){.by_owner = by_owner, .pages_a_cell = 1};
    if (shmpool_stats(pool, &stats) != 0 ||
        (by_owner && shmpool_processes(pool, rank_owner, picture) != 0)) {
        say_failure();
        return -1;
    }
    picture->page_size = stats.page_size;
    picture->pages = stats.total / stats.page_size;
    while (picture->pages / picture->pages_a_cell > most_cells)
        picture->pages_a_cell *= 2;
    picture->n_cells = (picture->pages + picture->pages_a_cell - 1) / picture->pages_a_cell;
    return fill(picture, pool);
}

void picture_end(struct picture *picture)
{
    free(picture->cells);
    picture->cells = NULL;
}

const char *picture_class(const struct picture *picture, int class, char text[64])
{
    static const char *const names[] = {
        [CLASS_FREE] = "free",           [CLASS_CLAIMED] = "claimed",   [CLASS_STRAY] = "damaged",
        [CLASS_SOME] = "less than half", [CLASS_MOST] = "half or more", [CLASS_FULL] = "in use",
        [CLASS_SHARED] = "shared",       [CLASS_PENDING] = "pending",   [CLASS_OTHERS] = "others"};
    if (class < CLASS_OWNER)
        return names[class];
    const struct shmpool_process *owner = &picture->owners[class - CLASS_OWNER];
    snprintf(text, 64, "%d%s", (int)owner->pid, owner->life == SHMPOOL_DEAD ? " (dead)" : "");
    return text;
}
