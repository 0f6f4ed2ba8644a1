/* The malloc of the process: glibc's, or the one that LD_PRELOAD puts in its place. Its memory is
 * private, so this is a reference and no competitor. */
#include <malloc.h>
#include <stdlib.h>

#include "contender.h"

static uint64_t create(uint64_t n_pages)
{
    return n_pages;
}

static void destroy(void)
{
}

const struct contender contender_malloc = {
    .name = "malloc",
    .create = create,
    .alloc = malloc,
    .release = free,
    .size = malloc_usable_size,
    .destroy = destroy,
    .is_private = 1,
};
