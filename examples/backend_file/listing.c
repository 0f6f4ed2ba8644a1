#include "listing.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "folder.h"

/* The name in a file's name; NULL when the file is none of ours. A temporary one stands for an
 * object that has no name yet. */
static const char *name_in(const char *file, bool *is_temporary)
{
    static const char prefix[] = ".shmpool.";
    *is_temporary = strncmp(file, prefix, sizeof prefix - 1) == 0;
    if (*is_temporary)
        return file + sizeof prefix - 1;
    return strncmp(file, prefix + 1, sizeof prefix - 2) == 0 ? file + sizeof prefix - 2 : NULL;
}

static int visit_file(int folder, const char *file,
                      int (*visit)(const struct shmpool_found *found, void *arg), void *arg)
{
    char where[PATH_SIZE];
    struct stat status;
    bool is_temporary;
    const char *name = name_in(file, &is_temporary);
    if (name == NULL || fstatat(folder, file, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(status.st_mode))
        return 0;
    snprintf(where, sizeof where, "%s/%s", folder_path(), file);
    const struct shmpool_found found = {
        .name = is_temporary ? NULL : name,
        .where = where,
        .nameless = is_temporary,
        .mappings = -1,
        .device = status.st_dev,
        .inode = status.st_ino,
        .description = {.size = (uint64_t)status.st_size,
                        .uid = status.st_uid,
                        .gid = status.st_gid,
                        .mode = status.st_mode & 07777},
    };
    return visit(&found, arg);
}

int listing_list(pid_t holder, int (*visit)(const struct shmpool_found *found, void *arg),
                 void *arg)
{
    struct dirent *entry;
    int result = 0;
    if (holder != 0)
        return 0; /* all objects have names */
    DIR *folder = opendir(folder_path());
    if (folder == NULL)
        return -1;
    while (result == 0 && (entry = readdir(folder)) != NULL)
        result = visit_file(dirfd(folder), entry->d_name, visit, arg);
    closedir(folder);
    return result;
}
