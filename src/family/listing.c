/* Which pools there are on this machine, and opening one of them for a look.
 *
 * The backends say which objects there are; each is opened for a moment, for reading only, and its
 * header looked at as that of any object that nobody vouches for. */
#include <errno.h>
#include <shmpool/inspect.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/call.h"
#include "backend/held.h"
#include "backend/selection.h"
#include "base/error.h"
#include "base/plain.h"
#include "family/contents.h"
#include "family/holders.h"
#include "family/names.h"
#include "family/open.h"
#include "family/process.h"
#include "family/standing.h"

/* "backend:name@pid.inode" */
enum { HANDLE_SIZE = 32 + NAME_LIMIT + 48, WHERE_SIZE = 1024 };

/* ---- opening what was found ---- */

/* By a name, by a descriptor of a process that has it, or by what it is. */
static int hold(const struct shmpool_backend *backend, const struct shmpool_found *found,
                pid_t holder, struct shmpool_object *object)
{
    bool is_file = (backend->capabilities & SHMPOOL_BACKEND_DESCRIPTORS) != 0;
    if (!found->nameless && found->name != NULL)
        return call_open(backend, object, found->name, SHMPOOL_MAP_RDONLY);
    *object = (struct shmpool_object){
        .fd = -1, .fd_readonly = -1, .device = found->device, .inode = found->inode};
    const char *where = holder == found->holder ? found->where : NULL;
    if (is_file && held_open(object, where, holder, found->device, found->inode) != 0)
        return -1;
    if (call_adopt(backend, object) == 0)
        return 0;
    call_close(backend, object);
    return -1;
}

/* ---- listing ---- */

struct listing {
    int (*visit)(const struct shmpool_listed *listed, void *arg);
    void *arg;
    const struct shmpool_backend *backend;
    struct holders holders;
    char (*handles)[HANDLE_SIZE]; /* of objects without a name, so that no two are the same */
    size_t n_handles;
};

/* What a look at one object gave. */
struct look {
    struct contents contents;
    enum shmpool_state state; /* when it is no sound pool */
    int is_sound;
    char name[NAME_LIMIT + 1]; /* "": none that can be read */
    struct error_before wrong;
};

/* What the first page says of an object whose contents were refused. */
static enum shmpool_state state_of(const struct header_shm *header)
{
    uint64_t magic = atomic_load(&header->magic);
    if (errno != EUCLEAN)
        return SHMPOOL_UNREADABLE;
    if (magic == LAYOUT_MAGIC && header->version != LAYOUT_VERSION)
        return SHMPOOL_OTHER_VERSION;
    return magic == 0 ? SHMPOOL_UNFINISHED : SHMPOOL_DAMAGED;
}

/* Names are what the place says; only where that says none, what the header says. */
static void find_name(struct look *look, const struct shmpool_found *found)
{
    struct error_before before;
    char text[LAYOUT_NAME_SIZE];
    error_remember(&before);
    memcpy(text, look->contents.header.name, sizeof text);
    text[sizeof text - 1] = '\0';
    if (found->name != NULL ? name_read(look->name, found->name) != 0
                            : !look->is_sound || name_read(look->name, text) != 0)
        look->name[0] = '\0';
    error_forget_since(&before);
}

/* A file that neither a name nor a process leads to has its name yet to get. */
static int is_temporary(const struct shmpool_backend *backend, const struct shmpool_found *found)
{
    return found->nameless && found->holder == 0 &&
           (backend->capabilities & SHMPOOL_BACKEND_DESCRIPTORS);
}

static void look_inside(struct look *look, const struct shmpool_backend *backend,
                        const struct shmpool_object *object, const char *name)
{
    look->is_sound = contents_read(backend, object, &look->contents, name) == 0;
    if (look->is_sound)
        return;
    look->state = state_of(&look->contents.header);
    if (look->state == SHMPOOL_UNFINISHED)
        error_set(EUCLEAN, "%s is not a pool yet: its maker has not finished it", name);
}

