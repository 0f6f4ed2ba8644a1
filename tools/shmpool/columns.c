#include "columns.h"

#include <bsd/libutil.h>
#include <bsd/string.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "options.h"

char column_small(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

void cell_text(struct cell *cell, const char *text)
{
    cell->is_there = text != NULL && text[0] != '\0';
    strlcpy(cell->text, text != NULL ? text : "", sizeof cell->text);
}

void cell_number(struct cell *cell, uint64_t number)
{
    cell->is_there = true;
    cell->number = number;
}

const char *cell_read(struct cell *cell, enum column_kind kind, bool bytes)
{
    if (!cell->is_there)
        return "";
    if (kind == COLUMN_TEXT)
        return cell->text;
    if (kind == COLUMN_COUNT || bytes || cell->number > INT64_MAX ||
        humanize_number(cell->text, 5, (int64_t)cell->number, "", HN_AUTOSCALE,
                        HN_DECIMAL | HN_NOSPACE | HN_B) < 0)
        snprintf(cell->text, sizeof cell->text, "%" PRIu64, cell->number);
    return cell->text;
}

static void add(struct choice *choice, size_t column)
{
    for (size_t i = 0; i < choice->n; i++)
        if (choice->column[i] == column)
            return;
    choice->column[choice->n++] = column;
}

static bool is_called(const struct column *column, const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (column->name[i] == '\0' || column_small(column->name[i]) != column_small(name[i]))
            return false;
    return column->name[length] == '\0';
}

static void add_named(struct choice *choice, const struct column *columns, const char *name,
                      size_t length)
{
    for (size_t i = 0; columns[i].name != NULL; i++)
        if (is_called(&columns[i], name, length)) {
            add(choice, i);
            return;
        }
    options_refuse("there is no column '%.*s'; --help lists them", (int)length, name);
}

struct choice columns_choose(const struct column *columns, const char *output, bool all)
{
    struct choice choice = {.n = 0};
    if (output == NULL || output[0] == '+')
        for (size_t i = 0; columns[i].name != NULL; i++)
            if (all || columns[i].is_usual)
                add(&choice, i);
    if (output == NULL)
        return choice;
    const char *at = output + (output[0] == '+');
    for (size_t length; (length = strcspn(at, ",")), true; at += length + 1) {
        add_named(&choice, columns, at, length);
        if (at[length] == '\0')
            return choice;
    }
}
