#include "backend/held.h"

#include <bsd/stdlib.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/fdobject.h"
#include "backend/trust.h"
#include "base/error.h"

static const char deleted[] = " (deleted)";

enum { LINK_PATH = 64 };

/* A number that is a whole folder entry; -1 for all other entries. */
static int number_of(const struct dirent *entry)
{
    const char *wrong;
    long long number = strtonum(entry->d_name, 0, INT_MAX, &wrong);
    return wrong == NULL ? (int)number : -1;
}

/* Stores NULL where this process may not look, which is no failure. A want of descriptors is one:
 * it says nothing of the other process. */
static int open_descriptors(DIR **folder, pid_t pid)
{
    char path[LINK_PATH];
    char reason[FDOBJECT_REASON_TEXT];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    *folder = opendir(path);
    if (*folder != NULL || (errno != EMFILE && errno != ENFILE))
        return 0;
    int code = errno;
    return error_set(code, "%s cannot be read: %s", path, fdobject_reason(code, reason));
}

/* ---- listing ---- */

struct search {
    const char *prefix;
    int (*visit)(const struct shmpool_found *found, void *arg);
    void *arg;
    struct seen *seen; /* objects that were visited */
    size_t n_seen;
    size_t room;
};

struct seen {
    uint64_t device;
    uint64_t inode;
};

/* The name in a link; NULL when the link is of another kind. Cuts the text. That a link says
 * "deleted" is not enough: what was made nameless and named later says so too. */
static const char *name_in(char *link, const char *prefix)
{
    size_t length = strlen(link);
    if (strncmp(link, prefix, strlen(prefix)) != 0 || length < strlen(prefix) + sizeof deleted ||
        strcmp(link + length - (sizeof deleted - 1), deleted) != 0)
        return NULL;
    link[length - (sizeof deleted - 1)] = '\0';
    return link + strlen(prefix);
}

static bool is_seen(const struct search *search, const struct stat *status)
{
    for (size_t i = 0; i < search->n_seen; i++)
        if (search->seen[i].device == status->st_dev && search->seen[i].inode == status->st_ino)
            return true;
    return false;
}

static int note(struct search *search, const struct stat *status)
{
    if (search->n_seen == search->room) {
        size_t room = search->room * 2 + 16;
        struct seen *more = reallocarray(search->seen, room, sizeof *more);
        if (more == NULL)
            return error_set(ENOMEM, "no memory for the list of %zu pools", room);
        search->seen = more;
        search->room = room;
    }
    search->seen[search->n_seen++] = (struct seen){status->st_dev, status->st_ino};
    return 0;
}

static int visit_link(struct search *search, pid_t pid, const char *path)
{
    char link[512];
    struct stat status;
    ssize_t length = readlink(path, link, sizeof link - 1);
    link[length > 0 ? length : 0] = '\0';
    const char *name = name_in(link, search->prefix);
    if (name == NULL || stat(path, &status) != 0 || !S_ISREG(status.st_mode) ||
        status.st_nlink != 0 || is_seen(search, &status))
        return 0;
    if (note(search, &status) != 0)
        return -1;
    const struct shmpool_found found = {
        .name = name,
        .where = path,
        .nameless = 1,
        .holder = pid,
        .mappings = -1,
        .device = status.st_dev,
        .inode = status.st_ino,
        .description = {.size = (uint64_t)status.st_size,
                        .uid = status.st_uid,
                        .gid = status.st_gid,
                        .mode = status.st_mode & 07777},
    };
    return search->visit(&found, search->arg);
}

static int visit_process(struct search *search, pid_t pid)
{
    char path[LINK_PATH];
    struct dirent *entry;
    DIR *folder;
    int result = open_descriptors(&folder, pid);
    while (folder != NULL && result == 0 && (entry = readdir(folder)) != NULL) {
        int fd = number_of(entry);
        if (fd < 0)
            continue;
        snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
        result = visit_link(search, pid, path);
    }
    if (folder != NULL)
        closedir(folder);
    return result;
}

static int visit_processes(struct search *search)
{
    struct dirent *entry;
    int result = 0;
    char reason[FDOBJECT_REASON_TEXT];
    DIR *folder = opendir("/proc");
    if (folder == NULL) {
        int code = errno == EMFILE || errno == ENFILE ? errno : EACCES;
        return error_set(code, "/proc cannot be read: %s", fdobject_reason(errno, reason));
    }
    while (result == 0 && (entry = readdir(folder)) != NULL) {
        int pid = number_of(entry);
        if (pid > 0)
            result = visit_process(search, pid);
    }
    closedir(folder);
    return result;
}

int held_list(const char *prefix, pid_t holder,
              int (*visit)(const struct shmpool_found *found, void *arg), void *arg)
{
    struct search search = {.prefix = prefix, .visit = visit, .arg = arg};
    int result = holder != 0 ? visit_process(&search, holder) : visit_processes(&search);
    int code = errno;
    free(search.seen);
    errno = code;
    return result;
}

/* ---- opening ---- */

static bool leads_to(const char *path, uint64_t device, uint64_t inode)
{
    struct stat status;
    return stat(path, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

/* A descriptor of the process for that object: stores its path. errno 0: it has none. */
static int seek_descriptor(char path[LINK_PATH], pid_t holder, uint64_t device, uint64_t inode)
{
    struct dirent *entry;
    bool found = false;
    DIR *folder;
    if (open_descriptors(&folder, holder) != 0)
        return -1;
    while (folder != NULL && !found && (entry = readdir(folder)) != NULL) {
        snprintf(path, LINK_PATH, "/proc/%d/fd/%d", (int)holder, number_of(entry));
        found = number_of(entry) >= 0 && leads_to(path, device, inode);
    }
    if (folder != NULL)
        closedir(folder);
    errno = 0;
    return found ? 0 : -1;
}

static int find_descriptor(char path[LINK_PATH], pid_t holder, uint64_t device, uint64_t inode)
{
    if (seek_descriptor(path, holder, device, inode) == 0)
        return 0;
    if (errno != 0)
        return -1;
    return error_set(ENOENT, "process %d has no descriptor of this pool", (int)holder);
}

bool held_has(pid_t holder, uint64_t device, uint64_t inode)
{
    char path[LINK_PATH];
    return seek_descriptor(path, holder, device, inode) == 0;
}

static int take(struct shmpool_object *object, int fd, const char *path, uint64_t device,
                uint64_t inode)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || status.st_dev != device || status.st_ino != inode) {
        close(fd);
        return error_set(ENOENT, "%s has just become another file", path);
    }
    if (trust_owner(status.st_uid, status.st_gid, status.st_mode, true))
        return fdobject_take(object, fd, SHMPOOL_MAP_RDONLY);
    close(fd);
    return trust_refuse(path, status.st_uid, false);
}

int held_open(struct shmpool_object *object, const char *where, pid_t holder, uint64_t device,
              uint64_t inode)
{
    char path[LINK_PATH];
    char reason[FDOBJECT_REASON_TEXT];
    if (where != NULL && leads_to(where, device, inode))
        snprintf(path, sizeof path, "%s", where);
    else if (find_descriptor(path, holder, device, inode) != 0)
        return -1;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0)
        return take(object, fd, path, device, inode);
    int code = errno;
    return error_set(code, "%s cannot be opened: %s", path, fdobject_reason(code, reason));
}