/* Who was found with an object without a name may have let go of it since: then by another one who
 * has it mapped, which becomes its holder. */
static int hold_found(const struct listing *listing, struct shmpool_found *found,
                      struct shmpool_object *object)
{
    const struct holders *holders = &listing->holders;
    int failed = hold(listing->backend, found, found->holder, object);
    for (size_t i = 0; i < holders->n && failed != 0 && errno == ENOENT; i++) {
        const struct holding *holding = &holders->all[i];
        if (found->holder == 0 || holding->inode != found->inode ||
            holding->device != found->device)
            continue;
        found->holder = holding->pid;
        failed = hold(listing->backend, found, found->holder, object);
    }
    return failed;
}

/* Others may have an object without a name for a moment, to look at it: its creator comes first. */
static void prefer_creator(const struct listing *listing, struct shmpool_found *found,
                           const struct header_shm *header)
{
    pid_t creator = (pid_t)header->creator_pid;
    bool is_file = (listing->backend->capabilities & SHMPOOL_BACKEND_DESCRIPTORS) != 0;
    if (found->nameless && found->holder != creator &&
        holders_has(&listing->holders, found->device, found->inode, creator) &&
        (!is_file || held_has(creator, found->device, found->inode)))
        found->holder = creator;
}

/* May change by whom the object is in reach. */
static void look_at(struct look *look, const struct listing *listing, struct shmpool_found *found)
{
    struct shmpool_object object;
    const char *name = found->name != NULL ? found->name : found->where;
    *look = (struct look){.state = SHMPOOL_UNREADABLE};
    process_lock();
    if (is_temporary(listing->backend, found)) {
        look->state = SHMPOOL_UNFINISHED;
        error_set(EUCLEAN, "%s is not a pool yet: it has no name", found->where);
    } else if (hold_found(listing, found, &object) == 0) {
        look_inside(look, listing->backend, &object, name);
        call_close(listing->backend, &object);
        if (look->is_sound)
            prefer_creator(listing, found, &look->contents.header);
    } else if (errno == EUCLEAN) {
        look->state = SHMPOOL_DAMAGED;
    }
    process_unlock();
    error_remember(&look->wrong);
    find_name(look, found);
}

static int is_taken(const struct listing *listing, const char *handle)
{
    for (size_t i = 0; i < listing->n_handles; i++)
        if (strcmp(listing->handles[i], handle) == 0)
            return 1;
    return 0;
}

static int keep_handle(struct listing *listing, const char *handle)
{
    size_t n = listing->n_handles + 1;
    char(*more)[HANDLE_SIZE] = realloc(listing->handles, n * sizeof *more);
    if (more == NULL)
        return error_set(ENOMEM, "no memory for the names of %zu pools", n);
    listing->handles = more;
    memcpy(more[listing->n_handles++], handle, HANDLE_SIZE);
    return 0;
}

/* Of two pools of one label that one process holds the second has its inode in its handle. */
static int make_handle(struct listing *listing, const struct shmpool_found *found,
                       const struct look *look, pid_t holder, char handle[HANDLE_SIZE])
{
    const char *backend = listing->backend->name;
    memset(handle, 0, HANDLE_SIZE);
    if (look->name[0] == '\0' || (found->nameless && holder == 0))
        return 0;
    if (!found->nameless) {
        snprintf(handle, HANDLE_SIZE, "%s:%s", backend, look->name);
        return 0;
    }
    snprintf(handle, HANDLE_SIZE, "%s:%s@%d", backend, look->name, (int)holder);
    if (is_taken(listing, handle))
        snprintf(handle, HANDLE_SIZE, "%s:%s@%d.%llu", backend, look->name, (int)holder,
                 (unsigned long long)found->inode);
    return keep_handle(listing, handle);
}

/* What the thread's visitor is being shown: asked for it, inspect opens that very object, and does
 * not look for it once more. */
