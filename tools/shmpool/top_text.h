/* The lines of top, for its screen and for --batch. */
#ifndef TOP_TEXT_H
#define TOP_TEXT_H

#include <stddef.h>

#include "top_look.h"

struct line {
    char text[400];
};

/* name_width: of the first column; longer names are cut. */
struct line text_heading(size_t name_width);
struct line text_row(const struct row *row, size_t name_width);

/* All pools in a sentence. */
struct line text_summary(const struct look *look);

enum {
    TEXT_BESIDES_NAME = 62,
    NAME_LEAST = 8,
    NAME_MOST = sizeof(((struct row *)NULL)->name) - 1 /* so a line has room for it */
};

#endif
