#include "options.h"

#include <bsd/libutil.h>
#include <ctype.h>
#include <err.h>
#include <getopt.h>
#include <shmpool.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "say.h"
#include "verbs.h"

/* ---- the tables ---- */

const struct verb verbs[] = {
    {"ls", "", ARGUMENT_NONE, 0, 0, "which pools there are, how full they are, and their state",
     "States: live (somebody has it mapped), idle (nobody has, and it is kept or its family may\n"
     "live), orphan (nobody has, its family is dead), unfinished, damaged, version (of another\n"
     "layout version), unreadable (not for this user).\n",
     verb_ls, pool_columns},
    {"stat", "NAME", ARGUMENT_POOL, 1, 1, "all about one pool, and its free runs by length", "",
     verb_stat, pool_columns},
    {"who", "NAME", ARGUMENT_POOL, 1, 1, "the processes of a pool, and what each owns", "",
     verb_who, who_columns},
    {"map", "NAME", ARGUMENT_POOL, 1, 1, "a picture of what is where",
     "As wide as the terminal, or $COLUMNS. Colours on a terminal only, and not where NO_COLOR is\n"
     "set. With --svg nothing goes to the terminal. --json writes the runs, not a picture.\n",
     verb_map, NULL},
    {"top", "", ARGUMENT_NONE, 0, 0, "all pools on the screen, and what changes in them",
     "CHG/S: blocks that came, went or changed hands in a second, by two looks. Nobody counts\n"
     "operations: a block that is freed and allocated again between two looks is not seen.\n"
     "Keys: n f u s b m c t sort by name, fill, used, size, blocks, members, changes, state; r\n"
     "reverses; Enter looks into the pool that the arrows chose, Escape leaves it; q quits.\n",
     verb_top, NULL},
    {"check", "[NAME...]", ARGUMENT_POOL, 0, SIZE_MAX,
     "recompute and compare; without a name all pools",
     "A line for each fault. Status 1: there are faults, or a pool cannot be looked into.\n",
     verb_check, NULL},
    {"dump", "NAME", ARGUMENT_POOL, 1, 1, "blocks, owners, free runs and members as text", "",
     verb_dump, NULL},
    {"recover", "NAME...", ARGUMENT_POOL, 1, SIZE_MAX, "settle what dead members left unfinished",
     "--reclaim frees blocks to which somebody may hold pointers: of a pool that is in use it is\n"
     "refused without --force.\n",
     verb_recover, NULL},
    {"create", "NAME", ARGUMENT_NEW_NAME, 1, 1, "make a pool",
     "A pool that nobody has mapped yet is an orphan to clean-up, unless it is made with --keep.\n",
     verb_create, NULL},
    {"grow", "NAME SIZE", ARGUMENT_POOL, 2, 2, "make a pool larger, up to its maximum",
     "SIZE is the new total.\n", verb_grow, NULL},
    {"trim", "NAME...", ARGUMENT_POOL, 1, SIZE_MAX,
     "give the memory of free pages back to the system", "", verb_trim, NULL},
    {"rm", "NAME...", ARGUMENT_POOL, 1, SIZE_MAX, "remove pools",
     "The name goes; the memory goes with the last process that has the pool mapped. A pool that\n"
     "is in use is refused without --force.\n",
     verb_rm, NULL},
    {"exec", "[--] PROGRAM [ARGUMENT...]", ARGUMENT_PROGRAM, 1, SIZE_MAX,
     "run a program that inherits pools",
     "The program inherits exactly these pools, under the IDs 1, 2, ... in the order given and "
     "under\n"
     "their names, if they have one (shmpool_open). Signals are passed on to it.\n"
     "Exit status: the program's; 128 and the signal's number where one ended it; 125 where the\n"
     "pools cannot be had, 126 where the program cannot be executed, 127 where it is not found.\n",
     verb_exec, NULL},
    {"doctor", "", ARGUMENT_NONE, 0, 0, "limits and settings of this system that pools meet",
     "Each is ok, a note (a limit that some programs meet) or a warning, with what it means for\n"
     "pools and, where it is not ok, the remedy. Status 1: there is a warning.\n",
     verb_doctor, NULL},
    {"gc", "[NAME...]", ARGUMENT_POOL, 0, SIZE_MAX,
     "remove what dead processes left; without a name all of it",
     "Removes orphans: pools that nobody has open or mapped, whose creator's family is dead and\n"
     "that were made without SHMPOOL_KEEP; and objects that died unfinished. All others are left\n"
     "alone, also where it cannot be told. Status 1: something left over cannot be removed.\n",
     verb_gc, NULL},
    {0},
};

