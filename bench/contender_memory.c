#include <stdio.h>
#include <sys/mman.h>

#include "contender.h"

void *contender_memory(uint64_t n_pages, size_t *bytes)
{
    *bytes = (n_pages + n_pages / 256 + 64) * BENCH_PAGE;
    void *base = mmap(NULL, *bytes, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base != MAP_FAILED)
        return base;
    perror("mmap");
    return NULL;
}
