/* What top knows of the pools: a look at all of them, and what changed since the look before.
 *
 * Members of a pool count nothing, so there is no number of operations to be read. What is counted
 * is blocks that came, went or changed hands between two looks: a block that was freed and
 * allocated again in between is the same block. So it is a lower bound. */
#ifndef TOP_LOOK_H
#define TOP_LOOK_H

#include <shmpool/inspect.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "top_child.h"

/* A block: where it begins, and its length and owner in one number. */
struct spot {
    uint64_t page;
    uint64_t what;
};

/* A pool. */
struct row {
    char name[240];
    char backend[32];
    char handle[280]; /* "" where it has none */
    enum shmpool_state state;
    bool has_figures; /* the next ones */
    bool has_rate;
    uint64_t size;
    uint64_t used;
    uint64_t blocks;
    uint64_t members;
    double rate; /* blocks that changed in a second */
    uint64_t device;
    uint64_t inode;
    uint64_t n_spots;
    const struct spot *spots; /* in the order of pages */
};

struct look {
    struct row *rows;
    size_t n;
    double moment; /* of its beginning, in seconds */
    double took;
    char *bytes;       /* what the child wrote: the spots are here */
    char failure[240]; /* why it is no complete look; "": it is one */
};

/* Begins a look. 0, or -1 after a word. */
int look_start(struct look *look, struct child *child);

/* Makes the look out of what the child has written until its end, and frees the child. before: the
 * look before this one; it is freed. */
void look_finish(struct look *look, struct child *child, struct look *before);

void look_free(struct look *look);

enum sort_key { BY_NAME, BY_FILL, BY_USED, BY_SIZE, BY_BLOCKS, BY_MEMBERS, BY_RATE, BY_STATE };

/* Orders the rows: names upwards, figures downwards; is_reversed: the other way round. */
void look_sort(struct look *look, enum sort_key key, bool is_reversed);

double look_now(void); /* of the clock that moments are read from */

#endif
