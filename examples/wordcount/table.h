/* The hash table in the pool, in which all workers count. */
#ifndef WORDCOUNT_TABLE_H
#define WORDCOUNT_TABLE_H

#include "arena.h"
#include "scan.h"

/* A worker's hold on the job: everything that it may add to. */
struct hand {
    struct job_shm *job;
    unsigned slot;
    bool successor; /* another worker held this slot before: it may have left cells */
    struct arena words;
    struct arena cells;
};

void table_open(struct hand *hand, shmpool_id pool, unsigned slot);

/* This slot's cell of the word; word and cell are added where they are missing. Lock-free. NULL and
 * errno: the library's. */
struct cell_shm *table_cell(struct hand *hand, const struct spelling *word);

/* Whether the word is spelled like this. */
bool table_same_letters(const struct word_shm *word, const struct spelling *spelling);

/* Whether the cell's word is this one; the hashes are known to be equal. */
static inline bool table_is_word(const struct cell_shm *cell, const struct spelling *word)
{
    uint64_t different = (cell->key[0] ^ word->key[0]) | (cell->key[1] ^ word->key[1]);
    return different == 0 && (!cell->longer || table_same_letters(cell->word, word));
}

#endif