const struct option_row option_rows[] = {
    {OPTION_JSON, 'J', "json", ARGUMENT_NONE, NULL, "ls stat who map check doctor gc",
     "print JSON; sizes are bytes"},
    {OPTION_BYTES, 'b', "bytes", ARGUMENT_NONE, NULL, "ls stat who trim",
     "sizes in bytes, not as 1.5M"},
    {OPTION_NOHEADINGS, 'n', "noheadings", ARGUMENT_NONE, NULL, "ls who", "no line of headings"},
    {OPTION_OUTPUT, 'o', "output", ARGUMENT_COLUMNS, "COLUMNS", "ls stat who",
     "these columns, with commas; +COLUMNS: besides the usual ones"},
    {OPTION_BY, 0, "by", ARGUMENT_MEASURE, "MEASURE", "map", "colour by state (usual) or owner"},
    {OPTION_SVG, 0, "svg", ARGUMENT_FILE, "FILE", "map", "write the picture as SVG; -: to stdout"},
    {OPTION_RECLAIM, 0, "reclaim", ARGUMENT_NONE, NULL, "recover",
     "free what dead processes owned and never published"},
    {OPTION_SIZE, 's', "size", ARGUMENT_SIZE, "SIZE", "create", "usable bytes: 64M, 1G (needed)"},
    {OPTION_MAX_SIZE, 'm', "max-size", ARGUMENT_SIZE, "SIZE", "create",
     "how far it may grow (usual: not at all)"},
    {OPTION_BACKEND, 0, "backend", ARGUMENT_BACKEND, "NAME", "create",
     "posix or sysv (usual: $SHMPOOL_BACKEND, else posix)"},
    {OPTION_MODE, 0, "mode", ARGUMENT_MODE, "MODE", "create",
     "permission bits (usual: 0600); those of the owner and the group count"},
    {OPTION_COMMIT, 0, "commit", ARGUMENT_NONE, NULL, "create", "take all of its memory now"},
    {OPTION_ZERO, 0, "zero", ARGUMENT_NONE, NULL, "create", "blocks are zero when handed out"},
    {OPTION_AUTOTRIM, 0, "autotrim", ARGUMENT_NONE, NULL, "create",
     "long freed runs go back to the system by themselves"},
    {OPTION_DUMP, 0, "core-dump", ARGUMENT_NONE, NULL, "create", "contents belong in core dumps"},
    {OPTION_KEEP, 0, "keep", ARGUMENT_NONE, NULL, "create",
     "clean-up leaves it alone when nobody uses it"},
    {OPTION_INHERIT, 'i', "inherit", ARGUMENT_POOL, "NAME[:ro]", "exec",
     "a pool for the program, ro: for reading only; may be repeated"},
    {OPTION_FORCE, 'f', "force", ARGUMENT_NONE, NULL, "rm recover", "also where it is in use"},
    {OPTION_DRY_RUN, 0, "dry-run", ARGUMENT_NONE, NULL, "gc",
     "remove nothing, only say what would be"},
    {OPTION_DELAY, 'd', "delay", ARGUMENT_NUMBER, "SECONDS", "top",
     "from look to look (usual: 1); more where a look takes long"},
    {OPTION_BATCH, 0, "batch", ARGUMENT_NUMBER, "N", "top", "print N tables, without a screen"},
    {OPTION_HELP, 'h', "help", ARGUMENT_NONE, NULL, "", "print this"},
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
    printf("\nColumns (* the usual ones%s):\n",
           verb->columns == pool_columns ? "; stat shows all" : "");
    for (const struct column *column = verb->columns; column->name != NULL; column++)
        printf("  %c%-10s %s\n", column->is_usual ? '*' : ' ', column->name, column->does);
}

static void print_usage(FILE *out, const struct verb *verb)
{
    fprintf(out, "usage: shmpool %s [OPTION...]%s%s\n", verb->name,
            verb->operands[0] != '\0' ? " " : "", verb->operands);
}

static __attribute__((noreturn)) void help_on(const struct verb *verb)
{
    print_usage(stdout, verb);
    printf("\n%s.\n\n", verb->does);
    print_options(verb);
    if (verb->columns != NULL)
        print_columns(verb);
    printf("\n%s", verb->more);
    if (verb->operand != ARGUMENT_PROGRAM)
        printf("Exit status: 0 fine, 1 found something or failed, 2 the command line is wrong.\n");
    exit(say_ended(STATUS_FINE));
}

