/* The command line: which verbs there are, which options each takes, and what was asked for.
 *
 * Verbs and options stand in two tables, in options.c. The parser, the usage lines, --help and what
 * completes a command line are made from them. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum status {
    STATUS_FINE = 0,
    STATUS_FOUND = 1, /* found something, or failed */
    STATUS_USAGE = 2,
    /* of exec, whose other values are the program's */
    STATUS_NO_POOL = 125,
    STATUS_NOT_EXECUTABLE = 126,
    STATUS_NOT_FOUND = 127,
    STATUS_SIGNAL = 128 /* and the signal's number */
};

/* What an option's or a verb's argument is: for who checks it, and for who completes it. */
enum argument {
    ARGUMENT_NONE,
    ARGUMENT_POOL,
    ARGUMENT_SIZE,
    ARGUMENT_BACKEND,
    ARGUMENT_COLUMNS,
    ARGUMENT_FILE,
    ARGUMENT_MODE,
    ARGUMENT_MEASURE,
    ARGUMENT_PROGRAM,
    ARGUMENT_NEW_NAME,
    ARGUMENT_NUMBER
};

struct request {
    const struct verb *verb;
    bool json;
    bool bytes;
    bool noheadings;
    bool force;
    bool dry_run;
    bool reclaim;
    bool by_owner;
    const char *output; /* columns; NULL: the usual ones */
    const char *svg;    /* a file */
    const char *backend;
    size_t size; /* 0: not given */
    size_t max_size;
    mode_t mode;
    unsigned flags; /* of the pool to be created */
    char **inherit; /* NAME or NAME:ro */
    size_t n_inherit;
    double delay;   /* seconds between two looks; 0: not given */
    unsigned batch; /* tables to print; 0: not given */
    char **operands;
    size_t n_operands;
};

struct verb {
    const char *name;
    const char *operands; /* as usage shows them */
    enum argument operand;
    size_t least, most; /* how many operands */
    const char *does;   /* one line for the list of verbs */
    const char *more;   /* for its own --help: exit statuses and what else is to know; "" nothing */
    int (*run)(const struct request *request);
    const struct column *columns; /* what --output chooses from; NULL: nothing */
};

enum option_id {
    OPTION_JSON,
    OPTION_BYTES,
    OPTION_NOHEADINGS,
    OPTION_OUTPUT,
    OPTION_BY,
    OPTION_SVG,
    OPTION_RECLAIM,
    OPTION_SIZE,
    OPTION_MAX_SIZE,
    OPTION_BACKEND,
    OPTION_MODE,
    OPTION_COMMIT,
    OPTION_ZERO,
    OPTION_AUTOTRIM,
    OPTION_DUMP,
    OPTION_KEEP,
    OPTION_INHERIT,
    OPTION_FORCE,
    OPTION_DRY_RUN,
    OPTION_DELAY,
    OPTION_BATCH,
    OPTION_HELP
};

struct option_row {
    enum option_id id;
    char letter; /* 0: none */
    const char *name;
    enum argument argument;
    const char *argument_name;
    const char *verbs; /* blank-separated; "": of all verbs */
    const char *does;
};

/* Both end with a row without a name. */
extern const struct verb verbs[];
extern const struct option_row option_rows[];

/* Whether the verb takes the option. */
bool option_is_of(const struct option_row *row, const struct verb *verb);

/* Reads the command line. Prints help and ends where that is asked for; says what is wrong and ends
 * with STATUS_USAGE. The strings are argv's. */
struct request options_parse(int argc, char *argv[]);

void options_end(struct request *request);

/* Says what is wrong with the command line and ends the program with STATUS_USAGE. */
void options_refuse(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Reads a size as the command line has it: "64M". Refuses what is none. */
size_t options_size(const char *option, const char *text);

#endif
