#include "pools.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "memory.h"
#include "say.h"

enum { LOOKS = 10 /* again, at what another look may be in the way of */ };

static void take_a_nap(void)
{
    const struct timespec nap = {.tv_nsec = 5000000};
    nanosleep(&nap, NULL);
}

/* ---- reading ---- */

struct reading {
    struct pools *pools;
    bool with_stats;
};

static const char *kept(const char *text)
{
    return text != NULL ? strdup(text) : NULL;
}

bool pools_is_sound(const struct seen *seen)
{
    return seen->listed.wrong == NULL && seen->listed.handle != NULL;
}

struct counting {
    shmpool_id pool;
    struct seen *seen;
};

static void count(void *arg)
{
    const struct counting *counting = arg;
    counting->seen->has_stats = shmpool_stats(counting->pool, &counting->seen->stats) == 0;
}

/* What can be listed and not be mapped has no figures: its address is occupied here, say. */
static void read_stats(struct seen *seen)
{
    shmpool_id pool = pools_is_sound(seen) ? shmpool_inspect(seen->listed.handle) : -1;
    if (pool < 0)
        return;
    struct counting counting = {pool, seen};
    if (!memory_outlasts(count, &counting))
        seen->listed.wrong = kept(MEMORY_LOST);
    shmpool_release(pool);
}

static int keep(const struct shmpool_listed *listed, void *arg)
{
    struct reading *reading = arg;
    struct pools *pools = reading->pools;
    struct seen *more = realloc(pools->all, (pools->n + 1) * sizeof *more);
    if (more == NULL)
        return 1;
    pools->all = more;
    struct seen *seen = &more[pools->n++];
    *seen = (struct seen){.listed = *listed};
    seen->listed.backend = kept(listed->backend);
    seen->listed.name = kept(listed->name);
    seen->listed.handle = kept(listed->handle);
    seen->listed.where = kept(listed->where);
    seen->listed.wrong = kept(listed->wrong);
    if (reading->with_stats)
        read_stats(seen);
    return 0;
}

/* The kept strings are this program's own, whatever their type says. */
static void drop(const char *text)
{
    free((void *)(uintptr_t)text);
}

void pools_end(struct pools *pools)
{
    for (size_t i = 0; i < pools->n; i++) {
        const struct shmpool_listed *listed = &pools->all[i].listed;
        drop(listed->backend);
        drop(listed->name);
        drop(listed->handle);
        drop(listed->where);
        drop(listed->wrong);
    }
    free(pools->all);
    *pools = (struct pools){0};
}

/* ---- names ---- */

static const char *behind_backend(const char *handle)
{
    const char *colon = strchr(handle, ':');
    return colon != NULL ? colon + 1 : handle;
}

const char *pools_shown(const struct seen *seen)
{
    if (seen->listed.handle != NULL)
        return seen->is_plain ? behind_backend(seen->listed.handle) : seen->listed.handle;
    return seen->listed.name != NULL ? seen->listed.name : seen->listed.where;
}

/* Whether the pool is of the backend that the name begins with, or else SHMPOOL_BACKEND says. */
static bool is_of_backend(const struct seen *seen, const char *name)
{
    const char *colon = strchr(name, ':');
    const char *variable = getenv("SHMPOOL_BACKEND");
    size_t length = colon != NULL ? (size_t)(colon - name) : 0;
    if (colon != NULL)
        return strlen(seen->listed.backend) == length &&
               strncmp(seen->listed.backend, name, length) == 0;
    return variable == NULL || variable[0] == '\0' || strcmp(variable, seen->listed.backend) == 0;
}

static bool has_handle(const struct seen *seen, const char *plain)
{
    return seen->listed.handle != NULL && strcmp(behind_backend(seen->listed.handle), plain) == 0;
}

static bool has_label(const struct seen *seen, const char *plain)
{
    return seen->listed.name != NULL && strcmp(seen->listed.name, plain) == 0;
}

/* A backend that is in the way of no name: the order is the library's own. */
static const struct seen *first(const struct pools *pools, const char *name, const char *plain,
                                bool (*fits)(const struct seen *seen, const char *plain), size_t *n)
{
    const struct seen *found = NULL;
    *n = 0;
    for (size_t i = 0; i < pools->n; i++)
        if (is_of_backend(&pools->all[i], name) && fits(&pools->all[i], plain) && (*n)++ == 0)
            found = &pools->all[i];
    return found;
}

/* Which of those with one name in several backends the name alone means. */
static void find_plain(struct pools *pools)
{
    size_t n;
    for (size_t i = 0; i < pools->n; i++) {
        struct seen *seen = &pools->all[i];
        const char *plain = seen->listed.handle != NULL ? behind_backend(seen->listed.handle) : "";
        seen->is_plain = first(pools, plain, plain, has_handle, &n) == seen;
    }
}

int pools_read(struct pools *pools, bool with_stats)
{
    struct reading reading = {pools, with_stats};
    *pools = (struct pools){0};
    int result = shmpool_list(keep, &reading);
    if (result < 0)
        say_failure();
    if (result > 0)
        say("no memory for the list of pools");
    if (result != 0)
        pools_end(pools);
    find_plain(pools);
    return result == 0 ? 0 : -1;
}

