#include "family/grants.h"

#include <errno.h>
#include <string.h>

#include "backend/call.h"
#include "base/error.h"
#include "family/letter.h"
#include "family/mailbox.h"
#include "family/pools.h"
#include "family/rights.h"

const struct shmpool_grant shmpool_inherit_none[1] = {{0, 0}};

static int has(const uint64_t *set, unsigned index)
{
    return (int)(set[index / 64] >> index % 64 & 1);
}

static void add(uint64_t *set, unsigned index)
{
    set[index / 64] |= UINT64_C(1) << index % 64;
}

/* A read-only grant of a writable pool needs the read-only descriptor in the child. */
static int plan_grant(struct grants *grants, const struct shmpool_grant *grant)
{
    unsigned index = (uint32_t)grant->pool % REGISTRY_ENTRIES;
    struct shmpool_description description;
    struct pool *pool = pools_find(grant->pool);
    if (pool == NULL)
        return -1;
    if (grant->flags & ~(unsigned)SHMPOOL_RDONLY)
        return error_set(EINVAL, "a grant takes SHMPOOL_RDONLY, not %#x",
                         grant->flags & ~(unsigned)SHMPOOL_RDONLY);
    if (has(grants->keep, index))
        return error_set(EINVAL, "pool %d (%s) is granted twice", (int)grant->pool, pool->name);
    if (pool->readonly && !(grant->flags & SHMPOOL_RDONLY))
        return error_set(EROFS,
                         "pool %d (%s) is read-only in this process: it can be granted "
                         "read-only",
                         (int)grant->pool, pool->name);
    if (!pool->readonly && (grant->flags & SHMPOOL_RDONLY)) {
        if (call_describe(pool->backend, &pool->object, &description) != 0)
            return -1;
        add(grants->readonly, index);
    }
    add(grants->keep, index);
    grants->n++;
    return 0;
}

static int plan_list(struct grants *grants, const struct shmpool_start_options *options)
{
    if (options->inherit == shmpool_inherit_none && options->n_inherit > 0)
        return error_set(EINVAL, "SHMPOOL_INHERIT_NONE goes with a length of 0, not %zu",
                         options->n_inherit);
    for (size_t i = 0; i < options->n_inherit; i++)
        if (plan_grant(grants, &options->inherit[i]) != 0)
            return -1;
    return 0;
}

int grants_plan(struct grants *grants, const struct shmpool_start_options *options)
{
    memset(grants, 0, sizeof *grants);
    grants->all = options == NULL || options->inherit == NULL;
    if (!grants->all)
        return plan_list(grants, options);
    if (options != NULL && options->n_inherit > 0)
        return error_set(EINVAL, "the list of grants is NULL, its length %zu", options->n_inherit);
    return 0;
}

int grants_right(const struct grants *grants, shmpool_id id)
{
    unsigned index = (uint32_t)id % REGISTRY_ENTRIES;
    if (!grants->all && !has(grants->keep, index))
        return GRANT_NONE;
    return has(grants->readonly, index) ? GRANT_READONLY : GRANT_AS_IT_IS;
}

struct application {
    const struct grants *grants;
    int failed;
};

static void apply(void *context, struct pool *pool)
{
    struct application *application = context;
    unsigned index = (uint32_t)atomic_load(&pool->id) % REGISTRY_ENTRIES;
    if (!has(application->grants->keep, index)) {
        pools_drop(pool);
        atomic_store(&pool->id, 0);
    } else if (has(application->grants->readonly, index) && pools_make_readonly(pool) != 0) {
        application->failed = 1;
    }
}

int grants_apply(const struct grants *grants)
{
    struct application application = {grants, 0};
    pools_drop_unfinished();
    if (!grants->all) {
        rights_restrict();
        mailbox_restrict();
        letter_forget();
        pools_each(apply, &application);
    }
    return application.failed ? -1 : 0;
}
