/* The text of a chunk, read into private memory and cut at word borders.
 *
 * A word belongs to the chunk in which it starts. So a chunk leaves out the rest of a word that
 * started before it, and is read on, as far as it takes, to the end of a word that starts in it. */
#ifndef WORDCOUNT_PASSAGE_H
#define WORDCOUNT_PASSAGE_H

#include "input.h"

struct passage {
    unsigned char *text;
    size_t room;
    size_t length;
    const unsigned char *begin; /* the words in [begin, end) belong to the chunk */
    const unsigned char *end;   /* SCAN_PADDING zeroes follow */
};

/* Reads a chunk into *passage, which may be used again and again, at first zeroed. 0, or -1 and
 * errno; ENODATA: the file has become shorter. */
int passage_read(struct passage *passage, const struct input *input, size_t chunk);

void passage_free(struct passage *passage);

#endif
