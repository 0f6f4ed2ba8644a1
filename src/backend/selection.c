#include "backend/selection.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/own.h"
#include "base/error.h"

/* Declared here, not included: backends are built on this folder, not the other way round. */
extern const struct shmpool_backend backend_posix, backend_sysv, backend_memfd;

static const struct shmpool_backend *const backends[] = {&backend_posix, &backend_sysv,
                                                         &backend_memfd};

enum { N_BACKENDS = sizeof backends / sizeof backends[0] };

size_t backend_count(void)
{
    return N_BACKENDS + own_count();
}

const struct shmpool_backend *backend_at(size_t index)
{
    return index < N_BACKENDS ? backends[index] : own_at(index - N_BACKENDS);
}

bool backend_is_built_in(const char *name)
{
    for (size_t i = 0; i < N_BACKENDS; i++)
        if (strcmp(backends[i]->name, name) == 0)
            return true;
    return false;
}

const struct shmpool_backend *backend_by_name(const char *name, size_t length)
{
    const struct shmpool_backend *backend;
    for (size_t i = 0; (backend = backend_at(i)) != NULL; i++)
        if (strlen(backend->name) == length && memcmp(backend->name, name, length) == 0)
            return backend;
    return NULL;
}

/* A backend of its own is known in the processes that registered it, and in their children. source:
 * where the name stands that is not the caller's, for the sentence. */
static const struct shmpool_backend *named(const char *name, const char *source)
{
    const struct shmpool_backend *backend = backend_by_name(name, strlen(name));
    char known[640] = "";
    if (backend != NULL)
        return backend;
    for (size_t i = 0; (backend = backend_at(i)) != NULL; i++) {
        strlcat(known, i == 0 ? "" : ", ", sizeof known);
        strlcat(known, backend->name, sizeof known);
    }
    error_set(EINVAL,
              "no backend is called \"%.64s\"%s; the known ones are %s; one of the program's own "
              "is registered first (shmpool_backend_register)",
              name, source, known);
    return NULL;
}

const struct shmpool_backend *backend_choose(const char *option)
{
    if (option != NULL)
        return named(option, "");
    const char *variable = secure_getenv("SHMPOOL_BACKEND");
    if (variable != NULL && variable[0] != '\0')
        return named(variable, ", as SHMPOOL_BACKEND in the environment has it");
    return backends[0];
}
