#include "lexicon.h"

#include <stdlib.h>

enum { FIRST_SIZE = 1 << 13 };

int lexicon_open(struct lexicon *lexicon)
{
    *lexicon =
        (struct lexicon){calloc(FIRST_SIZE, sizeof(struct lexicon_entry)), FIRST_SIZE - 1, 0};
    return lexicon->entries == NULL ? -1 : 0;
}

void lexicon_close(struct lexicon *lexicon)
{
    free(lexicon->entries);
    *lexicon = (struct lexicon){0};
}

static void put(struct lexicon *lexicon, struct lexicon_entry entry)
{
    size_t i = entry.hash & lexicon->mask;
    while (lexicon->entries[i].cell != NULL)
        i = (i + 1) & lexicon->mask;
    lexicon->entries[i] = entry;
    lexicon->n_words++;
}

static int grow(struct lexicon *lexicon)
{
    size_t size = lexicon->mask + 1;
    struct lexicon larger = {calloc(2 * size, sizeof(struct lexicon_entry)), 2 * size - 1, 0};
    if (larger.entries == NULL)
        return -1;
    for (size_t i = 0; i < size; i++)
        if (lexicon->entries[i].cell != NULL)
            put(&larger, lexicon->entries[i]);
    free(lexicon->entries);
    *lexicon = larger;
    return 0;
}

int lexicon_add(struct lexicon *lexicon, uint64_t hash, struct cell_shm *cell)
{
    if (lexicon->n_words > lexicon->mask / 2 && grow(lexicon) != 0)
        return -1;
    put(lexicon, (struct lexicon_entry){hash, cell});
    return 0;
}
