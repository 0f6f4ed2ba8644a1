/* gc: removes what is left over, and says what; of what was named also what stays, and why. */
#include <errno.h>
#include <shmpool/inspect.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "pools.h"
#include "say.h"
#include "verbs.h"

/* What has none goes with its last user. */
static bool has_name(const struct shmpool_listed *listed)
{
    return listed->handle != NULL && strchr(listed->handle, '@') == NULL;
}

/* What somebody only looks at seems live for a moment: the library waits for that one. What
 * somebody has and has not finished is not left over yet. */
static bool may_be_left_over(const struct seen *seen)
{
    const struct shmpool_listed *listed = &seen->listed;
    return listed->state == SHMPOOL_ORPHAN ||
           (listed->state == SHMPOOL_UNFINISHED && listed->holder == 0) ||
           (listed->state == SHMPOOL_LIVE && listed->creator_life == SHMPOOL_DEAD &&
            has_name(listed));
}

/* What was collected had nobody, whoever looked at it when the list was made. */
static const char *state_of(const struct seen *seen)
{
    return pools_state(seen->listed.state == SHMPOOL_LIVE ? SHMPOOL_ORPHAN : seen->listed.state);
}

static const char *handle_of(const struct seen *seen)
{
    return seen->listed.handle != NULL ? seen->listed.handle : seen->listed.where;
}

static void write_pool(const struct seen *seen, bool pretend)
{
    json_object(NULL);
    json_text("name", seen->listed.name);
    json_text("backend", seen->listed.backend);
    json_text("where", seen->listed.where);
    json_text("state", state_of(seen));
    json_number("object", seen->listed.size);
    json_text("done", pretend ? "found" : "removed");
    json_object_end();
}

static void print_pool(const struct seen *seen, bool pretend)
{
    printf("%s %s %s\n", pretend ? "would remove" : "removed", state_of(seen), handle_of(seen));
}

/* What somebody uses by now, or removed before us, is no failure. */
static bool is_fine(int code)
{
    return code == EBUSY || code == ENOENT || code == EAGAIN;
}

static int collect(const struct request *request, const struct seen *seen)
{
    if (shmpool_collect(&seen->listed, request->dry_run ? SHMPOOL_PRETEND : 0) != 0) {
        if (!is_fine(errno)) {
            say("%s: %s", handle_of(seen), shmpool_errmsg());
            return STATUS_FOUND;
        }
        if (request->n_operands > 0)
            say("left alone: %s", shmpool_errmsg());
        return STATUS_FINE;
    }
    if (request->json)
        write_pool(seen, request->dry_run);
    else
        print_pool(seen, request->dry_run);
    return STATUS_FINE;
}

static int collect_all(const struct request *request, const struct pools *pools)
{
    int status = STATUS_FINE;
    for (size_t i = 0; i < pools->n; i++)
        if (may_be_left_over(&pools->all[i]))
            status |= collect(request, &pools->all[i]);
    return status;
}

static int collect_named(const struct request *request, const struct pools *pools)
{
    int status = STATUS_FINE;
    for (size_t i = 0; i < request->n_operands; i++) {
        const struct seen *seen = pools_named(pools, request->operands[i]);
        if (seen == NULL)
            status = STATUS_FOUND;
        else if (may_be_left_over(seen))
            status |= collect(request, seen);
        else
            say("left alone: %s is %s", request->operands[i], pools_state(seen->listed.state));
    }
    return status;
}

int verb_gc(const struct request *request)
{
    struct pools pools;
    if (pools_read_named(&pools, request->operands, request->n_operands) != 0)
        return STATUS_FOUND;
    if (request->json) {
        json_object(NULL);
        json_array("gc");
    }
    int status =
        request->n_operands > 0 ? collect_named(request, &pools) : collect_all(request, &pools);
    if (request->json) {
        json_array_end();
        json_object_end();
    }
    pools_end(&pools);
    return say_ended(status);
}
