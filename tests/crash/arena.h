/* The pool that is fought over, from the inside.
 *
 * The test itself is a member of it and owns the blocks of the scenery. The desk is a page of the
 * pool with the pointers that operations publish to. A state is what the pool's tables and the desk
 * hold, as bytes: it can be taken, put back, compared, and put into a private copy of the tables
 * that the core works on as on a pool. States leave out what small tests never reach. */
#ifndef TESTS_CRASH_ARENA_H
#define TESTS_CRASH_ARENA_H

#include <stdbool.h>
#include <stdint.h>

#include "core/layout.h"
#include "core/view.h"
#include "family/pools.h"

enum {
    ARENA_PAGES = 2048,
    ARENA_MOST_PAGES = 2560, /* when it has grown */
    ARENA_WORDS = ARENA_PAGES / LAYOUT_WORD_PAGES,
    ARENA_ROWS = 32,  /* that states hold */
    ARENA_SLOTS = 32, /* the same */
    ARENA_PLACES = 6  /* pointers on the desk */
};

struct state;

struct arena {
    shmpool_id id;
    shmpool_id foyer; /* a second pool, for a first call into the library */
    struct layout layout;
    const struct view *view;
    size_t page;                /* bytes */
    _Atomic uintptr_t *places;  /* the desk */
    uint64_t ident;             /* of the test */
    struct state *empty;        /* nothing but the desk */
    uint64_t bare[ARENA_WORDS]; /* the words of the scenery */
};

extern struct arena arena;

/* Makes the pools, without names: however a test ends, nothing is left. Once more: the pool is a
 * new one. flags: as shmpool_create takes them. */
void arena_make(unsigned flags);

static inline uint64_t arena_page_of(const void *block)
{
    return view_page_at(arena.view, (uintptr_t)block);
}

static inline void *arena_address_of(uint64_t page)
{
    return (void *)view_address_of(arena.view, page);
}

/* ---- scenery: blocks of the test's own ---- */

enum scenery {
    CLEAN,      /* nothing but the desk */
    FRAGMENTED, /* small holes, then one with a few pages to spare, then room for others */
    ASTRIDE,    /* the same; the hole lies across the edge of a word */
    TIGHT       /* no small holes */
};

/* Empties the pool, builds the scenery for blocks of n pages and notes its words in arena.bare. */
void arena_build(enum scenery scenery, uint64_t n);

/* Takes all slots that are left, for the test: whoever comes works with its row's spare intent. */
void arena_crowd(void);

/* ---- states ---- */

struct state *state_new(void);
void state_take(struct state *state);
void state_put(const struct state *state);

/* Whether the pool is as it was when the state was taken. */
bool state_stands(const struct state *state);

/* A private copy of the tables. */
struct copy {
    void *memory;
    struct view view;
    _Atomic uintptr_t *places;
};

/* Of the pool that there is; the copy was made earlier, of another pool, or is all zero. */
void copy_make(struct copy *copy);
void copy_fill(struct copy *copy, const struct state *state);

#endif
