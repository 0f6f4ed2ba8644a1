#include "options.h"

#include <bsd/libutil.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <shmpool.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "verbs.h"

/* ---- the tables ---- */

const struct verb verbs[] = {
    {"ls", "", ARGUMENT_NONE, 0, 0, "which pools there are, how full they are, and their state",
     "States: live (somebody has it mapped), idle (nobody has, and it is kept or its family may\n"
     "live), orphan (nobody has, its family is dead), unfinished, damaged, version (of another\n"
     "layout version), unreadable (not for this user).\n",
     verb_ls, pool_columns},
    {"stat", "NAME", ARGUMENT_POOL, 1, 1, "all about one pool, and its free runs by length",
     "Status 1: the pool is not there, or no sound pool.\n", verb_stat, pool_columns},
    {"check", "[NAME...]", ARGUMENT_POOL, 0, SIZE_MAX,
     "recompute and compare; without a name all pools",
     "A line for each fault. Status 1: there are faults, or a pool cannot be looked into.\n",
     verb_check, NULL},
    {"dump", "NAME", ARGUMENT_POOL, 1, 1, "blocks, owners, free runs and members as text", "",
     verb_dump, NULL},
    {0},
};

const struct option_row option_rows[] = {
    {'J', "json", ARGUMENT_NONE, NULL, "ls stat check", "print JSON; sizes are bytes"},
    {'b', "bytes", ARGUMENT_NONE, NULL, "ls stat", "sizes in bytes, not as 1.5M"},
    {'n', "noheadings", ARGUMENT_NONE, NULL, "ls", "no line of headings"},
    {'o', "output", ARGUMENT_COLUMNS, "COLUMNS", "ls stat",
     "these columns, with commas; +COLUMNS: besides the usual ones"},
    {'h', "help", ARGUMENT_NONE, NULL, "", "print this"},
    {0},
};

enum { N_OPTIONS = sizeof option_rows / sizeof option_rows[0] - 1 };

static bool is_word_of(const char *word, const char *list)
{
    size_t length = strlen(word);
    for (const char *at = list; (at = strstr(at, word)) != NULL; at += length)
        if ((at == list || at[-1] == ' ') && (at[length] == '\0' || at[length] == ' '))
            return true;
    return false;
}

bool option_is_of(const struct option_row *row, const struct verb *verb)
{
    return row->verbs[0] == '\0' || is_word_of(verb->name, row->verbs);
}

/* ---- help ---- */

static void print_options(const struct verb *verb)
{
    char text[40];
    for (const struct option_row *row = option_rows; row->name != NULL; row++) {
        if (!option_is_of(row, verb))
            continue;
        snprintf(text, sizeof text, "--%s%s%s", row->name, row->argument_name ? "=" : "",
                 row->argument_name ? row->argument_name : "");
        printf("  %c%c%c %-22s %s\n", row->letter ? '-' : ' ', row->letter ? row->letter : ' ',
               row->letter ? ',' : ' ', text, row->does);
    }
}

static void print_columns(const struct verb *verb)
{
    printf("\nColumns (* the usual ones of ls):\n");
    for (const struct column *column = verb->columns; column->name != NULL; column++)
        printf("  %c%-10s %s\n", column->is_usual ? '*' : ' ', column->name, column->does);
}

static void print_usage(FILE *out, const struct verb *verb)
{
    fprintf(out, "usage: shmpool %s [OPTION...]%s%s\n", verb->name,
            verb->operands[0] != '\0' ? " " : "", verb->operands);
}

static void help_on(const struct verb *verb)
{
    print_usage(stdout, verb);
    printf("\n%s.\n\n", verb->does);
    print_options(verb);
    if (verb->columns != NULL)
        print_columns(verb);
    printf("\n%sExit status: 0 fine, 1 found something or failed, 2 the command line is wrong.\n",
           verb->more);
    exit(STATUS_FINE);
}

static void help(void)
{
    printf("usage: shmpool VERB [OPTION...] [NAME...]\n\n"
           "Looks into pools of shared memory and keeps them in order.\n\n");
    for (const struct verb *verb = verbs; verb->name != NULL; verb++)
        printf("  %-8s %-22s %s\n", verb->name, verb->operands, verb->does);
    printf("\nNAME is that of a pool, or backend:name; a pool that has no name (memfd, or removed\n"
           "and still used) is memfd:NAME@PID, by a process that has it. shmpool ls shows all.\n"
           "shmpool VERB --help tells more. shmpool --version prints the version.\n");
    exit(STATUS_FINE);
}

