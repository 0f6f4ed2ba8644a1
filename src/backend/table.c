#include "backend/table.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"

enum {
    KNOWN_CAPABILITIES = SHMPOOL_BACKEND_NAMES | SHMPOOL_BACKEND_PERSISTENT |
                         SHMPOOL_BACKEND_COMMIT | SHMPOOL_BACKEND_SEALED |
                         SHMPOOL_BACKEND_DESCRIPTORS
};

/* The functions, in the order of the table: which capability each goes with. */
struct rule {
    const char *member;
    size_t offset;
    unsigned capability; /* 0: it goes with none */
    const char *capability_name;
    bool may_be_absent;
};

#define PLAIN(member) #member, offsetof(struct shmpool_backend, member), 0, NULL
#define WITH(member, capability)                                                                   \
#member, offsetof(struct shmpool_backend, member), capability, #capability

static const struct rule rules[] = {
    {PLAIN(create), false},
    {WITH(publish, SHMPOOL_BACKEND_NAMES), true},
    {WITH(open, SHMPOOL_BACKEND_NAMES), false},
    {WITH(unlink, SHMPOOL_BACKEND_NAMES), false},
    {PLAIN(map), false},
    {PLAIN(unmap), false},
    {WITH(commit, SHMPOOL_BACKEND_COMMIT), false},
    {PLAIN(resize), true},
    {PLAIN(discard), true},
    {PLAIN(describe), false},
    {PLAIN(restrict_access), false},
    {PLAIN(close), false},
    {PLAIN(adopt), true},
    {PLAIN(list), true},
    {PLAIN(alone), true},
    {PLAIN(remove_unfinished), true},
};

enum { N_RULES = sizeof rules / sizeof rules[0] };

_Static_assert(offsetof(struct shmpool_backend, create) + N_RULES * sizeof(void (*)(void)) ==
                   offsetof(struct shmpool_backend, reserved),
               "one rule a function");

static bool has(const struct shmpool_backend *backend, const struct rule *rule)
{
    void (*function)(void);
    memcpy(&function, (const char *)backend + rule->offset, sizeof function);
    return function != NULL;
}

static int check_function(const struct shmpool_backend *backend, const struct rule *rule)
{
    bool is_there = has(backend, rule);
    if (rule->capability == 0)
        return is_there || rule->may_be_absent
                   ? 0
                   : error_set(EINVAL, "backend %s: %s is NULL, and every backend needs it",
                               backend->name, rule->member);
    bool is_promised = (backend->capabilities & rule->capability) != 0;
    if (is_there && !is_promised)
        return error_set(EINVAL, "backend %s: %s is set, and capabilities lack %s", backend->name,
                         rule->member, rule->capability_name);
    if (!is_there && is_promised && !rule->may_be_absent)
        return error_set(EINVAL, "backend %s: %s is NULL, and capabilities have %s", backend->name,
                         rule->member, rule->capability_name);
    return 0;
}

static int check_capabilities(const struct shmpool_backend *backend)
{
    unsigned unknown = backend->capabilities & ~(unsigned)KNOWN_CAPABILITIES;
    if (unknown != 0)
        return error_set(EINVAL, "backend %s: capabilities have %#x, which nobody knows",
                         backend->name, unknown);
    if ((backend->capabilities & SHMPOOL_BACKEND_PERSISTENT) &&
        !(backend->capabilities & SHMPOOL_BACKEND_NAMES))
        return error_set(EINVAL,
                         "backend %s: capabilities have SHMPOOL_BACKEND_PERSISTENT without "
                         "SHMPOOL_BACKEND_NAMES: nobody could find what persists",
                         backend->name);
    return 0;
}

static int check_name(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+";
    if (name == NULL)
        return error_set(EINVAL, "a backend's table: name is NULL");
    if (strnlen(name, TABLE_NAME_LIMIT + 1) > TABLE_NAME_LIMIT)
        return error_set(EINVAL, "a backend's table: name has more than %d bytes: %.40s...",
                         TABLE_NAME_LIMIT, name);
    if (name[0] == '\0' || name[strspn(name, allowed)] != '\0' || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0)
        return error_set(
            EINVAL, "a backend's table: name is \"%s\", and takes A-Z a-z 0-9 . _ - + only", name);
    return 0;
}

static int check_place(const struct shmpool_backend *backend)
{
    if (backend->place == NULL || backend->place[0] == '\0')
        return error_set(EINVAL, "backend %s: place is %s: say where the memory comes from",
                         backend->name, backend->place == NULL ? "NULL" : "empty");
    if (strnlen(backend->place, TABLE_PLACE_LIMIT + 1) > TABLE_PLACE_LIMIT)
        return error_set(EINVAL, "backend %s: place has more than %d bytes", backend->name,
                         TABLE_PLACE_LIMIT);
    return 0;
}

static int check_reserved(const struct shmpool_backend *backend)
{
    for (size_t i = 0; i < sizeof backend->reserved / sizeof backend->reserved[0]; i++)
        if (backend->reserved[i] != 0)
            return error_set(EINVAL, "backend %s: reserved[%zu] is not zero", backend->name, i);
    return 0;
}

int table_check(const struct shmpool_backend *backend)
{
    if (backend == NULL)
        return error_set(EINVAL, "a backend's table: it is NULL");
    if (backend->version != SHMPOOL_BACKEND_VERSION)
        return error_set(ENOTSUP,
                         "a backend's table: version is %u, and this library knows %d: build the "
                         "backend against its header",
                         backend->version, SHMPOOL_BACKEND_VERSION);
    if (check_name(backend->name) != 0 || check_place(backend) != 0 ||
        check_capabilities(backend) != 0 || check_reserved(backend) != 0)
        return -1;
    for (size_t i = 0; i < N_RULES; i++)
        if (check_function(backend, &rules[i]) != 0)
            return -1;
    return 0;
}
