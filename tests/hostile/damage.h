/* Damage: stores into a pool's tables that no member would make.
 *
 * A damage is a handful of edits, each at its moment, and the seed of the operations that meet
 * them. It has a text form of one line, so that one that was found once is tried for ever:
 *
 *   0x51 @0 store words 16 8 0x1; @40 noise slots 0 256 0x7; @2 copy rows 64 64 128
 *
 * reads: operations drawn from seed 0x51; before everything the eight bytes at offset 16 of the
 * page words become 1; at moment 40 the first 256 bytes of the slots become random; at moment 2 row
 * 2 is copied over row 1. What a moment is, whoever runs the operations says. */
#ifndef TESTS_HOSTILE_DAMAGE_H
#define TESTS_HOSTILE_DAMAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/layout.h"
#include "support/random.h"

enum { DAMAGE_EDITS = 6, DAMAGE_LINE = 512 };

enum edit_kind {
    EDIT_STORE, /* up to eight bytes of value */
    EDIT_FLIP,  /* up to eight bytes change where value has bits */
    EDIT_NOISE, /* random bytes, drawn from value */
    EDIT_COPY,  /* from offset value of the same table */
    EDIT_SWAP   /* with those at offset value */
};

enum damage_table {
    TABLE_HEADER,
    TABLE_DOMAINS,
    TABLE_ROWS,
    TABLE_SLOTS,
    TABLE_WORDS,
    TABLE_HINTS,
    TABLE_TAGS,
    TABLE_USED,
    N_TABLES
};

struct edit {
    unsigned moment; /* 0: before everything */
    enum edit_kind kind;
    enum damage_table table;
    uint64_t offset;
    uint64_t length;
    uint64_t value;
};

struct damage {
    uint64_t operations;
    unsigned n_edits;
    struct edit edits[DAMAGE_EDITS];
};

/* Draws a damage; moments from 0 to last_moment. */
void damage_draw(struct damage *damage, const struct layout *layout, struct random *random,
                 unsigned last_moment);

/* Makes those edits whose moment it is; what a pool of this layout does not have is left out. */
void damage_apply(const struct damage *damage, unsigned moment, const struct layout *layout,
                  void *base);

void damage_print(FILE *out, const struct damage *damage);

/* Reads the text form; false when it is none. */
bool damage_read(struct damage *damage, const char *line);

#endif
