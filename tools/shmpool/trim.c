/* trim: gives memory of free pages back to the system. */
#include <stdio.h>

#include "columns.h"
#include "pools.h"
#include "say.h"
#include "verbs.h"

static int trim(const struct request *request, const struct seen *seen)
{
    struct cell cell;
    shmpool_id pool = pools_open_to_work(seen);
    ssize_t given = pool > 0 ? shmpool_trim(pool) : -1;
    if (pool > 0 && given < 0)
        say_failure();
    if (pool > 0)
        shmpool_release(pool);
    if (given < 0)
        return STATUS_FOUND;
    cell_number(&cell, (uint64_t)given);
    printf("%s: %s given back\n", pools_shown(seen),
           cell_read(&cell, COLUMN_BYTES, request->bytes));
    return STATUS_FINE;
}

int verb_trim(const struct request *request)
{
    return say_ended(pools_each_named(request, trim));
}
