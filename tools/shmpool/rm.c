/* rm: removes pools, those that are in use only by force. */
#include <string.h>

#include "pools.h"
#include "say.h"
#include "verbs.h"

static int refuse(const struct seen *seen)
{
    size_t others = seen->listed.holders > 1 ? seen->listed.holders - 1 : 0;
    if (others > 0)
        say("%s is in use, by process %d and %zu more: --force removes it all the same",
            pools_shown(seen), (int)seen->listed.holder, others);
    else if (seen->listed.holder != 0)
        say("%s is in use, by process %d: --force removes it all the same", pools_shown(seen),
            (int)seen->listed.holder);
    else
        say("%s is in use: --force removes it all the same", pools_shown(seen));
    return STATUS_FOUND;
}

static int rm(const struct request *request, const struct seen *seen)
{
    if (seen->listed.handle == NULL || strchr(seen->listed.handle, '@') != NULL) {
        say("%s (%s) has no name that could be removed: it goes with its last user",
            pools_shown(seen), seen->listed.where);
        return STATUS_FOUND;
    }
    if (!request->force && pools_stays_in_use(seen))
        return refuse(seen);
    return shmpool_unlink_name(seen->listed.handle) == 0 ? STATUS_FINE : say_failure();
}

int verb_rm(const struct request *request)
{
    return say_ended(pools_each_named(request, rm));
}
