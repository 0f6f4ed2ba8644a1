/* Adding up: the totals, and the most frequent words. Only when no worker is counting. */
#ifndef WORDCOUNT_TALLY_H
#define WORDCOUNT_TALLY_H

#include "layout.h"

struct tally_entry {
    uint64_t count;
    const struct word_shm *word; /* in the pool */
};

struct tally {
    uint64_t words;
    uint64_t distinct;
    struct tally_entry *top; /* the most frequent first; equal ones in the order of the words */
    size_t n_top;
};

/* At most limit words in the top list. 0, or -1 and errno: no memory. */
int tally_make(struct tally *tally, const struct job_shm *job, size_t limit);

void tally_free(struct tally *tally);

#endif
