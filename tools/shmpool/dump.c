/* dump: what the library writes of a pool. */
#include <stdio.h>

#include "pools.h"
#include "say.h"
#include "verbs.h"

int verb_dump(const struct request *request)
{
    const struct seen *seen = pools_find(request->operands[0]);
    shmpool_id pool = seen != NULL ? pools_open(seen) : -1;
    if (pool < 0)
        return STATUS_FOUND;
    return shmpool_dump(pool, stdout) == 0 ? STATUS_FINE : say_failure();
}
