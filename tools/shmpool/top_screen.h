/* The screen of top, by curses: the list of pools, or one pool.
 *
 * Curses is known in top_screen.c only. Every screen fits in what the terminal has. */
#ifndef TOP_SCREEN_H
#define TOP_SCREEN_H

#include "top_look.h"

bool screen_begin(void); /* false: the terminal is of a kind that is not known */
void screen_end(void);   /* the terminal as it was; may be called at any time */

/* What a key asks for. */
enum wish {
    WISH_NOTHING, /* no key was pressed */
    WISH_OTHER,   /* one that means nothing */
    WISH_REDRAW,
    WISH_QUIT,
    WISH_UP,
    WISH_DOWN,
    WISH_PAGE_UP,
    WISH_PAGE_DOWN,
    WISH_ENTER,
    WISH_LEAVE,
    WISH_REVERSE,
    WISH_SORT /* and the key to sort by */
};

/* The next key that was pressed; waits for none. */
enum wish screen_wish(void);

int screen_lines(void); /* of the list or of the text, as many as are shown at once */
int screen_columns(void);

struct list_view {
    const struct look *look;
    size_t selected; /* a row */
    size_t first;    /* the one at the top */
    enum sort_key key;
    bool is_reversed;
    double delay;
};
void screen_list(const struct list_view *view);

/* Lines of text about a pool, from that line on. */
void screen_text(const char *title, const char *text, size_t first);

#endif
