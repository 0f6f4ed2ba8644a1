#include "backend_sysv/populate.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include "base/error.h"

/* Linux 5.14; the C library's headers may be older than the kernel. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum { CHUNK = 32 << 20 }; /* about 30 ms */

static int refuse(size_t size)
{
    struct sysinfo system;
    char asked[ERROR_SIZE_TEXT], unused[ERROR_SIZE_TEXT];
    int code = errno;
    error_size(asked, size);
    if (code == EINVAL)
        return error_set(
            ENOTSUP, "this kernel cannot set %s of System V memory aside: that takes Linux 5.14",
            asked);
    if ((code != EFAULT && code != ENOMEM) || sysinfo(&system) != 0)
        return error_set(code, "%s of System V memory cannot be set aside: %s", asked,
                         strerror(code));
    /* EFAULT: touching the page would be SIGBUS. */
    return error_set(ENOMEM,
                     "%s of System V memory cannot be set aside: %s of memory and swap space are "
                     "free; end something that uses memory, or add swap space",
                     asked,
                     error_size(unused, (system.freeram + system.freeswap) * system.mem_unit));
}

static int populate_chunk(char *address, size_t length)
{
    int result;
    do
        result = madvise(address, length, MADV_POPULATE_WRITE);
    while (result != 0 && (errno == EINTR || errno == EAGAIN));
    return result;
}

int populate(void *address, size_t size)
{
    for (size_t done = 0; done < size; done += CHUNK) {
        size_t length = size - done < CHUNK ? size - done : CHUNK;
        if (populate_chunk((char *)address + done, length) != 0)
            return refuse(size);
    }
    return 0;
}