struct shown {
    const char *handle;
    const struct shmpool_backend *backend;
    const struct shmpool_found *found;
    const struct shown *before; /* of a list within a visit */
};

static _Thread_local const struct shown *shown;

static int show(const struct listing *listing, const struct shmpool_found *found,
                const struct shmpool_listed *listed)
{
    const struct shown this_one = {listed->handle, listing->backend, found, shown};
    shown = &this_one;
    int result = listing->visit(listed, listing->arg);
    shown = this_one.before;
    return result;
}

static int visit_found(const struct shmpool_found *seen, void *arg)
{
    struct listing *listing = arg;
    struct shmpool_found reached = *seen;
    struct shmpool_found *found = &reached;
    struct look look;
    char handle[HANDLE_SIZE];
    char where[WHERE_SIZE];
    struct error_before before;
    error_remember(&before);
    look_at(&look, listing, found);
    error_forget_since(&before);
    const struct header_shm *header = look.is_sound ? &look.contents.header : NULL;
    struct standing standing =
        standing_of(listing->backend, found, header, look.state, &listing->holders);
    if (make_handle(listing, found, &look, standing.holder, handle) != 0)
        return -1;
    plain_copy(where, sizeof where, found->where);
    const struct shmpool_listed listed = {
        .backend = listing->backend->name,
        .name = look.name[0] != '\0' ? look.name : NULL,
        .handle = handle[0] != '\0' ? handle : NULL,
        .where = where,
        .wrong = look.is_sound ? NULL : look.wrong.text,
        .state = standing.state,
        .creator_life = standing.creator_life,
        .creator = standing.creator,
        .holder = standing.holder,
        .holders = standing.holders,
        .unseen = listing->holders.unseen,
        .uid = found->description.uid,
        .gid = found->description.gid,
        .mode = found->description.mode,
        .flags = header != NULL ? header->flags : 0,
        .size = found->description.size,
        .address = header != NULL ? (const void *)(uintptr_t)header->address : NULL,
        .device = found->device,
        .inode = found->inode,
    };
    return show(listing, found, &listed);
}

int shmpool_list(int (*visit)(const struct shmpool_listed *listed, void *arg), void *arg)
{
    struct listing listing = {.visit = visit, .arg = arg};
    int result = 0;
    if (process_begin() != 0)
        return -1;
    if (visit == NULL)
        return error_set(EINVAL, "there is nobody to visit: visit is NULL");
    if (holders_read(&listing.holders, 0) != 0)
        return -1;
    for (size_t i = 0; i < backend_count() && result == 0; i++) {
        listing.backend = backend_at(i);
        result = call_list(listing.backend, 0, visit_found, &listing);
    }
    int code = errno;
    holders_end(&listing.holders);
    free(listing.handles);
    errno = code;
    return result;
}

/* ---- opening one for a look ---- */

/* A handle of an object that no name leads to, in its parts. */
struct wanted {
    const struct shmpool_backend *backend; /* NULL: any */
    char name[NAME_LIMIT + 1];
    pid_t holder;
    uint64_t inode; /* 0: any */
    shmpool_id id;
    struct holders holders;
};

static int read_wanted(struct wanted *wanted, const char *handle, const char *at)
{
    char name[NAME_LIMIT * 2 + 2];
    char *end;
    long pid = strtol(at + 1, &end, 10);
    if (*end == '.' && end > at + 1)
        wanted->inode = strtoull(end + 1, &end, 10);
    if (end == at + 1 || *end != '\0' || pid <= 0 || pid > INT32_MAX)
        return error_set(EINVAL,
                         "'%s' does not end as the name of a pool that a process holds: say "
                         "memfd:NAME@PID",
                         handle);
    wanted->holder = (pid_t)pid;
    snprintf(name, sizeof name, "%.*s", (int)(at - handle), handle);
    return name_split(wanted->name, &wanted->backend, name);
}

