/* grow: makes a pool larger, which every process that has it sees at once. */
#include "pools.h"
#include "say.h"
#include "verbs.h"

int verb_grow(const struct request *request)
{
    size_t size = options_size("grow", request->operands[1]);
    const struct seen *seen = pools_find(request->operands[0]);
    shmpool_id pool = seen != NULL ? pools_open_to_work(seen) : -1;
    if (pool < 0)
        return STATUS_FOUND;
    return shmpool_grow(pool, size) == 0 ? STATUS_FINE : say_failure();
}
