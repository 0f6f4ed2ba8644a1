#include "completion.h"

#include <stdio.h>
#include <string.h>

#include "columns.h"
#include "options.h"

/* What completion.bash calls each kind of argument. */
static const char *const kinds[] = {
    [ARGUMENT_NONE] = "none",       [ARGUMENT_POOL] = "pool",       [ARGUMENT_SIZE] = "other",
    [ARGUMENT_BACKEND] = "backend", [ARGUMENT_COLUMNS] = "columns", [ARGUMENT_FILE] = "file",
    [ARGUMENT_MODE] = "other",      [ARGUMENT_MEASURE] = "measure", [ARGUMENT_PROGRAM] = "program",
    [ARGUMENT_NEW_NAME] = "other",  [ARGUMENT_NUMBER] = "other"};

typedef void print_entry(const struct verb *verb);

/* NAME=([verb]='what entry prints' ...) */
static void print_table(const char *name, print_entry *entry)
{
    printf("declare -gA _shmpool_%s=(\n", name);
    for (const struct verb *verb = verbs; verb->name != NULL; verb++) {
        printf("    [%s]='", verb->name);
        entry(verb);
        fputs("'\n", stdout);
    }
    fputs(")\n", stdout);
}

static void print_operand(const struct verb *verb)
{
    printf("%s%s", kinds[verb->operand], strstr(verb->operands, "...") != NULL ? "..." : "");
}

static void print_options(const struct verb *verb)
{
    for (const struct option_row *row = option_rows; row->name != NULL; row++)
        if (option_is_of(row, verb))
            printf("--%s%s ", row->name, row->argument != ARGUMENT_NONE ? "=" : "");
}

static void print_arguments(const struct verb *verb)
{
    for (const struct option_row *row = option_rows; row->name != NULL; row++) {
        if (row->argument == ARGUMENT_NONE || !option_is_of(row, verb))
            continue;
        printf("--%s:%s ", row->name, kinds[row->argument]);
        if (row->letter != 0)
            printf("-%c:%s ", row->letter, kinds[row->argument]);
    }
}

static void print_columns(const struct verb *verb)
{
    for (const struct column *column = verb->columns; column != NULL && column->name != NULL;
         column++) {
        for (const char *letter = column->name; *letter != '\0'; letter++)
            putchar(column_small(*letter));
        putchar(' ');
    }
}

void completion_print(void)
{
    print_table("operand", print_operand);
    print_table("options", print_options);
    print_table("arguments", print_arguments);
    print_table("columns", print_columns);
}
