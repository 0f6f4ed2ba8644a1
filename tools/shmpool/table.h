/* Tables for people and for programs: rows under headings, or JSON. */
#ifndef TABLE_H
#define TABLE_H

#include "columns.h"
#include "options.h"

struct table;

/* A table of the columns that the request chooses; name: of the list in JSON. Ends the program
 * where there is no memory. */
struct table *table_new(const struct request *request, const struct column *columns,
                        const char *name);

void table_add(struct table *table, const void *row, cell_of *value);

/* Ends it without a word. */
void table_end(struct table *table);

/* Prints and ends it. 0, or -1 after a word on stderr. */
int table_print(struct table *table);

#endif
