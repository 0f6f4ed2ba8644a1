#include "top_text.h"

#include <bsd/libutil.h>
#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "pools.h"

enum { BAR = 10 };

struct figure {
    char text[24];
};

/* In at most four characters. */
static struct figure figure(uint64_t number, int flags)
{
    struct figure figure = {"?"};
    humanize_number(figure.text, 5, number < INT64_MAX ? (int64_t)number : INT64_MAX, "",
                    HN_AUTOSCALE, HN_DECIMAL | HN_NOSPACE | flags);
    return figure;
}

static struct figure bytes(uint64_t number)
{
    return figure(number, HN_B);
}

static struct figure count(uint64_t number)
{
    return figure(number, HN_DIVISOR_1000);
}

/* A rate below one still shows. */
static struct figure rate(const struct row *row)
{
    struct figure rate = {"-"};
    if (!row->has_rate)
        return rate;
    if (row->rate >= 9.95)
        return count((uint64_t)(row->rate + 0.5));
    if (row->rate > 0)
        snprintf(rate.text, sizeof rate.text, "%.1f", row->rate < 0.1 ? 0.1 : row->rate);
    else
        strlcpy(rate.text, "0", sizeof rate.text);
    return rate;
}

/* What is used at all shows, and what is not full does not look so. */
static struct figure bar(const struct row *row)
{
    struct figure bar = {"[..........]"};
    double share = row->size > 0 ? (double)row->used / (double)row->size : 0;
    int filled = (int)(share * BAR + 0.5);
    if (filled == 0 && row->used > 0)
        filled = 1;
    if (filled == BAR && row->used < row->size)
        filled = BAR - 1;
    memset(bar.text + 1, '#', (size_t)filled);
    return bar;
}

/* Cuts what is too long for its column, and says so by a plus. */
static struct figure cut(const char *text, size_t width)
{
    struct figure cut;
    snprintf(cut.text, sizeof cut.text, "%.*s%s", (int)(strlen(text) > width ? width - 1 : width),
             text, strlen(text) > width ? "+" : "");
    return cut;
}

static struct line line_of(const char *name, size_t width, const char *rest)
{
    struct line line;
    bool is_long = strlen(name) > width;
    snprintf(line.text, sizeof line.text, "%-*.*s%s %s", (int)(is_long ? width - 1 : width),
             (int)(is_long ? width - 1 : width), name, is_long ? "+" : "", rest);
    return line;
}

struct line text_heading(size_t name_width)
{
    char rest[80];
    snprintf(rest, sizeof rest, "%-7s %-12s %4s %4s %6s %4s %6s %s", "BACKEND", "FILL", "USED",
             "SIZE", "BLOCKS", "MEMB", "CHG/S", "STATE");
    return line_of("NAME", name_width, rest);
}

struct line text_row(const struct row *row, size_t name_width)
{
    char rest[240];
    const char *state = pools_state(row->state);
    struct figure backend = cut(row->backend, 7);
    if (row->has_figures)
        snprintf(rest, sizeof rest, "%-7s %s %4s %4s %6s %4s %6s %s", backend.text, bar(row).text,
                 bytes(row->used).text, bytes(row->size).text, count(row->blocks).text,
                 count(row->members).text, rate(row).text, state);
    else
        snprintf(rest, sizeof rest, "%-7s %-12s %4s %4s %6s %4s %6s %s", backend.text, "", "", "",
                 "", "", "", state);
    return line_of(row->name, name_width, rest);
}

struct line text_summary(const struct look *look)
{
    struct line line;
    uint64_t size = 0;
    uint64_t used = 0;
    size_t live = 0;
    for (size_t i = 0; i < look->n; i++) {
        live += look->rows[i].state == SHMPOOL_LIVE;
        size += look->rows[i].has_figures ? look->rows[i].size : 0;
        used += look->rows[i].has_figures ? look->rows[i].used : 0;
    }
    snprintf(line.text, sizeof line.text, "%zu pool%s, %zu live, %s of %s used", look->n,
             look->n == 1 ? "" : "s", live, bytes(used).text, bytes(size).text);
    return line;
}
