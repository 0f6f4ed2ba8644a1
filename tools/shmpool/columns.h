/* What tables are made of: columns, and the value that a row has in each.
 *
 * A list of columns serves a table, one pool's page of all values, and --output and --help. */
#ifndef COLUMNS_H
#define COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum column_kind { COLUMN_TEXT, COLUMN_BYTES, COLUMN_COUNT };

struct column {
    const char *name; /* NULL: the end of the list */
    enum column_kind kind;
    bool is_usual;
    const char *does;
};

/* A letter of a name as JSON and completion have it, whatever the locale's small letters are. */
char column_small(char letter);

/* A value; empty where there is none. */
struct cell {
    bool is_there;
    uint64_t number;
    char text[1100];
};

void cell_text(struct cell *cell, const char *text);
void cell_number(struct cell *cell, uint64_t number);

/* Stores what row has in that column. */
typedef void cell_of(const void *row, size_t column, struct cell *cell);

/* The value as people read it: a size as 1.5M, unless bytes. "" where it is empty. */
const char *cell_read(struct cell *cell, enum column_kind kind, bool bytes);

enum { COLUMNS_MOST = 40 };

struct choice {
    size_t column[COLUMNS_MOST];
    size_t n;
};

/* The columns that --output asks for: its list, or with a plus in front the usual ones and its
 * list; NULL: the usual ones, or all. Refuses a name that is not there. */
struct choice columns_choose(const struct column *columns, const char *output, bool all);

/* The columns of pools, of ls and stat; and of their processes, of who. */
extern const struct column pool_columns[];
extern const struct column who_columns[];

#endif
