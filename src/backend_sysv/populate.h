/* Taking the memory of a mapping from the system. */
#ifndef SHMPOOL_BACKEND_SYSV_POPULATE_H
#define SHMPOOL_BACKEND_SYSV_POPULATE_H

#include <stddef.h>

/* Touches every page of the writable mapping, so that none of them raises SIGBUS later.
 * Errors: ENOMEM, ENOTSUP (Linux before 5.14); what was taken until then stays taken. */
int populate(void *address, size_t size);

#endif
