/* A worker's own way to its cells: an open hash table in private memory, from words to the cells in
 * the pool. It spares the worker the walk through shared lists for every word but the new ones. */
#ifndef WORDCOUNT_LEXICON_H
#define WORDCOUNT_LEXICON_H

#include "table.h"

struct lexicon_entry {
    uint64_t hash;
    struct cell_shm *cell; /* NULL: empty */
};

struct lexicon {
    struct lexicon_entry *entries;
    size_t mask; /* number of entries - 1 */
    size_t n_words;
};

/* 0, or -1: no memory. */
int lexicon_open(struct lexicon *lexicon);
void lexicon_close(struct lexicon *lexicon);

/* Remembers the cell of a new word. 0, or -1: no memory. */
int lexicon_add(struct lexicon *lexicon, uint64_t hash, struct cell_shm *cell);

/* Where the search for a word with this hash starts. */
static inline const struct lexicon_entry *lexicon_place(const struct lexicon *lexicon,
                                                        uint64_t hash)
{
    return &lexicon->entries[hash & lexicon->mask];
}

/* The word's cell, or NULL when it is new. */
static inline struct cell_shm *lexicon_find(const struct lexicon *lexicon,
                                            const struct spelling *word)
{
    for (size_t i = word->hash & lexicon->mask;; i = (i + 1) & lexicon->mask) {
        const struct lexicon_entry *entry = &lexicon->entries[i];
        if (entry->cell == NULL)
            return NULL;
        if (entry->hash == word->hash && table_is_word(entry->cell, word))
            return entry->cell;
    }
}

#endif
