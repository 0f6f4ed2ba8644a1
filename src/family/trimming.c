#include "family/trimming.h"

#include <errno.h>
#include <pthread.h>
#include <shmpool/pool.h>

#include "backend/anonymous.h"
#include "backend/call.h"
#include "base/error.h"
#include "core/trim.h"
#include "family/members.h"
#include "family/process.h"

enum {
    CHUNK = 2 << 20,      /* bytes that are out of use at a time: about 0.2 ms */
    FROM_LENGTH = 2 << 20 /* bytes of a freed run that is given back by itself */
};

struct trimming {
    struct pool *pool;
    uint64_t given; /* bytes */
};

static int give_back(void *context, uint64_t page, uint64_t n)
{
    struct trimming *trimming = context;
    struct pool *pool = trimming->pool;
    char *start = (char *)view_address_of(&pool->view, page);
    uint64_t length = n << pool->view.page_shift;
    uint64_t resident = mapping_resident(start, length);
    if (call_discard(pool->backend, &pool->object, pool->base,
                     (uint64_t)(start - (char *)pool->base), length) != 0)
        return -1;
    trimming->given += resident;
    return 0;
}

static struct trim trim_of(struct trimming *trimming)
{
    const struct pool *pool = trimming->pool;
    return (struct trim){.most = CHUNK >> pool->view.page_shift,
                         .used_only = (pool->flags & POOL_KEEPS_USED) != 0,
                         .give_back = give_back,
                         .context = trimming};
}

/* Each chunk is a call of its own: in between signal handlers may use the pool. */
static int trim_range(struct pool *pool, struct trim *trim, uint64_t page, uint64_t end)
{
    while (page < end && !trim->failed) {
        int cancel;
        struct member *member = members_enter(pool);
        if (member == NULL)
            return -1;
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
        page = trim_next(&pool->view, &member->actor, trim, page, end);
        pthread_setcancelstate(cancel, &cancel);
        members_leave(member);
    }
    return trim->failed ? -1 : 0;
}

void trimming_freed(struct pool *pool, uint64_t page, uint64_t n)
{
    struct trimming trimming = {.pool = pool};
    struct trim trim = trim_of(&trimming);
    struct error_before before;
    uint64_t start = page;
    uint64_t enough = FROM_LENGTH >> pool->view.page_shift;
    uint64_t length = trim_run_around(&pool->view, &trim, page, n, enough, &start);
    if (length < enough || (pool->flags & SHMPOOL_COMMIT))
        return;
    error_remember(&before);
    trim_range(pool, &trim, start, start + length);
    error_forget_since(&before);
}

ssize_t shmpool_trim(shmpool_id id)
{
    if (process_begin() != 0)
        return -1;
    struct pool *pool = pools_find_writable(id);
    if (pool == NULL)
        return -1;
    if (pool->flags & SHMPOOL_COMMIT)
        return error_set(ENOTSUP, "pool %s was created with SHMPOOL_COMMIT: its memory stays",
                         pool->name);
    if (pool->backend->discard == NULL)
        return error_set(ENOTSUP, "backend %s cannot give memory back to the system",
                         pool->backend->name);
    pools_refresh(pool);
    struct trimming trimming = {.pool = pool};
    struct trim trim = trim_of(&trimming);
    uint64_t limit = view_limit(&pool->view);
    uint64_t extent = view_extent(&pool->view);
    if (trim_range(pool, &trim, 0, extent < limit ? extent : limit) != 0)
        return -1;
    return (ssize_t)trimming.given;
}
