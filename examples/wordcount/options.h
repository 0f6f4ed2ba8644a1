/* The command line. */
#ifndef WORDCOUNT_OPTIONS_H
#define WORDCOUNT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct options {
    unsigned n_workers;
    const char *backend; /* NULL: the library's choice */
    size_t top;          /* how many words to print */
    size_t pool_size;    /* 0: as large as the files need */
    bool json;
    char **files;
    size_t n_files;
};

/* Ends the program after --help and, with STATUS_USAGE, after a mistake. */
struct options options_parse(int argc, char *argv[]);

/* What the program ends with. */
enum { STATUS_FINE = 0, STATUS_FAILURE = 1, STATUS_USAGE = 2 };

#endif
