#include "family/holders.h"

#include <bsd/stdlib.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/error.h"

static int add(struct holders *holders, uint64_t device, uint64_t inode, pid_t pid)
{
    if (holders->n > 0) { /* the parts of one mapping follow each other */
        const struct holding *last = &holders->all[holders->n - 1];
        if (last->device == device && last->inode == inode && last->pid == pid)
            return 0;
    }
    if (holders->n == holders->room) {
        size_t room = holders->room * 2 + 256;
        struct holding *more = reallocarray(holders->all, room, sizeof *more);
        if (more == NULL)
            return error_set(ENOMEM, "no memory for a list of %zu mappings", room);
        holders->all = more;
        holders->room = room;
    }
    holders->all[holders->n++] = (struct holding){device, inode, pid};
    return 0;
}

/* As segment_namespace in backend_sysv, for another process. */
static uint64_t device_of_segments(pid_t pid)
{
    char path[40];
    struct stat status;
    snprintf(path, sizeof path, "/proc/%d/ns/ipc", (int)pid);
    return stat(path, &status) == 0 ? status.st_ino | UINT64_C(1) << 63 : 0;
}

/* "START-END rw-s OFFSET MAJOR:MINOR INODE PATH" */
static int read_line(struct holders *holders, pid_t pid, const char *line)
{
    unsigned major, minor;
    char sharing;
    uint64_t inode;
    int path = 0;
    if (sscanf(line, "%*s %*3c%c %*s %x:%x %" SCNu64 " %n", &sharing, &major, &minor, &inode,
               &path) != 4 ||
        sharing != 's')
        return 0;
    if (path > 0 && strncmp(line + path, "/SYSV", 5) == 0)
        return add(holders, device_of_segments(pid), inode, pid);
    return inode != 0 ? add(holders, makedev(major, minor), inode, pid) : 0;
}

static int read_process(struct holders *holders, pid_t pid)
{
    char path[40];
    char *line = NULL;
    size_t size = 0;
    int result = 0;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    if (maps == NULL) {
        holders->unseen += errno == EACCES || errno == EPERM;
        return errno == EMFILE || errno == ENFILE
                   ? error_set(errno, "%s cannot be opened: %s", path, strerror(errno))
                   : 0;
    }
    while (result == 0 && getline(&line, &size, maps) > 0)
        result = read_line(holders, pid, line);
    free(line);
    fclose(maps);
    return result;
}

static int compare(const void *a, const void *b)
{
    const struct holding *x = a;
    const struct holding *y = b;
    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    if (x->inode != y->inode)
        return x->inode < y->inode ? -1 : 1;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

static void sort(struct holders *holders)
{
    size_t n = 0;
    if (holders->n > 0)
        qsort(holders->all, holders->n, sizeof *holders->all, compare);
    for (size_t i = 0; i < holders->n; i++)
        if (n == 0 || compare(&holders->all[n - 1], &holders->all[i]) != 0)
            holders->all[n++] = holders->all[i];
    holders->n = n;
}

static int read_processes(struct holders *holders)
{
    struct dirent *entry;
    int result = 0;
    DIR *folder = opendir("/proc");
    if (folder == NULL)
        return error_set(errno, "/proc cannot be read: %s", strerror(errno));
    while (result == 0 && (entry = readdir(folder)) != NULL) {
        const char *wrong;
        long long pid = strtonum(entry->d_name, 1, INT_MAX, &wrong);
        if (wrong == NULL)
            result = read_process(holders, (pid_t)pid);
    }
    closedir(folder);
    return result;
}

int holders_read(struct holders *holders, pid_t pid)
{
    *holders = (struct holders){0};
    int result = pid != 0 ? read_process(holders, pid) : read_processes(holders);
    sort(holders);
    if (result != 0)
        holders_end(holders);
    return result;
}

void holders_end(struct holders *holders)
{
    int code = errno;
    free(holders->all);
    *holders = (struct holders){0};
    errno = code;
}

size_t holders_of(const struct holders *holders, uint64_t device, uint64_t inode, pid_t *first)
{
    size_t n = 0;
    *first = 0;
    for (size_t i = 0; i < holders->n; i++) {
        if ((device != 0 && holders->all[i].device != device) || holders->all[i].inode != inode)
            continue;
        if (n++ == 0)
            *first = holders->all[i].pid;
    }
    return n;
}

int holders_has(const struct holders *holders, uint64_t device, uint64_t inode, pid_t pid)
{
    for (size_t i = 0; i < holders->n; i++)
        if (holders->all[i].device == device && holders->all[i].inode == inode &&
            holders->all[i].pid == pid)
            return 1;
    return 0;
}
