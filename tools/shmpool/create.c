/* create: makes a pool for programs to open by its name. */
#include <errno.h>
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

/* A pool without a name would be gone the moment that it is there, and programs' own backends are
 * theirs. */
static void check_backend(const char *backend)
{
    const char *variable = getenv("SHMPOOL_BACKEND");
    if (backend == NULL)
        backend = variable != NULL && variable[0] != '\0' ? variable : "posix";
    if (strcmp(backend, "memfd") == 0)
        options_refuse("create: a pool of backend memfd has no name and would go with this "
                       "process: choose posix or sysv");
    if (strcmp(backend, "posix") != 0 && strcmp(backend, "sysv") != 0)
        options_refuse("create: there is no backend '%s' here: choose posix or sysv", backend);
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
    check_backend(options.backend);
    if (shmpool_create(request->size, &options) > 0)
        return STATUS_FINE;
    int status = errno == EINVAL ? STATUS_USAGE : STATUS_FOUND;
    say_failure();
    return status;
}