const struct seen *pools_named(const struct pools *pools, const char *name)
{
    size_t n;
    const char *plain = behind_backend(name);
    if (plain[0] == '/')
        plain++;
    const struct seen *found = first(pools, name, plain, has_handle, &n);
    if (found != NULL)
        return found;
    found = first(pools, name, plain, has_label, &n);
    if (found != NULL && n == 1)
        return found;
    if (n > 1)
        say("%zu pools are called %s: say which one, as shmpool ls shows them", n, name);
    else
        say("there is no pool '%s' that this user may see: shmpool ls shows all", name);
    return NULL;
}

/* A pool without a name is listed by one of those who have it; just now that may be one who only
 * looks at it, and not the one that the command line names. */
static bool may_come_back(const struct pools *pools, const char *name)
{
    size_t n;
    return strchr(name, '@') != NULL &&
           first(pools, name, behind_backend(name), has_handle, &n) == NULL;
}

int pools_read_named(struct pools *pools, char *const *names, size_t n_names)
{
    for (int i = 0; pools_read(pools, false) == 0; i++) {
        bool is_complete = true;
        for (size_t k = 0; k < n_names; k++)
            is_complete = is_complete && !may_come_back(pools, names[k]);
        if (is_complete || i == LOOKS)
            return 0;
        pools_end(pools);
        take_a_nap();
    }
    return -1;
}

const struct seen *pools_find(char *name)
{
    static struct pools pools;
    return pools_read_named(&pools, &name, 1) == 0 ? pools_named(&pools, name) : NULL;
}

int pools_each_named(const struct request *request,
                     int (*act)(const struct request *request, const struct seen *seen))
{
    struct pools pools;
    int status = STATUS_FINE;
    if (pools_read_named(&pools, request->operands, request->n_operands) != 0)
        return STATUS_FOUND;
    for (size_t i = 0; i < request->n_operands; i++) {
        const struct seen *seen = pools_named(&pools, request->operands[i]);
        status |= seen != NULL ? act(request, seen) : STATUS_FOUND;
    }
    pools_end(&pools);
    return status;
}

/* ---- use ---- */

/* What processes that this user may not look into have mapped, the list does not know. Of an orphan
 * the library can tell whether anybody has it; a creator that lives may. */
static bool may_be_used_unseen(const struct seen *seen)
{
    if (seen->listed.unseen == 0)
        return false;
    if (seen->listed.state == SHMPOOL_ORPHAN)
        return shmpool_collect(&seen->listed, SHMPOOL_PRETEND) != 0 && errno == EBUSY;
    return seen->listed.state == SHMPOOL_IDLE && seen->listed.creator_life == SHMPOOL_ALIVE;
}

/* A damaged pool may be in use like any other. */
static bool is_in_use(const struct seen *seen)
{
    return seen->listed.state == SHMPOOL_LIVE || seen->listed.holders > 0 ||
           may_be_used_unseen(seen);
}

static bool is_same(const struct seen *a, const struct seen *b)
{
    return strcmp(a->listed.backend, b->listed.backend) == 0 &&
           a->listed.device == b->listed.device && a->listed.inode == b->listed.inode;
}

static bool is_still_in_use(const struct seen *seen)
{
    struct pools now;
    bool in_use = false;
    if (pools_read(&now, false) != 0)
        return true;
    for (size_t i = 0; i < now.n; i++)
        in_use |= is_same(&now.all[i], seen) && is_in_use(&now.all[i]);
    pools_end(&now);
    return in_use;
}

bool pools_stays_in_use(const struct seen *seen)
{
    bool in_use = is_in_use(seen);
    for (int i = 0; i < LOOKS && in_use; i++) {
        take_a_nap();
        in_use = is_still_in_use(seen);
    }
    return in_use;
}

/* ---- opening ---- */

shmpool_id pools_open(const struct seen *seen)
{
    if (seen->listed.wrong != NULL)
        say("%s", seen->listed.wrong);
    else if (seen->listed.handle == NULL)
        say("%s (%s) cannot be reached: no process that has it lets this user in",
            pools_shown(seen), seen->listed.where);
    if (!pools_is_sound(seen))
        return -1;
    shmpool_id pool = shmpool_inspect(seen->listed.handle);
    if (pool < 0)
        say_failure();
    return pool;
}

shmpool_id pools_open_to_work(const struct seen *seen)
{
    if (seen->listed.handle != NULL && strchr(seen->listed.handle, '@') != NULL) {
        say("%s has no name by which it could be opened to work in it: that is left to the "
            "processes "
            "that have it; the tool can only look",
            pools_shown(seen));
        return -1;
    }
    if (!pools_is_sound(seen))
        return pools_open(seen);
    shmpool_id pool = shmpool_open(seen->listed.handle, 0);
    if (pool < 0)
        say_failure();
    return pool;
}

/* ---- words ---- */

const char *pools_state(enum shmpool_state state)
{
    static const char *const words[] = {
        [SHMPOOL_LIVE] = "live",
        [SHMPOOL_IDLE] = "idle",
        [SHMPOOL_ORPHAN] = "orphan",
        [SHMPOOL_UNFINISHED] = "unfinished",
        [SHMPOOL_DAMAGED] = "damaged",
        [SHMPOOL_OTHER_VERSION] = "version",
        [SHMPOOL_UNREADABLE] = "unreadable",
    };
    return words[state];
}

const char *pools_life(enum shmpool_life life)
{
    static const char *const words[] = {
        [SHMPOOL_ALIVE] = "alive", [SHMPOOL_DEAD] = "dead", [SHMPOOL_LIFE_UNKNOWN] = "unknown"};
    return words[life];
}
