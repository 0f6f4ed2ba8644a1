#include "backend_posix/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/fdobject.h"
#include "backend/held.h"
#include "base/error.h"

struct listing {
    int (*visit)(const struct shmpool_found *found, void *arg);
    void *arg;
    uint64_t device; /* of the folder */
};

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* ---- files with a name ---- */

/* What has the prefix of a pool and is no file cannot be one. */
static int visit_file(const struct listing *listing, int folder, const char *file)
{
    char path[PATH_SIZE + 64];
    struct stat status;
    bool is_temporary = begins_with(file, TEMPORARY_PREFIX);
    if ((!is_temporary && !begins_with(file, PREFIX)) ||
        fstatat(folder, file, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
        return 0;
    snprintf(path, sizeof path, FOLDER "/%s", file);
    const struct shmpool_found found = {
        .name = is_temporary ? NULL : file + strlen(PREFIX),
        .where = path,
        .nameless = is_temporary,
        .mappings = -1,
        .device = status.st_dev,
        .inode = status.st_ino,
        .description = {.size = (uint64_t)status.st_size,
                        .uid = status.st_uid,
                        .gid = status.st_gid,
                        .mode = status.st_mode & 07777},
    };
    return listing->visit(&found, listing->arg);
}

static int list_files(const struct listing *listing)
{
    struct dirent *entry;
    int result = 0;
    DIR *folder = opendir(FOLDER);
    if (folder == NULL) {
        int code = errno;
        return error_set(code, FOLDER " cannot be read: %s", strerror(code));
    }
    while (result == 0 && (entry = readdir(folder)) != NULL)
        result = visit_file(listing, dirfd(folder), entry->d_name);
    closedir(folder);
    return result;
}

/* ---- files without one ---- */

/* 1 or 0; -1: no descriptor is left to look with. */
static int begins_as_a_pool(const char *path)
{
    char first[sizeof SHMPOOL_OBJECT_MAGIC];
    char reason[FDOBJECT_REASON_TEXT];
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    int code = errno;
    if (fd < 0 && (code == EMFILE || code == ENFILE))
        return error_set(code, "%s cannot be opened: %s", path, fdobject_reason(code, reason));
    if (fd < 0)
        return 0;
    int is_pool = pread(fd, first, sizeof first, 0) == sizeof first &&
                  memcmp(first, SHMPOOL_OBJECT_MAGIC, sizeof first) == 0;
    close(fd);
    return is_pool;
}

/* Another container's folder has the same path, and is another place. Whoever opened a pool by its
 * name holds it under that; its maker holds what was made without a name, as other programs make
 * their files: there the contents decide. */
static int visit_held(const struct shmpool_found *held, void *arg)
{
    const struct listing *listing = arg;
    struct shmpool_found found = *held;
    if (held->device != listing->device)
        return 0;
    if (begins_with(held->name, PREFIX)) {
        found.name = held->name + strlen(PREFIX);
        return listing->visit(&found, listing->arg);
    }
    found.name = NULL;
    int is_pool = held->name[0] == '#' ? begins_as_a_pool(held->where) : 0;
    return is_pool == 1 ? listing->visit(&found, listing->arg) : is_pool;
}

int folder_list(pid_t holder, int (*visit)(const struct shmpool_found *found, void *arg), void *arg)
{
    struct stat status;
    if (stat(FOLDER, &status) != 0)
        return 0; /* there is no folder, and so are no pools */
    struct listing listing = {visit, arg, status.st_dev};
    int result = holder == 0 ? list_files(&listing) : 0;
    return result != 0 ? result : held_list(FOLDER "/", holder, visit_held, &listing);
}
