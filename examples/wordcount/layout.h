/* Everything that lives in the pool, and why the result is exact whoever is killed when.
 *
 *   job ──► chunks  [state of chunk 0 | 1 | …]          who counts it, who has counted it
 *       ──► buckets [● | ● | …]                         the hash table
 *       │            └► word ─► four words ─► …         one for each different word, never removed
 *       │                └► cell ─► cell ─► …           one for each slot that met the word
 *       └─► slots   [slot 1 | slot 2 | …]               one for each worker at work
 *                    ├► block ─► block ─► …             where this slot's words are carved from
 *                    └► block ─► block ─► …             and its cells
 *
 * All links are plain pointers: the pool has the same address in every process. The words of a
 * bucket form a tree: further bits of the hash choose one of four branches at each word. So the
 * table need not know how many words will come.
 *
 * Counting. The number of times a word stands in the files is the sum of its cells. A cell is
 * written by one process only, the worker that holds the cell's slot, so counting needs no locked
 * instruction and no cache line is fought over. Words and cells are linked by one compare-and-swap
 * each, and only when a worker meets a word for the first time.
 *
 * Exactness. A chunk counts wholly or not at all. Each worker that is started has a number of its
 * own; a cell remembers in which chunk and by which worker it was changed last, and its value
 * before that:
 *
 *     value(cell) = that worker has finished that chunk ? now : before
 *
 * So one store finishes a chunk and makes all of its counts valid at once: "finished by worker w",
 * in the state of the chunk. Until then each cell that was changed is worth what it was worth
 * before. The first change in a chunk makes three stores in the order before, mark, now: wherever
 * among them the worker dies, the rule gives the old value, and the next one to change the cell
 * starts from that. There is no log to replay and nothing to clean up: after a death the master
 * joins the worker, takes its claim off the chunk, and starts another worker in the same slot, as
 * long as there are chunks to count.
 *
 * Memory. A block belongs to the pool as soon as it is linked (shmpool_publish); one whose owner
 * died just before is freed by shmpool_reclaim. Words and cells that were carved but not linked are
 * lost, at most one of each a death. */
#ifndef WORDCOUNT_LAYOUT_H
#define WORDCOUNT_LAYOUT_H

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CACHE_LINE = 64 };

/* A run of pages from which words or cells are carved, from the front to the back. Written by the
 * worker that holds the slot. What lies below `used` is initialized. */
struct block_shm {
    alignas(CACHE_LINE) struct block_shm *next; /* stored by shmpool_publish */
    size_t size;
    _Atomic size_t used;
    alignas(CACHE_LINE) unsigned char memory[];
};

struct cell_shm;
struct word_shm;

typedef _Atomic(struct word_shm *) word_place; /* NULL until a word is put there, for good */

enum { TABLE_BRANCHES = 4 };

struct word_shm {
    word_place branches[TABLE_BRANCHES]; /* words whose hash went the same way down to here */
    _Atomic(struct cell_shm *) cells;
    uint64_t hash;
    size_t length;  /* of letters, without an end mark */
    char letters[]; /* a to z */
};

enum { KEY_GROUPS = 2, KEY_SIZE = 8 * KEY_GROUPS };

/* How often one slot met one word. One cache line with all that the hot loop needs. */
struct cell_shm {
    alignas(CACHE_LINE) struct cell_shm *next; /* of the same word; fixed when the cell is linked */
    struct word_shm *word;
    _Atomic uint64_t now;
    _Atomic uint64_t before;  /* the value when `mark` changed */
    _Atomic uint64_t mark;    /* see cell.h */
    uint64_t key[KEY_GROUPS]; /* the word's first letters, eight a group, then zeroes */
    unsigned slot;
    bool longer; /* the word does not fit in key */
};

/* Why a worker gave up; the master says it. */
enum problem {
    PROBLEM_NONE,
    PROBLEM_POOL_FULL,
    PROBLEM_POOL,   /* any other failure of the library: the sentence */
    PROBLEM_MEMORY, /* of the worker itself */
    PROBLEM_READ,   /* file and error */
    PROBLEM_SHRUNK  /* file */
};

enum { SENTENCE_SIZE = 200 };

/* What one worker at a time holds. Written by that worker, read by its successor and, after the
 * join, by the master. */
struct slot_shm {
    alignas(CACHE_LINE) struct block_shm *words;
    struct block_shm *cells;
    enum problem problem;
    int error; /* errno */
    size_t file;
    char sentence[SENTENCE_SIZE];
};

/* The root. All but next_chunk is fixed before the first worker starts. */
struct job_shm {
    struct slot_shm *slots;
    unsigned n_slots;
    _Atomic uint32_t *chunks; /* see chunks.h */
    size_t n_chunks;
    word_place *buckets;
    size_t n_buckets;                                /* a power of two */
    alignas(CACHE_LINE) _Atomic uint64_t next_chunk; /* nobody has asked for this one yet */
};

static_assert(sizeof(struct cell_shm) == CACHE_LINE, "a cell is a cache line");
static_assert(sizeof(struct block_shm) == CACHE_LINE, "cells in a block start at a cache line");
static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_POINTER_LOCK_FREE == 2,
              "a lock of libatomic would not be shared");

#endif
