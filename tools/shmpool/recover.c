/* recover: brings pools back to order, and on request frees what dead processes owned. */
#include <stdio.h>

#include "pools.h"
#include "say.h"
#include "verbs.h"

static int refuse(const struct seen *seen)
{
    say("%s is in use, and somebody may hold pointers to what the dead owned: --reclaim wants "
        "--force",
        pools_shown(seen));
    return STATUS_FOUND;
}

static int reclaim(const struct seen *seen, shmpool_id pool)
{
    ssize_t freed = shmpool_reclaim(pool, 0);
    if (freed < 0)
        return say_failure();
    printf("%s: %zd bytes of dead processes freed\n", pools_shown(seen), freed);
    return STATUS_FINE;
}

static int recover(const struct request *request, const struct seen *seen)
{
    int status = STATUS_FINE;
    if (request->reclaim && !request->force && pools_stays_in_use(seen))
        return refuse(seen);
    shmpool_id pool = pools_open_to_work(seen);
    if (pool < 0)
        return STATUS_FOUND;
    if (shmpool_recover(pool) != 0)
        status = say_failure();
    else if (request->reclaim)
        status = reclaim(seen, pool);
    shmpool_release(pool);
    return status;
}

int verb_recover(const struct request *request)
{
    return say_ended(pools_each_named(request, recover));
}
