#include "family/names.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/call.h"
#include "backend/selection.h"
#include "base/error.h"
#include "family/patience.h"

static int is_allowed(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == '+';
}

int name_read(char name[NAME_LIMIT + 1], const char *given)
{
    const char *plain = given[0] == '/' ? given + 1 : given;
    size_t length = strnlen(plain, NAME_LIMIT + 1);
    if (length > NAME_LIMIT)
        return error_set(ENAMETOOLONG, "a pool's name has at most %d bytes, this one has %zu",
                         NAME_LIMIT, strlen(plain));
    for (size_t i = 0; i < length; i++)
        if (!is_allowed(plain[i]))
            return error_set(EINVAL,
                             "'%s' is no name for a pool: byte %zu is none of A-Z a-z 0-9 . _ - +",
                             given, (size_t)(plain - given) + i + 1);
    if (length == 0 || strcmp(plain, ".") == 0 || strcmp(plain, "..") == 0)
        return error_set(EINVAL,
                         "'%s' is no name for a pool: one has 1 to %d bytes, and is neither . nor "
                         "..",
                         given, NAME_LIMIT);
    strlcpy(name, plain, NAME_LIMIT + 1);
    return 0;
}

void name_generate(char name[NAME_LIMIT + 1])
{
    static _Atomic unsigned counter;
    unsigned random = 0;
    if (getentropy(&random, sizeof random) != 0)
        random = (unsigned)(uintptr_t)&random;
    snprintf(name, NAME_LIMIT + 1, "%d-%u-%08x", (int)getpid(), atomic_fetch_add(&counter, 1),
             random);
}

int name_split(char name[NAME_LIMIT + 1], const struct shmpool_backend **backend, const char *given)
{
    const char *colon = strchr(given, ':');
    *backend = NULL;
    if (colon != NULL) {
        char prefix[NAME_LIMIT + 1];
        snprintf(prefix, sizeof prefix, "%.*s", (int)(colon - given), given);
        *backend = backend_choose(prefix);
        if (*backend == NULL)
            return -1;
        given = colon + 1;
    }
    return name_read(name, given);
}

/* Somebody who is about to remove the pool takes no time. */
static int attempt_again(const struct shmpool_backend *backend, const char *name,
                         name_attempt *attempt, unsigned flags)
{
    struct patience patience = patience_begin();
    int result;
    do {
        result = attempt(backend, name, flags);
    } while (result < 0 && errno == EAGAIN && patience_naps(&patience));
    return result;
}

/* One after the other, until one does not say ENOENT. When all do, so does the whole, with the
 * sentences of all. */
static int try_all(const char *name, name_attempt *attempt, unsigned flags)
{
    char sentences[512] = "";
    for (size_t i = 0; i < backend_count(); i++) {
        if (!(backend_at(i)->capabilities & SHMPOOL_BACKEND_NAMES))
            continue;
        int result = attempt_again(backend_at(i), name, attempt, flags);
        if (result >= 0 || errno != ENOENT)
            return result;
        strlcat(sentences, sentences[0] != '\0' ? "; " : "", sizeof sentences);
        strlcat(sentences, error_sentence(), sizeof sentences);
    }
    return error_set(ENOENT, "%s", sentences);
}

int name_try(const char *given, name_attempt *attempt, unsigned flags)
{
    char name[NAME_LIMIT + 1];
    const struct shmpool_backend *backend;
    const char *variable = secure_getenv("SHMPOOL_BACKEND");
    if (given == NULL)
        return error_set(EINVAL, "the name is NULL");
    if (name_split(name, &backend, given) != 0)
        return -1;
    if (backend == NULL && variable != NULL && variable[0] != '\0') {
        backend = backend_choose(NULL);
        if (backend == NULL)
            return -1;
    }
    if (backend != NULL)
        return attempt_again(backend, name, attempt, flags);
    return try_all(name, attempt, flags);
}

int name_remove(const struct shmpool_backend *backend, const struct shmpool_object *object,
                const char *name)
{
    struct patience patience = patience_begin();
    struct error_before before;
    int failed;
    error_remember(&before);
    do {
        failed = call_unlink(backend, object, name);
    } while (failed != 0 && errno == EAGAIN && patience_naps(&patience));
    if (failed == 0)
        error_forget_since(&before);
    return failed;
}
