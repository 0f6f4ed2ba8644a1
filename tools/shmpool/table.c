#include "table.h"

#include <err.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>

#include "say.h"

struct table {
    struct libscols_table *made;
    const struct column *columns;
    struct choice choice;
    bool bytes;
};

static void *needed(void *pointer)
{
    if (pointer == NULL)
        err(STATUS_FOUND, "no memory for a table");
    return pointer;
}

static void add_column(struct table *table, const struct column *column)
{
    bool is_number = column->kind != COLUMN_TEXT;
    struct libscols_column *made = needed(
        scols_table_new_column(table->made, column->name, 0, is_number ? SCOLS_FL_RIGHT : 0));
    scols_column_set_json_type(made, is_number ? SCOLS_JSON_NUMBER : SCOLS_JSON_STRING);
}

struct table *table_new(const struct request *request, const struct column *columns,
                        const char *name)
{
    struct table *table = needed(calloc(1, sizeof *table));
    table->columns = columns;
    table->choice = columns_choose(columns, request->output, false);
    table->bytes = request->bytes || request->json;
    table->made = needed(scols_new_table());
    scols_table_set_name(table->made, name);
    scols_table_enable_json(table->made, request->json);
    scols_table_enable_noheadings(table->made, request->noheadings);
    for (size_t i = 0; i < table->choice.n; i++)
        add_column(table, &columns[table->choice.column[i]]);
    return table;
}

void table_add(struct table *table, const void *row, cell_of *value)
{
    struct libscols_line *line = needed(scols_table_new_line(table->made, NULL));
    for (size_t i = 0; i < table->choice.n; i++) {
        size_t column = table->choice.column[i];
        struct cell cell = {.is_there = false};
        value(row, column, &cell);
        if (cell.is_there &&
            scols_line_set_data(line, i,
                                cell_read(&cell, table->columns[column].kind, table->bytes)) != 0)
            err(STATUS_FOUND, "no memory for a table");
    }
}

void table_end(struct table *table)
{
    scols_unref_table(table->made);
    free(table);
}

int table_print(struct table *table)
{
    int failed = scols_print_table(table->made) != 0;
    table_end(table);
    return say_written(failed);
}
