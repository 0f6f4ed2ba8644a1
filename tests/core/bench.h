/* A pool on plain memory, members made by hand, and a world in which the test says who is dead. */
#ifndef TESTS_CORE_BENCH_H
#define TESTS_CORE_BENCH_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/actor.h"
#include "core/members.h"
#include "core/recovery.h"
#include "core/view.h"

enum { BENCH_PROCESSES = 60, BENCH_PLACES = 4, BENCH_SLOTS = 16, BENCH_ROWS = 64 };

struct bench {
    void *memory; /* all but the pages, which core never touches */
    struct layout layout;
    struct view view;
    bool is_dead[BENCH_PROCESSES];          /* by pid; 0 is nobody's */
    _Atomic uintptr_t places[BENCH_PLACES]; /* where blocks are published */
    bool reaches;                           /* the recoverer has the places mapped */
    struct recovery_world world;
};

/* A pool of n_pages that may grow to max_pages, all zero. */
void bench_make(struct bench *bench, uint64_t n_pages, uint64_t max_pages);
void bench_drop(struct bench *bench);

/* As just made; for up to BENCH_SLOTS slots and BENCH_ROWS rows in use, and quick. */
void bench_clear(struct bench *bench);

uint64_t bench_ident(unsigned process);

/* A thread of that process. */
struct actor bench_join(struct bench *bench, unsigned process);

/* The spare intent of that process. */
struct actor bench_spare(struct bench *bench, unsigned process);

static inline unsigned slot_of(const struct actor *actor)
{
    return actor->tag & 0xFFFF;
}

/* The lock, a pass, the lock; how many stay pending. */
unsigned bench_recover(struct bench *bench, unsigned recoverer);

/* Allocates exactly these pages. */
bool bench_take(struct bench *bench, struct actor *actor, uint64_t page, uint64_t n);

/* Everything that a pass may change, to compare. */
struct bench_state;
struct bench_state *bench_remember(const struct bench *bench);
bool bench_is_unchanged(const struct bench *bench, struct bench_state *state); /* frees it */

/* Blocks that a test believes in, as the page words they make. */
enum { BELIEF_PAGES = 20480 };

struct belief {
    uint64_t words[BELIEF_PAGES / LAYOUT_WORD_PAGES];
};

void believe_block(struct belief *belief, uint64_t page, uint64_t n);
void believe_free(struct belief *belief, uint64_t page, uint64_t n);
bool belief_has(const struct belief *belief, uint64_t page);
bool belief_holds(const struct belief *belief, const struct bench *bench);

/* Where a loop stands, for the message of a failing check. */
struct moment {
    const char *what;
    unsigned long a, b, c;
};
extern struct moment moment;

/* Check writes a line to a file for each assertion that holds; this one only when it fails. */
#define ck_quiet(condition)                                                                        \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("%s (%s %lu %lu %lu)", #condition, moment.what, moment.a, moment.b,       \
                         moment.c);                                                                \
    } while (0)

#endif
