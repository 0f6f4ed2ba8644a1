/* The command line. */
#ifndef CACHE_OPTIONS_H
#define CACHE_OPTIONS_H

#include <stdbool.h>

#include "store.h"

struct options {
    struct store_order order;
    bool remove; /* the pool, and serve nobody */
    const char *socket;
};

/* Ends the program after --help and, with STATUS_USAGE, after a mistake. */
struct options options_parse(int argc, char *argv[]);

/* What the program ends with. */
enum { STATUS_FINE = 0, STATUS_FAILURE = 1, STATUS_USAGE = 2 };

#endif
