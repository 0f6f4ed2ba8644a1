#include "backend/selection.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Declared here, not included: backends are built on this folder, not the other way round. */
extern const struct shmpool_backend backend_posix, backend_memfd;

static const struct shmpool_backend *const backends[] = {&backend_posix, &backend_memfd};

enum { N_BACKENDS = sizeof backends / sizeof backends[0] };

size_t backend_count(void)
{
    return N_BACKENDS;
}

const struct shmpool_backend *backend_at(size_t index)
{
    return index < N_BACKENDS ? backends[index] : NULL;
}

const struct shmpool_backend *backend_by_name(const char *name, size_t length)
{
    for (size_t i = 0; i < N_BACKENDS; i++)
        if (strlen(backends[i]->name) == length && memcmp(backends[i]->name, name, length) == 0)
            return backends[i];
    return NULL;
}

static const struct shmpool_backend *named(const char *name, const char *source)
{
    const struct shmpool_backend *backend = backend_by_name(name, strlen(name));
    char known[128] = "";
    if (backend != NULL)
        return backend;
    for (size_t i = 0; i < N_BACKENDS; i++) {
        strlcat(known, i == 0 ? "" : ", ", sizeof known);
        strlcat(known, backends[i]->name, sizeof known);
    }
    error_set(EINVAL, "no backend is called \"%.64s\", which %s asks for; the known ones are %s",
              name, source, known);
    return NULL;
}

const struct shmpool_backend *backend_choose(const char *option)
{
    if (option != NULL)
        return named(option, "the option");
    const char *variable = secure_getenv("SHMPOOL_BACKEND");
    if (variable != NULL && variable[0] != '\0')
        return named(variable, "SHMPOOL_BACKEND in the environment");
    return backends[0];
}
