#include "top_screen.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>

#include "top_text.h"

enum { HEAD = 2, FOOT = 1 };
enum { PAIR_GOOD = 1, PAIR_BAD };

static bool has_screen;
static bool has_pairs;

bool screen_begin(void)
{
    const char *no = getenv("NO_COLOR");
    if (newterm(NULL, stdout, stdin) == NULL)
        return false;
    if (cursor_address == NULL) {
        endwin();
        return false;
    }
    has_screen = true;
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    curs_set(0);
    set_escdelay(25);
    has_pairs = has_colors() && (no == NULL || no[0] == '\0') && start_color() == OK &&
                use_default_colors() == OK && init_pair(PAIR_GOOD, COLOR_GREEN, -1) == OK &&
                init_pair(PAIR_BAD, COLOR_RED, -1) == OK;
    return true;
}

void screen_end(void)
{
    if (has_screen) {
        move(LINES - 1, 0); /* where the screen stays, what follows begins on an empty line */
        clrtoeol();
        refresh();
        endwin();
    }
    has_screen = false;
}

int screen_lines(void)
{
    return LINES > HEAD + FOOT ? LINES - HEAD - FOOT : 1;
}

int screen_columns(void)
{
    return COLS;
}

/* ---- keys ---- */

enum wish screen_wish(void)
{
    switch (getch()) {
    case ERR:
        return WISH_NOTHING;
    case 'q':
        return WISH_QUIT;
    case KEY_UP:
    case 'k':
        return WISH_UP;
    case KEY_DOWN:
    case 'j':
        return WISH_DOWN;
    case KEY_PPAGE:
        return WISH_PAGE_UP;
    case KEY_NPAGE:
        return WISH_PAGE_DOWN;
    case KEY_ENTER:
    case '\n':
    case '\r':
        return WISH_ENTER;
    case 27:
    case KEY_LEFT:
    case KEY_BACKSPACE:
        return WISH_LEAVE;
    case 'r':
        return WISH_REVERSE;
    case 'n':
        return WISH_SORT + BY_NAME;
    case 'f':
        return WISH_SORT + BY_FILL;
    case 'u':
        return WISH_SORT + BY_USED;
    case 's':
        return WISH_SORT + BY_SIZE;
    case 'b':
        return WISH_SORT + BY_BLOCKS;
    case 'm':
        return WISH_SORT + BY_MEMBERS;
    case 'c':
        return WISH_SORT + BY_RATE;
    case 't':
        return WISH_SORT + BY_STATE;
    case KEY_RESIZE:
    case '\f':
        return WISH_REDRAW;
    }
    return WISH_OTHER;
}

/* ---- drawing ---- */

/* A line in the width of the screen; the rest of it is empty. */
static void put(int y, const char *text, attr_t attributes)
{
    attrset((int)attributes);
    mvaddnstr(y, 0, text, COLS); /* what is longer would go on in the next line */
    if (attributes & A_REVERSE)
        for (int x = getcurx(stdscr); getcury(stdscr) == y && x > 0 && x < COLS; x++)
            addch(' ');
    attrset((int)A_NORMAL);
}

static attr_t colour_of(const struct row *row)
{
    bool is_bad = row->state != SHMPOOL_LIVE && row->state != SHMPOOL_IDLE;
    if (!has_pairs)
        return A_NORMAL;
    if (is_bad)
        return (attr_t)COLOR_PAIR(PAIR_BAD);
    return row->state == SHMPOOL_LIVE ? (attr_t)COLOR_PAIR(PAIR_GOOD) : A_NORMAL;
}

static size_t name_width(void)
{
    if (COLS > TEXT_BESIDES_NAME + NAME_MOST)
        return NAME_MOST;
    return COLS > TEXT_BESIDES_NAME + NAME_LEAST ? (size_t)(COLS - TEXT_BESIDES_NAME) : NAME_LEAST;
}

static void put_summary(const struct list_view *view)
{
    static const char *const keys[] = {
        [BY_NAME] = "name",    [BY_FILL] = "fill",     [BY_USED] = "used",
        [BY_SIZE] = "size",    [BY_BLOCKS] = "blocks", [BY_MEMBERS] = "members",
        [BY_RATE] = "changes", [BY_STATE] = "state"};
    struct line line = text_summary(view->look);
    size_t length = strlen(line.text);
    if (view->look->failure[0] != '\0')
        snprintf(line.text, sizeof line.text, "%s", view->look->failure);
    else
        snprintf(line.text + length, sizeof line.text - length, "; by %s%s, every %.3g s",
                 keys[view->key], view->is_reversed ? " reversed" : "", view->delay);
    put(0, line.text, A_BOLD);
}

void screen_list(const struct list_view *view)
{
    erase();
    put_summary(view);
    put(1, text_heading(name_width()).text, A_REVERSE);
    for (int i = 0; i < screen_lines() && view->first + (size_t)i < view->look->n; i++) {
        const struct row *row = &view->look->rows[view->first + (size_t)i];
        bool is_selected = view->first + (size_t)i == view->selected;
        put(HEAD + i, text_row(row, name_width()).text,
            colour_of(row) | (is_selected ? A_REVERSE : A_NORMAL));
    }
    put(LINES - 1, "Sort: n f u s b m c t, r reverses   Enter: look into   q: quit", A_BOLD);
    refresh();
}

void screen_text(const char *title, const char *text, size_t first)
{
    erase();
    put(0, title, A_BOLD);
    int y = 1;
    while (y < LINES - FOOT && text[0] != '\0') {
        int length = (int)strcspn(text, "\n");
        if (first > 0)
            first--;
        else
            mvaddnstr(y++, 0, text, length);
        text += length + (text[length] == '\n');
    }
    put(LINES - 1, "Up, down: scroll   Escape: back to the list   q: quit", A_BOLD);
    refresh();
}
