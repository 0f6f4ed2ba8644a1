/* A pool as a picture: its pages in the order of reading, some of them in each cell.
 *
 * What a cell shows is a class: of state (free, partly used, ...) or of owner. The picture is made
 * here; picture_text.c and picture_svg.c draw it. */
#ifndef PICTURE_H
#define PICTURE_H

#include <shmpool.h>
#include <shmpool/inspect.h>
#include <stdbool.h>
#include <stdio.h>

/* The classes of a picture by state, and then those by owner alone. */
enum {
    CLASS_FREE,
    CLASS_CLAIMED,
    CLASS_STRAY,
    CLASS_SOME, /* fewer than half of the cell's pages are in use */
    CLASS_MOST, /* half or more */
    CLASS_FULL,
    CLASS_SHARED,
    CLASS_PENDING, /* a block that nobody owns yet */
    CLASS_OTHERS,  /* of a process that has no class of its own */
    CLASS_OWNER,   /* the first process with one: that of most pages */
    OWNERS_MOST = 10,
    N_CLASSES = CLASS_OWNER + OWNERS_MOST
};

struct picture {
    size_t pages;
    size_t page_size;
    size_t pages_a_cell;
    size_t n_cells;
    unsigned char *cells; /* a class each */
    bool by_owner;
    size_t n_owners;
    struct shmpool_process owners[OWNERS_MOST];
    size_t pages_of[N_CLASSES]; /* exact, whatever the cells show; those of states are of pages */
};

/* Looks at the pool: at most most_cells cells of a power of two of pages. 0, or -1 after a word. */
int picture_take(struct picture *picture, shmpool_id pool, bool by_owner, size_t most_cells);

void picture_end(struct picture *picture);

/* The class's name, for a legend. */
const char *picture_class(const struct picture *picture, int class, char text[64]);

/* Draws it for a terminal of that width; colours: whether to use them. */
void picture_text(const struct picture *picture, size_t width, bool colours);

/* Draws it as SVG; name: the pool's. */
void picture_svg(const struct picture *picture, const char *name, FILE *out);

#endif