struct candidate {
    struct wanted *wanted;
    const struct shmpool_backend *backend;
};

/* Whether it has the label that is wanted, by the place or else by its header. */
static int has_name(const struct candidate *candidate, const struct shmpool_found *found,
                    const struct shmpool_object *object)
{
    struct contents contents;
    if (found->name != NULL)
        return strcmp(found->name, candidate->wanted->name) == 0;
    return contents_read(candidate->backend, object, &contents, found->where) == 0 &&
           strncmp(contents.header.name, candidate->wanted->name, sizeof contents.header.name) == 0;
}

static int may_be(const struct wanted *wanted, const struct shmpool_found *found)
{
    if (!found->nameless || (wanted->inode != 0 && wanted->inode != found->inode) ||
        (found->name != NULL && strcmp(found->name, wanted->name) != 0))
        return 0;
    return found->holder == wanted->holder ||
           holders_has(&wanted->holders, found->device, found->inode, wanted->holder);
}

static int visit_candidate(const struct shmpool_found *found, void *arg)
{
    const struct candidate *candidate = arg;
    struct wanted *wanted = candidate->wanted;
    struct pool pool = {.backend = candidate->backend, .readonly = 1};
    if (!may_be(wanted, found))
        return 0;
    process_lock();
    int failed = hold(pool.backend, found, wanted->holder, &pool.object);
    int is_it = failed == 0 && has_name(candidate, found, &pool.object);
    if (is_it)
        wanted->id = open_held(&pool, wanted->name, 0, SHMPOOL_RDONLY);
    else if (failed == 0)
        call_close(pool.backend, &pool.object);
    process_unlock();
    if (failed != 0)
        return errno == ENOENT ? 0 : -1;
    return is_it ? (wanted->id > 0 ? 1 : -1) : 0;
}

static shmpool_id find_held(struct wanted *wanted)
{
    int result = 0;
    if (holders_read(&wanted->holders, wanted->holder) != 0)
        return -1;
    for (size_t i = 0; i < backend_count() && result == 0; i++) {
        struct candidate candidate = {wanted, backend_at(i)};
        if (wanted->backend == NULL || wanted->backend == candidate.backend)
            result = call_list(candidate.backend, wanted->holder, visit_candidate, &candidate);
    }
    holders_end(&wanted->holders);
    if (result == 0)
        return error_set(ENOENT, "process %d holds no pool \"%s\" that is without a name",
                         (int)wanted->holder, wanted->name);
    return result > 0 ? wanted->id : -1;
}

static shmpool_id open_shown(const char *handle)
{
    struct pool pool = {.backend = shown->backend, .readonly = 1};
    char name[NAME_LIMIT + 1];
    const char *plain = strchr(handle, ':') + 1;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(plain, "@"), plain);
    shmpool_id id = -1;
    process_lock();
    if (hold(pool.backend, shown->found, shown->found->holder, &pool.object) == 0)
        id = open_held(&pool, name, !shown->found->nameless, SHMPOOL_RDONLY);
    process_unlock();
    return id;
}

static int is_shown(const char *handle)
{
    return shown != NULL && shown->handle != NULL && strcmp(handle, shown->handle) == 0;
}

static shmpool_id inspect(const char *handle)
{
    struct wanted wanted = {.id = -1};
    const char *at = handle != NULL ? strrchr(handle, '@') : NULL;
    if (handle != NULL && is_shown(handle))
        return open_shown(handle);
    if (at == NULL)
        return shmpool_open(handle, SHMPOOL_RDONLY);
    if (process_begin() != 0 || read_wanted(&wanted, handle, at) != 0)
        return -1;
    return find_held(&wanted);
}

shmpool_id shmpool_inspect(const char *handle)
{
    struct error_before before;
    error_remember(&before);
    shmpool_id id = inspect(handle);
    if (id > 0)
        error_forget_since(&before);
    return id;
}
