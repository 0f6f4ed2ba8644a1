/* A pool as anybody would write it down: for each page, which block it belongs to. */
#ifndef TESTS_HOSTILE_MODEL_H
#define TESTS_HOSTILE_MODEL_H

#include <stdbool.h>
#include <stddef.h>

enum { MODEL_PAGES = 1200 };

struct model {
    size_t n_pages;
    size_t phase;               /* page number of the first page in the address space */
    size_t length[MODEL_PAGES]; /* of the block that starts here; 0: none does */
    bool taken[MODEL_PAGES];
    bool shared[MODEL_PAGES]; /* the block that starts here was published */
};

/* Whether n free pages in a row begin at a multiple of align pages. */
bool model_has_room(const struct model *model, size_t n, size_t align);

/* False when one of the pages does not exist or is taken. */
bool model_take(struct model *model, size_t page, size_t n);
void model_free(struct model *model, size_t page);

size_t model_free_pages(const struct model *model);
size_t model_longest(const struct model *model);
size_t model_blocks(const struct model *model);

/* The first page of the number'th block, counted round; n_pages when there is none. */
size_t model_block(const struct model *model, size_t number);

#endif