static void help(void)
{
    printf("usage: shmpool VERB [OPTION...] [NAME...]\n\n"
           "Looks into pools of shared memory and keeps them in order.\n\n");
    for (const struct verb *verb = verbs; verb->name != NULL; verb++)
        printf("  %-8s %-22s %s\n", verb->name, verb->operands, verb->does);
    printf("\nNAME is that of a pool, or backend:name; a pool that has no name (memfd, or removed\n"
           "and still used) is backend:NAME@PID, by a process that has it. shmpool ls shows all.\n"
           "shmpool VERB --help tells more. shmpool --version prints the version.\n");
    exit(say_ended(STATUS_FINE));
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

/* Digits, and perhaps a letter, as in 64M, 64MB or 64MiB. */
static bool is_size(const char *text)
{
    static const char *const ends[] = {"", "B", "b", "iB"};
    size_t digits = strspn(text, "0123456789");
    const char *unit = text + digits;
    const char *end = unit + (*unit != '\0' && strchr("kKmMgGtTpPeE", *unit) != NULL);
    for (size_t i = 0; digits > 0 && i < sizeof ends / sizeof ends[0]; i++)
        if (strcmp(end, ends[i]) == 0)
            return true;
    return false;
}

/* expand_number takes 010 for 8, and whatever stands behind the letter. */
size_t options_size(const char *option, const char *text)
{
    uint64_t size;
    const char *digits = text + strspn(text, "0");
    if (!is_size(text))
        options_refuse("%s %s: not a size; say 64M, for example", option, text);
    if (!isdigit((unsigned char)*digits))
        options_refuse("%s %s: a pool needs a size above 0", option, text);
    if (expand_number(digits, &size) != 0 || size > INT64_MAX)
        options_refuse("%s %s: the size is too large", option, text);
    return size;
}

/* ---- reading ---- */

static mode_t mode_of(const char *text)
{
    char *end;
    unsigned long mode = strtoul(text, &end, 8);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || mode == 0 || mode > 0777)
        options_refuse("--mode %s: not a mode; say 0660, for example", text);
    return (mode_t)mode;
}

static bool is_by_owner(const char *text)
{
    if (strcmp(text, "state") != 0 && strcmp(text, "owner") != 0)
        options_refuse("--by %s: a map is by state or by owner", text);
    return strcmp(text, "owner") == 0;
}

static double delay_of(const char *text)
{
    char *end;
    double delay = strtod(text, &end);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || delay < 0.1 || delay > 3600)
        options_refuse("--delay %s: not from 0.1 to 3600 seconds", text);
    return delay;
}

static unsigned batch_of(const char *text)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || n == 0 || n > 1000000)
        options_refuse("--batch %s: not from 1 to 1000000 tables", text);
    return (unsigned)n;
}

static void add_inherit(struct request *request, char *name)
{
    char **more = reallocarray(request->inherit, request->n_inherit + 1, sizeof *more);
    if (more == NULL)
        err(STATUS_FOUND, "no memory for the options");
    request->inherit = more;
    more[request->n_inherit++] = name;
}

/* ---- reading ---- */

enum { FIRST_VALUE = 256 }; /* what getopt_long returns for the option of row 0 */

static void take_option(struct request *request, enum option_id option)
{
    switch (option) {
    case OPTION_JSON:
        request->json = true;
        break;
    case OPTION_BYTES:
        request->bytes = true;
        break;
    case OPTION_NOHEADINGS:
        request->noheadings = true;
        break;
    case OPTION_OUTPUT:
        request->output = optarg;
        break;
    case OPTION_BY:
        request->by_owner = is_by_owner(optarg);
        break;
    case OPTION_SVG:
        request->svg = optarg;
        break;
    case OPTION_RECLAIM:
        request->reclaim = true;
        break;
    case OPTION_SIZE:
        request->size = options_size("--size", optarg);
        break;
    case OPTION_MAX_SIZE:
        request->max_size = options_size("--max-size", optarg);
        break;
    case OPTION_BACKEND:
        request->backend = optarg;
        break;
    case OPTION_MODE:
        request->mode = mode_of(optarg);
        break;
    case OPTION_COMMIT:
        request->flags |= SHMPOOL_COMMIT;
        break;
    case OPTION_ZERO:
        request->flags |= SHMPOOL_ZERO;
        break;
    case OPTION_AUTOTRIM:
        request->flags |= SHMPOOL_AUTOTRIM;
        break;
    case OPTION_DUMP:
        request->flags |= SHMPOOL_DUMP;
        break;
    case OPTION_KEEP:
        request->flags |= SHMPOOL_KEEP;
        break;
    case OPTION_INHERIT:
        add_inherit(request, optarg);
        break;
    case OPTION_FORCE:
        request->force = true;
        break;
    case OPTION_DRY_RUN:
        request->dry_run = true;
        break;
    case OPTION_DELAY:
        request->delay = delay_of(optarg);
        break;
    case OPTION_BATCH:
        request->batch = batch_of(optarg);
        break;
    case OPTION_HELP:
        help_on(request->verb);
    }
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
    options_refuse("%s: too %s arguments. Try: shmpool %s --help", verb->name,
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
        exit(say_ended(STATUS_FINE));
    }
    struct request request = {.verb = verb_named(argv[1])};
    argv[1] = argv[0]; /* as getopt names the program */
    make_known(&known, request.verb);
    while ((value = getopt_long(argc - 1, argv + 1, known.letters, known.longs, NULL)) != -1) {
        const struct option_row *row = row_of(value, request.verb);
        if (row == NULL)
            options_refuse("Try: shmpool %s --help", request.verb->name);
        take_option(&request, row->id);
    }
    request.operands = argv + 1 + optind;
    request.n_operands = (size_t)(argc - 1 - optind);
    check_operands(&request);
    return request;
}

void options_end(struct request *request)
{
    free(request->inherit);
    request->inherit = NULL;
}
