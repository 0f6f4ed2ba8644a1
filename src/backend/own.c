#include "backend/own.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "backend/selection.h"
#include "backend/table.h"
#include "base/error.h"

/* A table with copies of its strings. */
struct own {
    struct shmpool_backend table;
    char name[TABLE_NAME_LIMIT + 1];
    char place[TABLE_PLACE_LIMIT + 1];
    _Atomic(struct own *) next; /* released by the swap in append, acquired by whoever looks */
};

static _Atomic(struct own *) first;

static struct own *copy_of(const struct shmpool_backend *backend)
{
    struct own *own = calloc(1, sizeof *own);
    if (own == NULL) {
        error_set(ENOMEM, "no memory to register backend %s", backend->name);
        return NULL;
    }
    own->table = *backend;
    strlcpy(own->name, backend->name, sizeof own->name);
    strlcpy(own->place, backend->place, sizeof own->place);
    own->table.name = own->name;
    own->table.place = own->place;
    return own;
}

static bool is_same(const struct shmpool_backend *a, const struct shmpool_backend *b)
{
    const size_t start = offsetof(struct shmpool_backend, create);
    return a->capabilities == b->capabilities && strcmp(a->place, b->place) == 0 &&
           memcmp((const char *)a + start, (const char *)b + start, sizeof *a - start) == 0;
}

static int meet(const struct own *own, const struct own *other)
{
    if (is_same(&own->table, &other->table))
        return 0;
    return error_set(EEXIST, "backend %s is registered already, with another table", own->name);
}

/* Puts it at the end, unless its name is there; stores whether it did. */
static int append(struct own *own, bool *is_in)
{
    _Atomic(struct own *) *link = &first;
    *is_in = false;
    for (int i = 0; i < OWN_MOST; i++) {
        struct own *other = NULL;
        *is_in = atomic_compare_exchange_strong(link, &other, own);
        if (*is_in)
            return 0;
        if (strcmp(other->name, own->name) == 0)
            return meet(own, other);
        link = &other->next;
    }
    return error_set(EMFILE, "%d backends are registered already, and there is room for no more",
                     OWN_MOST);
}

int shmpool_backend_register(const struct shmpool_backend *backend)
{
    bool is_in;
    if (table_check(backend) != 0)
        return -1;
    if (backend_is_built_in(backend->name))
        return error_set(EEXIST, "the name \"%s\" is that of a backend of the library itself",
                         backend->name);
    struct own *own = copy_of(backend);
    if (own == NULL)
        return -1;
    int result = append(own, &is_in);
    if (!is_in) {
        int code = errno;
        free(own);
        errno = code;
    }
    return result;
}

static const struct own *own_or_null(size_t index)
{
    const struct own *own = atomic_load(&first);
    for (; own != NULL && index > 0; index--)
        own = atomic_load(&own->next);
    return own;
}

size_t own_count(void)
{
    size_t n = 0;
    while (own_or_null(n) != NULL)
        n++;
    return n;
}

const struct shmpool_backend *own_at(size_t index)
{
    const struct own *own = own_or_null(index);
    return own != NULL ? &own->table : NULL;
}