void options_refuse(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("shmpool: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(STATUS_USAGE);
}

/* ---- values ---- */

size_t options_size(const char *option, const char *text)
{
    uint64_t size;
    int result =
        isdigit((unsigned char)text[0]) ? expand_number(text, &size) : (errno = EINVAL, -1);
    if (result == 0 ? size > INT64_MAX : errno == ERANGE)
        options_refuse("%s %s: the size is too large", option, text);
    if (result != 0)
        options_refuse("%s %s: not a size; say 64M, for example", option, text);
    if (size == 0)
        options_refuse("%s %s: a pool needs a size above 0", option, text);
    return size;
}

/* ---- reading ---- */

enum { FIRST_VALUE = 256 }; /* what getopt_long returns for the option of row 0 */

static void take_option(struct request *request, const struct option_row *row)
{
    const char *name = row->name;
    if (strcmp(name, "json") == 0)
        request->json = true;
    else if (strcmp(name, "bytes") == 0)
        request->bytes = true;
    else if (strcmp(name, "noheadings") == 0)
        request->noheadings = true;
    else if (strcmp(name, "output") == 0)
        request->output = optarg;
    else if (strcmp(name, "help") == 0)
        help_on(request->verb);
}

/* What getopt_long wants to know of the verb's options. */
struct known {
    struct option longs[N_OPTIONS + 1];
    char letters[2 * N_OPTIONS + 2];
};

static void make_known(struct known *known, const struct verb *verb)
{
    struct option *next = known->longs;
    char *letter = known->letters;
    if (verb->operand == ARGUMENT_PROGRAM)
        *letter++ = '+'; /* what follows the program's name is the program's */
    for (int i = 0; i < N_OPTIONS; i++) {
        const struct option_row *row = &option_rows[i];
        if (!option_is_of(row, verb))
            continue;
        *next++ = (struct option){row->name,
                                  row->argument != ARGUMENT_NONE ? required_argument : no_argument,
                                  NULL, FIRST_VALUE + i};
        if (row->letter != 0)
            *letter++ = row->letter;
        if (row->letter != 0 && row->argument != ARGUMENT_NONE)
            *letter++ = ':';
    }
    *next = (struct option){0};
    *letter = '\0';
}

static const struct option_row *row_of(int value, const struct verb *verb)
{
    if (value >= FIRST_VALUE)
        return &option_rows[value - FIRST_VALUE];
    for (const struct option_row *row = option_rows; row->name != NULL; row++)
        if (row->letter == value && option_is_of(row, verb))
            return row;
    return NULL;
}

static const struct verb *verb_named(const char *name)
{
    for (const struct verb *verb = verbs; verb->name != NULL; verb++)
        if (strcmp(verb->name, name) == 0)
            return verb;
    options_refuse("there is no verb '%s'. Try: shmpool --help", name);
}

static void check_operands(const struct request *request)
{
    const struct verb *verb = request->verb;
    if (request->n_operands >= verb->least && request->n_operands <= verb->most)
        return;
    print_usage(stderr, verb);
    options_refuse("%s: too %s names. Try: shmpool %s --help", verb->name,
                   request->n_operands < verb->least ? "few" : "many", verb->name);
}

struct request options_parse(int argc, char *argv[])
{
    struct known known;
    int value;
    if (argc < 2)
        options_refuse("what is to be done? Try: shmpool --help");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0)
        help();
    if (strcmp(argv[1], "--version") == 0) {
        printf("shmpool %s\n", shmpool_version());
        exit(STATUS_FINE);
    }
    struct request request = {.verb = verb_named(argv[1])};
    argv[1] = argv[0]; /* as getopt names the program */
    make_known(&known, request.verb);
    while ((value = getopt_long(argc - 1, argv + 1, known.letters, known.longs, NULL)) != -1) {
        const struct option_row *row = row_of(value, request.verb);
        if (row == NULL)
            options_refuse("Try: shmpool %s --help", request.verb->name);
        take_option(&request, row);
    }
    request.operands = argv + 1 + optind;
    request.n_operands = (size_t)(argc - 1 - optind);
    check_operands(&request);
    return request;
}
