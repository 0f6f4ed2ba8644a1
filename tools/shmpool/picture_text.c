/* The picture on a terminal: two rows of cells in a line of half blocks where there are colours and
 * UTF-8, else a character a cell. */
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "picture.h"

enum { MARGIN = 8 /* of a line, for the offset in bytes */ };

/* Of each class: what stands for it, and its colour out of 256. */
static const char signs[] = {'.', '!', '?', '-', '+', '#', 's', '~', 'x', 'A',
                             'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J'};
static const int colours_of[] = {236, 226, 196, 23,  30,  44, 250, 220, 240, 39,
                                 208, 76,  170, 105, 203, 37, 142, 99,  215};

_Static_assert(sizeof signs == N_CLASSES, "a sign for each class");
_Static_assert(sizeof colours_of / sizeof colours_of[0] == N_CLASSES, "a colour for each class");

struct style {
    size_t width; /* cells of a row */
    bool colours;
    bool halves; /* two rows a line */
    bool utf8;
};

static void print_offset(const struct picture *picture, size_t cell)
{
    struct cell offset;
    cell_number(&offset, cell * picture->pages_a_cell * picture->page_size);
    printf("%*s ", MARGIN - 1, cell_read(&offset, COLUMN_BYTES, false));
}

/* Nothing of a class, -1, stands behind the last cell. */
static int class_at(const struct picture *picture, size_t cell)
{
    return cell < picture->n_cells ? picture->cells[cell] : -1;
}

static void print_half(const char *sign, int upper, int lower)
{
    if (upper >= 0)
        printf("\033[38;5;%dm", colours_of[upper]);
    if (lower >= 0)
        printf("\033[48;5;%dm", colours_of[lower]);
    printf("%s\033[0m", upper >= 0 ? sign : " ");
}

static bool is_used(int class)
{
    return class >= 0 && class != CLASS_FREE && class != CLASS_SOME;
}

/* Without colours halves tell two states apart; what is rare takes the whole character. */
static void print_two(const struct style *style, int upper, int lower)
{
    static const char *const blocks[] = {" ", "\u2584", "\u2580", "\u2588"};
    int rare = upper == CLASS_CLAIMED || upper == CLASS_STRAY ? upper : lower;
    if (style->colours)
        print_half("\u2580", upper, lower);
    else if (rare == CLASS_CLAIMED || rare == CLASS_STRAY)
        putchar(signs[rare]);
    else
        fputs(blocks[is_used(upper) * 2 + is_used(lower)], stdout);
}

static void print_one(const struct style *style, int class)
{
    if (class < 0)
        return;
    if (style->colours)
        printf("\033[38;5;%dm%c\033[0m", colours_of[class], signs[class]);
    else
        putchar(signs[class]);
}

static void print_line(const struct picture *picture, const struct style *style, size_t first)
{
    print_offset(picture, first);
    for (size_t i = first; i < first + style->width && i < picture->n_cells; i++) {
        if (style->halves)
            print_two(style, class_at(picture, i), class_at(picture, i + style->width));
        else
            print_one(style, class_at(picture, i));
    }
    putchar('\n');
}

/* ---- the legend ---- */

static void print_sign(const struct style *style, int class)
{
    if (style->colours && style->utf8)
        printf("\033[38;5;%dm\u2588\033[0m", colours_of[class]);
    else
        print_one(style, class);
}

/* Halves without colours have two signs for all that is not rare. */
static bool is_one_of_two(const struct style *style, int class)
{
    return style->halves && !style->colours && class != CLASS_CLAIMED && class != CLASS_STRAY;
}

static bool is_shown(const struct picture *picture, int class)
{
    for (size_t i = 0; i < picture->n_cells; i++)
        if (picture->cells[i] == class)
            return true;
    return false;
}

static void print_legend(const struct picture *picture, const struct style *style)
{
    char text[64];
    struct cell size;
    cell_number(&size, picture->pages_a_cell * picture->page_size);
    printf("%*scell %s", MARGIN, "", cell_read(&size, COLUMN_BYTES, false));
    if (is_one_of_two(style, CLASS_FULL))
        fputs("  \u2588 half or more in use", stdout);
    for (int class = 0; class < N_CLASSES; class ++) {
        if (!is_shown(picture, class) || is_one_of_two(style, class))
            continue;
        fputs("  ", stdout);
        print_sign(style, class);
        printf(" %s", picture_class(picture, class, text));
    }
    putchar('\n');
}

void picture_text(const struct picture *picture, size_t width, bool colours)
{
    struct style style = {.width = width > MARGIN + 8 ? width - MARGIN : 8, .colours = colours};
    style.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    style.halves = style.utf8 && (colours || !picture->by_owner);
    size_t step = style.width * (style.halves ? 2 : 1);
    for (size_t first = 0; first < picture->n_cells; first += step)
        print_line(picture, &style, first);
    print_legend(picture, &style);
}
