/* A pool in which something of everything is going on, for damage to meet: blocks of all lengths,
 * owned, shared and nobody's, and members that died in the middle of each kind of operation. */
#ifndef TESTS_HOSTILE_POPULATION_H
#define TESTS_HOSTILE_POPULATION_H

#include "core/view.h"

enum {
    POPULATION_PAGES = 1100,     /* in use now */
    POPULATION_MAX_PAGES = 1200, /* what the tables are sized for */
    POPULATION_SLOTS = 8,        /* the first of the dead members' slots */
    POPULATION_BLOCKS = 9        /* blocks that live members may free */
};

struct population {
    uint64_t alive;     /* the ident of the process that lives */
    uint32_t alive_row; /* its row */
    uint64_t dead;      /* the ident of one that does not */
    uint32_t dead_row;
    uint64_t where; /* the address to which a dead member published */
};

/* Settles a pool without blocks: its rows are taken and its slots up to POPULATION_SLOTS are the
 * caller's. */
void population_settle(const struct view *view, const struct population *population);

/* The first pages of the blocks. */
extern const uint64_t population_blocks[POPULATION_BLOCKS];

#endif
