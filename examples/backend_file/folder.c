#include "folder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Atomic(char *) chosen;

static int fail(int code, char *path)
{
    free(path);
    errno = code;
    return -1;
}

int folder_choose(const char *path)
{
    char *known = NULL;
    if (path == NULL)
        path = secure_getenv("SHMPOOL_FILE_FOLDER");
    if (path == NULL || path[0] == '\0')
        return fail(EINVAL, NULL);
    char *wanted = realpath(path, NULL);
    if (wanted == NULL)
        return -1;
    if (strlen(wanted) > FOLDER_LIMIT)
        return fail(ENAMETOOLONG, wanted);
    if (atomic_compare_exchange_strong(&chosen, &known, wanted))
        return 0;
    if (strcmp(known, wanted) != 0)
        return fail(EEXIST, wanted);
    free(wanted);
    return 0;
}

const char *folder_path(void)
{
    return atomic_load(&chosen);
}

const char *folder_name(char path[PATH_SIZE], const char *name)
{
    snprintf(path, PATH_SIZE, "%s/shmpool.%s", folder_path(), name);
    return path;
}

const char *folder_temporary(char path[PATH_SIZE], uint64_t number)
{
    snprintf(path, PATH_SIZE, "%s/.shmpool.%016" PRIx64, folder_path(), number);
    return path;
}
