#include "backend/anonymous.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/limits.h"
#include "base/error.h"

static void *map_anonymous(size_t size, int flags)
{
    void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    return mapped != MAP_FAILED ? mapped : limits_refuse_mapping(errno, size);
}

void *anonymous_shared(size_t size)
{
    return map_anonymous(size, MAP_SHARED | MAP_NORESERVE);
}

void *anonymous_fork_page(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *page = map_anonymous(size, MAP_PRIVATE);
    if (page == NULL || madvise(page, size, MADV_WIPEONFORK) == 0)
        return page;
    munmap(page, size);
    error_set(ENOTSUP, "this kernel cannot wipe a page on fork (MADV_WIPEONFORK, Linux 4.14)");
    return NULL;
}

void anonymous_unmap(void *address, size_t length)
{
    munmap(address, length);
}

int mapping_keep_out_of_dumps(void *address, size_t length)
{
    if (madvise(address, length, MADV_DONTDUMP) == 0)
        return 0;
    return error_set_plain(errno, "a mapping cannot be kept out of core dumps");
}

size_t mapping_resident(void *address, size_t length)
{
    enum { AT_A_TIME = 512 };
    unsigned char pages[AT_A_TIME];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t n = 0;
    for (size_t done = 0; done < length; done += AT_A_TIME * page) {
        size_t part = length - done < AT_A_TIME * page ? length - done : AT_A_TIME * page;
        if (mincore((char *)address + done, part, pages) != 0)
            continue;
        for (size_t i = 0; i < part / page; i++)
            n += pages[i] & 1;
    }
    return n * page;
}
