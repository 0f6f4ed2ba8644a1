#include "support/lookalike.h"

#include <check.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 512 };

static char root[64];

const char *lookalike_begin(void)
{
    snprintf(root, sizeof root, "/tmp/shmpool-lookalike-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    return root;
}

static void make_folders(char *path)
{
    for (char *at = strchr(path + strlen(root) + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        mkdir(path, 0755);
        *at = '/';
    }
}

void lookalike_file(const char *name, const char *format, ...)
{
    char path[PATH_SIZE];
    va_list arguments;
    snprintf(path, sizeof path, "%s%s", root, name);
    make_folders(path);
    FILE *stream = fopen(path, "we");
    ck_assert_ptr_nonnull(stream);
    va_start(arguments, format);
    vfprintf(stream, format, arguments);
    va_end(arguments);
    fclose(stream);
}

void lookalike_remove(const char *name)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s%s", root, name);
    ck_assert_int_eq(unlink(path), 0);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status, (void)type, (void)place;
    return remove(path);
}

void lookalike_end(void)
{
    nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
