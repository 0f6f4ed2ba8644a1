/* create: makes a pool for programs to open by its name. */
#include <shmpool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"
#include "verbs.h"

/* "backend:name" as elsewhere; --backend says the same. */
static const char *split(const char *operand, const char **backend, char prefix[32])
{
    const char *colon = strchr(operand, ':');
    if (colon == NULL)
        return operand;
    snprintf(prefix, 32, "%.*s", (int)(colon - operand), operand);
    if (*backend != NULL && strcmp(*backend, prefix) != 0)
        options_refuse("create: the name says backend %s, and --backend %s", prefix, *backend);
    *backend = prefix;
    return colon + 1;
}

/* It would be gone the moment that it is there. */
static bool has_no_name(const char *backend)
{
    if (backend == NULL)
        backend = getenv("SHMPOOL_BACKEND");
    return backend != NULL && strcmp(backend, "memfd") == 0;
}

int verb_create(const struct request *request)
{
    char prefix[32];
    struct shmpool_options options = {.backend = request->backend,
                                      .max_size = request->max_size,
                                      .flags = request->flags,
                                      .mode = request->mode};
    options.name = split(request->operands[0], &options.backend, prefix);
    if (request->size == 0)
        options_refuse("create: how large? Say --size 64M, for example");
    if (has_no_name(options.backend)) {
        say("a pool of backend memfd has no name and would go with this process: choose another "
            "backend");
        return STATUS_FOUND;
    }
    return shmpool_create(request->size, &options) > 0 ? STATUS_FINE : say_failure();
}
