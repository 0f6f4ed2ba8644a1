/* The picture as SVG: a square for each cell, those of one class beside each other as one. */
#include "columns.h"
#include "picture.h"

enum { ACROSS = 128, SQUARE = 6, MARGIN = 16, LINE = 18, LEGEND = 150 };

static const char *const fills[] = {"#eceff1", "#ffeb3b", "#d50000", "#b2dfdb", "#4db6ac",
                                    "#00796b", "#78909c", "#ffb300", "#bdbdbd", "#1e88e5",
                                    "#fb8c00", "#43a047", "#8e24aa", "#5e6ad2", "#e53935",
                                    "#00acc1", "#9e9d24", "#6d4c41", "#f06292"};

_Static_assert(sizeof fills / sizeof fills[0] == N_CLASSES, "a colour for each class");

static size_t rows_of(const struct picture *picture)
{
    return (picture->n_cells + ACROSS - 1) / ACROSS;
}

static void draw_row(const struct picture *picture, size_t row, size_t top, FILE *out)
{
    size_t end = (row + 1) * ACROSS < picture->n_cells ? (row + 1) * ACROSS : picture->n_cells;
    for (size_t cell = row * ACROSS, next; cell < end; cell = next) {
        for (next = cell + 1; next < end && picture->cells[next] == picture->cells[cell]; next++)
            ;
        fprintf(out, "<rect x=\"%zu\" y=\"%zu\" width=\"%zu\" height=\"%d\" fill=\"%s\"/>\n",
                MARGIN + cell % ACROSS * SQUARE, top + row * SQUARE, (next - cell) * SQUARE, SQUARE,
                fills[picture->cells[cell]]);
    }
}

static bool is_shown(const struct picture *picture, int class)
{
    for (size_t i = 0; i < picture->n_cells; i++)
        if (picture->cells[i] == class)
            return true;
    return false;
}

/* How many lines it takes; draws only where there is a file. */
static size_t draw_legend(const struct picture *picture, size_t top, FILE *out)
{
    char text[64];
    const size_t in_line = ACROSS * SQUARE / LEGEND;
    size_t n = 0;
    for (int class = 0; class < N_CLASSES; class ++) {
        if (!is_shown(picture, class))
            continue;
        size_t x = MARGIN + n % in_line * LEGEND;
        size_t y = top + n / in_line * LINE;
        n++;
        if (out != NULL)
            fprintf(out,
                    "<rect x=\"%zu\" y=\"%zu\" width=\"10\" height=\"10\" fill=\"%s\"/>"
                    "<text x=\"%zu\" y=\"%zu\">%s</text>\n",
                    x, y, fills[class], x + 15, y + 9, picture_class(picture, class, text));
    }
    return (n + in_line - 1) / in_line;
}

static void draw_title(const struct picture *picture, const char *name, FILE *out)
{
    struct cell size, cell;
    cell_number(&size, picture->pages * picture->page_size);
    cell_number(&cell, picture->pages_a_cell * picture->page_size);
    fprintf(out, "<text x=\"%d\" y=\"%d\" font-weight=\"bold\">%s: %s, %s a square</text>\n",
            MARGIN, MARGIN + 10, name, cell_read(&size, COLUMN_BYTES, false),
            cell_read(&cell, COLUMN_BYTES, false));
}

void picture_svg(const struct picture *picture, const char *name, FILE *out)
{
    size_t top = MARGIN + LINE;
    size_t bottom = top + rows_of(picture) * SQUARE + MARGIN / 2;
    size_t height = bottom + draw_legend(picture, bottom, NULL) * LINE + MARGIN / 2;
    size_t width = ACROSS * SQUARE + 2 * MARGIN;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %zu %zu\" width=\"%zu\" "
            "height=\"%zu\" font-family=\"sans-serif\" font-size=\"11\" fill=\"#263238\">\n"
            "<rect width=\"%zu\" height=\"%zu\" fill=\"#ffffff\"/>\n",
            width, height, width, height, width, height);
    draw_title(picture, name, out);
    fputs("<g shape-rendering=\"crispEdges\">\n", out);
    for (size_t row = 0; row < rows_of(picture); row++)
        draw_row(picture, row, top, out);
    fputs("</g>\n", out);
    draw_legend(picture, bottom, out);
    fputs("</svg>\n", out);
}
