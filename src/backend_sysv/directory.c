#include "backend_sysv/directory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/limits.h"
#include "backend/trust.h"
#include "backend_sysv/keys.h"
#include "base/error.h"

enum {
    TRIES = 100,     /* for keys whose holders go away each time */
    WHAT_SIZE = 256, /* a name in a sentence */
    TRY_AGAIN = -2,  /* instead of an id */
    NEXT_KEY = -3,
};

static const char *what(char text[WHAT_SIZE], const char *name)
{
    snprintf(text, WHAT_SIZE, "the System V pool \"%s\"", name);
    return text;
}

/* ---- taking a name ---- */

static int refuse_unfinished(const char *name, const struct segment *by)
{
    if (!segment_maker_is_dead(by))
        return error_set(EEXIST,
                         "the name \"%s\" is taken: process %d is making a pool in the System V "
                         "segment %d",
                         name, (int)by->status.shm_cpid, by->id);
    return error_set(EEXIST,
                     "the name \"%s\" is taken: process %d ended and left the System V segment %d "
                     "unfinished, which somebody has attached, or which only its user %u and root "
                     "may remove (ipcrm -m %d)",
                     name, (int)by->status.shm_cpid, by->id, (unsigned)by->status.shm_perm.uid,
                     by->id);
}

static int refuse_taken(const char *name, const struct segment *by)
{
    if (by->kind == SEGMENT_UNFINISHED)
        return refuse_unfinished(name, by);
    if (by->kind == SEGMENT_HIDDEN)
        return error_set(
            EEXIST,
            "the name \"%s\" seems to be taken: the System V segment %d of user %u has "
            "its key and cannot be looked into: %s",
            name, by->id, (unsigned)by->status.shm_perm.uid, strerror(by->error));
    return error_set(EEXIST,
                     "the name \"%s\" is taken in System V shared memory, by segment %d: open that "
                     "pool, unlink it or choose another name",
                     name, by->id);
}

/* Whether a segment stands for the name, or may one day. An abandoned one is removed. */
static bool is_in_the_way(const struct segment *segment)
{
    if (segment->kind == SEGMENT_NONE || segment->kind == SEGMENT_FOREIGN)
        return false;
    if (segment->kind != SEGMENT_UNFINISHED || !segment_is_abandoned(segment))
        return true;
    return segment_remove(segment->id, segment->key) != 0 && errno != ENOENT;
}

/* An id, TRY_AGAIN, NEXT_KEY, or -1. */
static int take_key(const char *name, size_t size, mode_t mode, key_t key)
{
    int id = segment_make(key, size, mode);
    if (id >= 0 || errno != EEXIST)
        return id;
    struct segment holder = segment_inspect(key, name);
    if (holder.kind == SEGMENT_FOREIGN)
        return NEXT_KEY;
    return is_in_the_way(&holder) ? refuse_taken(name, &holder) : TRY_AGAIN;
}

static int give_back(int id, key_t key)
{
    int code = errno;
    segment_remove(id, key);
    errno = code;
    return -1;
}

/* Step 2 of taking a name. */
static int look_at_others(const char *name, unsigned mine)
{
    for (unsigned i = 0; i < KEYS_PER_NAME; i++) {
        if (i == mine)
            continue;
        struct segment other = segment_inspect(key_of(name, i), name);
        if (is_in_the_way(&other))
            return refuse_taken(name, &other);
    }
    return 0;
}

int directory_take(const char *name, size_t size, mode_t mode, key_t *key)
{
    unsigned index = 0;
    for (int i = 0; i < TRIES && index < KEYS_PER_NAME; i++) {
        *key = key_of(name, index);
        int id = take_key(name, size, mode, *key);
        if (id >= 0 && look_at_others(name, index) != 0)
            return give_back(id, *key);
        if (id >= -1)
            return id;
        if (id == NEXT_KEY)
            index++;
    }
    return error_set(
        EEXIST,
        "no System V key of the name \"%s\" can be had: segments of others hold all of "
        "them; choose another name",
        name);
}

/* ---- finding ---- */

bool directory_trusts(const struct ipc_perm *permissions, bool readonly)
{
    if (permissions->cuid == 0 && permissions->uid == geteuid())
        return true;
    return trust_owner(permissions->cuid, permissions->cgid, permissions->mode, readonly);
}

static int refuse_nothing(const char *name)
{
    return error_set(ENOENT, "there is no System V segment that holds a pool \"%s\"", name);
}

static int refuse_access(int code, const char *name, const struct segment *segment)
{
    char text[WHAT_SIZE];
    return error_set(code, "%s, segment %d of user %u, cannot be opened: %s", what(text, name),
                     segment->id, (unsigned)segment->status.shm_perm.uid, strerror(code));
}

/* By asking for the id with the rights that attaching will need. */
static bool may_attach(key_t key, bool readonly)
{
    int wanted = readonly ? S_IRUSR : S_IRUSR | S_IWUSR;
    return shmget(key, 0, wanted) >= 0 || errno != EACCES;
}

static int check_access(const char *name, bool readonly, const struct segment *segment)
{
    char text[WHAT_SIZE];
    if (!directory_trusts(&segment->status.shm_perm, readonly))
        return trust_refuse(what(text, name), segment->status.shm_perm.cuid,
                            directory_trusts(&segment->status.shm_perm, true));
    if (!may_attach(segment->key, readonly))
        return refuse_access(EACCES, name, segment);
    return 0;
}

int directory_find(const char *name, bool readonly, struct segment *segment)
{
    struct segment hidden = {.kind = SEGMENT_NONE};
    for (unsigned i = 0; i < KEYS_PER_NAME; i++) {
        *segment = segment_inspect(key_of(name, i), name);
        if (segment->kind == SEGMENT_POOL || segment->kind == SEGMENT_DAMAGED)
            return check_access(name, readonly, segment);
        if (segment->kind == SEGMENT_HIDDEN)
            hidden = *segment;
    }
    if (hidden.kind != SEGMENT_HIDDEN)
        return refuse_nothing(name);
    if (!limits_forbid_mapping(hidden.error))
        return refuse_access(hidden.error, name, &hidden);
    limits_refuse_mapping(hidden.error, segment_size(&hidden.status));
    return -1;
}
