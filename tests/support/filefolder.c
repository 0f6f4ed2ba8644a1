#include "support/filefolder.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend_file/backend_file.h"

static const char variable[] = "SHMPOOL_FILE_FOLDER";
static bool is_made; /* by this program */

static bool is_wanted(void)
{
    const char *name = getenv("SHMPOOL_BACKEND");
    return name != NULL && strcmp(name, "file") == 0;
}

static void give_up(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    filefolder_end();
    exit(EXIT_FAILURE);
}

/* As open to all as /dev/shm: other users are refused for what they are. */
static void make_folder(void)
{
    const char *parent = getenv("TMPDIR");
    char path[256];
    snprintf(path, sizeof path, "%s/shmpool-test-XXXXXX", parent != NULL ? parent : "/tmp");
    if (mkdtemp(path) == NULL || chmod(path, 01777) != 0 || setenv(variable, path, 1) != 0)
        give_up(path);
    is_made = true;
}

void filefolder_begin(void)
{
    if (!is_wanted())
        return;
    if (getenv(variable) == NULL)
        make_folder();
    if (backend_file_use(NULL) != 0)
        give_up("backend_file_use");
}

const char *filefolder_path(void)
{
    return is_wanted() ? getenv(variable) : NULL;
}

int filefolder_end(void)
{
    const char *path = getenv(variable);
    if (!is_made || rmdir(path) == 0)
        return 0;
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return 1;
}
