#include "backend/limits.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"

/* The files of one version of memory cgroups, and the keys of memory.stat that count what can be
 * dropped. */
struct files {
    const char *limit;
    const char *usage;
    const char *swap_limit; /* version 1: of memory and swap together */
    const char *swap_usage;
    bool swap_is_apart;
    const char *droppable[3];
};

static const struct files version1 = {
    .limit = "memory.limit_in_bytes",
    .usage = "memory.usage_in_bytes",
    .swap_limit = "memory.memsw.limit_in_bytes",
    .swap_usage = "memory.memsw.usage_in_bytes",
    .swap_is_apart = false,
    .droppable = {"total_active_file", "total_inactive_file", NULL},
};

static const struct files version2 = {
    .limit = "memory.max",
    .usage = "memory.current",
    .swap_limit = "memory.swap.max",
    .swap_usage = "memory.swap.current",
    .swap_is_apart = true,
    .droppable = {"active_file", "inactive_file", "slab_reclaimable"},
};

/* Version 1 says "no limit" by the largest multiple of the page size. */
#define NO_LIMIT (UINT64_C(1) << 62)

enum { PATH_SIZE = 1024 };

static uint64_t minus(uint64_t all, uint64_t part)
{
    return all > part ? all - part : 0;
}

static uint64_t lower(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* It passes: another time the file can be read. */
static bool is_shortage(int code)
{
    return code == EMFILE || code == ENFILE || code == ENOMEM;
}

static FILE *open_file(struct limits *limits, const char *folder, const char *name)
{
    char path[PATH_SIZE];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
        return NULL;
    FILE *file = fopen(path, "re");
    if (file == NULL && is_shortage(errno))
        limits->shortage = errno;
    return file;
}

/* The number after a key at the start of a line, or, where key is "", the file's only number.
 * "max" is NO_LIMIT. */
static bool read_number(struct limits *limits, const char *folder, const char *name,
                        const char *key, uint64_t *number)
{
    char line[256];
    size_t length = strlen(key);
    bool found = false;
    FILE *file = open_file(limits, folder, name);
    while (!found && file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, key, length) == 0 && (length == 0 || strchr(" :", line[length]))) {
            const char *value = line + length + strspn(line + length, ": ");
            *number = strncmp(value, "max", 3) == 0 ? NO_LIMIT : strtoull(value, NULL, 10);
            found = true;
        }
    if (file != NULL)
        fclose(file);
    return found;
}

/* ---- the machine ---- */

static uint64_t read_kilobytes(const char *folder, const char *key, struct limits *limits)
{
    uint64_t number = 0;
    if (!read_number(limits, folder, "meminfo", key, &number))
        limits->unknown = true;
    return number << 10;
}

/* Returns the free swap space. */
static uint64_t read_machine(struct limits *limits, const char *root)
{
    char folder[PATH_SIZE];
    snprintf(folder, sizeof folder, "%s/proc", root);
    uint64_t swap = read_kilobytes(folder, "SwapFree", limits);
    limits->most =
        read_kilobytes(folder, "MemTotal", limits) + read_kilobytes(folder, "SwapTotal", limits);
    limits->left = read_kilobytes(folder, "MemAvailable", limits) + swap;
    if (limits->unknown)
        limits->most = limits->left = UINT64_MAX;
    return swap;
}

/* ---- one cgroup ---- */

static uint64_t droppable(struct limits *limits, const char *folder, const struct files *files)
{
    uint64_t all = 0;
    for (size_t i = 0; i < sizeof files->droppable / sizeof files->droppable[0]; i++) {
        uint64_t number = 0;
        if (files->droppable[i] != NULL &&
            read_number(limits, folder, "memory.stat", files->droppable[i], &number))
            all += number;
    }
    return all;
}

/* How much of the limit, and of the free swap space, is left for the cgroup. */
static uint64_t left_in(struct limits *limits, const char *folder, const struct files *files,
                        uint64_t limit, uint64_t usage, uint64_t swap)
{
    uint64_t swap_limit = NO_LIMIT;
    uint64_t swap_usage = 0;
    uint64_t room = minus(limit, minus(usage, droppable(limits, folder, files)));
    if (!read_number(limits, folder, files->swap_limit, "", &swap_limit) ||
        !read_number(limits, folder, files->swap_usage, "", &swap_usage) || swap_limit >= NO_LIMIT)
        return room + swap;
    uint64_t swap_left = minus(swap_limit, swap_usage);
    if (files->swap_is_apart)
        return room + lower(swap, swap_left);
    return lower(room + swap,
                 minus(swap_limit, minus(swap_usage, droppable(limits, folder, files))));
}

/* folder + root is what sentences call it. A folder without a limit's files has no limit. */
static void read_cgroup(struct limits *limits, const char *folder, size_t root,
                        const struct files *files, uint64_t swap)
{
    uint64_t limit;
    uint64_t usage = 0;
    uint64_t group = 0;
    if (read_number(limits, folder, "memory.oom.group", "", &group) && group != 0)
        limits->ends_all = true;
    if (!read_number(limits, folder, files->limit, "", &limit) || limit >= NO_LIMIT)
        return;
    if (!read_number(limits, folder, files->usage, "", &usage))
        limits->unknown = true;
    uint64_t left = left_in(limits, folder, files, limit, usage, swap);
    if (left >= limits->left)
        return;
    limits->left = left;
    limits->most = limit;
    strlcpy(limits->cgroup, folder + root, sizeof limits->cgroup);
}

/* ---- where the cgroups are ---- */

static bool has_item(const char *list, const char *item)
{
    size_t length = strlen(item);
    for (const char *at = list; at != NULL; at = strchr(at, ','), at = at != NULL ? at + 1 : NULL)
        if (strncmp(at, item, length) == 0 && (at[length] == '\0' || at[length] == ','))
            return true;
    return false;
}

/* "NUMBER:CONTROLLERS:PATH", see cgroups(7). Version 2 has number 0 and no controllers; where both
 * are there, version 1 has the memory if one of its lines says so. NULL files: nobody has. */
static bool find_cgroup(struct limits *limits, const char *root, char path[PATH_SIZE],
                        const struct files **files)
{
    char folder[PATH_SIZE];
    char line[PATH_SIZE + 256];
    snprintf(folder, sizeof folder, "%s/proc/self", root);
    FILE *file = open_file(limits, folder, "cgroup");
    *files = NULL;
    if (file == NULL)
        return false;
    while (*files != &version1 && fgets(line, sizeof line, file) != NULL) {
        char *controllers = strchr(line, ':');
        char *place = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
        if (place == NULL)
            continue;
        *controllers++ = '\0';
        *place++ = '\0';
        place[strcspn(place, "\n")] = '\0';
        if (!has_item(controllers, "memory") && strcmp(line, "0") != 0)
            continue;
        *files = has_item(controllers, "memory") ? &version1 : &version2;
        strlcpy(path, place, PATH_SIZE);
    }
    fclose(file);
    return true;
}

/* Where a hierarchy is mounted, and which of its cgroups stands there. */
struct mount {
    char top[PATH_SIZE];
    char point[PATH_SIZE];
};

/* See proc_pid_mountinfo(5): "ID PARENT DEVICE TOP POINT OPTIONS ... - TYPE SOURCE OPTIONS". */
static bool is_mount_of(const char *line, const struct files *files, struct mount *mount)
{
    char type[16];
    char options[512];
    const char *after = strstr(line, " - ");
    if (after == NULL || sscanf(after, " - %15s %*s %511s", type, options) != 2 ||
        sscanf(line, "%*s %*s %*s %1023s %1023s", mount->top, mount->point) != 2)
        return false;
    if (files == &version2)
        return strcmp(type, "cgroup2") == 0;
    return strcmp(type, "cgroup") == 0 && has_item(options, "memory");
}

static bool find_mount(struct limits *limits, const char *root, const struct files *files,
                       struct mount *mount)
{
    char folder[PATH_SIZE];
    char *line = NULL;
    size_t size = 0;
    bool found = false;
    snprintf(folder, sizeof folder, "%s/proc/self", root);
    FILE *file = open_file(limits, folder, "mountinfo");
    while (!found && file != NULL && getline(&line, &size, file) > 0)
        found = is_mount_of(line, files, mount);
    free(line);
    if (file != NULL)
        fclose(file);
    return found;
}

/* What of a cgroup's path lies below the one that is mounted. In a container the mounted one may be
 * the process's own, and its path one that leads elsewhere: then only the mounted one is in sight.
 */
static const char *below(const char *path, const char *top)
{
    size_t length = strcmp(top, "/") == 0 ? 0 : strlen(top);
    if (strncmp(path, top, length) != 0 || strstr(path, "/..") != NULL ||
        strcmp(path + length, "/") == 0 || (path[length] != '/' && path[length] != '\0'))
        return "";
    return path + length;
}

static void read_cgroups(struct limits *limits, const char *root, uint64_t swap)
{
    char path[PATH_SIZE];
    char folder[3 * PATH_SIZE];
    struct mount mount;
    const struct files *files;
    if (!find_cgroup(limits, root, path, &files)) {
        limits->unknown = true;
        return;
    }
    if (files == NULL)
        return;
    if (!find_mount(limits, root, files, &mount)) {
        limits->unknown = true;
        return;
    }
    size_t top = (size_t)snprintf(folder, sizeof folder, "%s%s", root, mount.point);
    strlcat(folder, below(path, mount.top), sizeof folder);
    if (access(folder, F_OK) != 0)
        limits->unknown = true;
    for (;;) {
        read_cgroup(limits, folder, strlen(root), files, swap);
        char *last = strrchr(folder + top, '/');
        if (last == NULL)
            return;
        *last = '\0';
    }
}

void limits_read(struct limits *limits, const char *root)
{
    int code = errno;
    *limits = (struct limits){0};
    uint64_t swap = read_machine(limits, root);
    read_cgroups(limits, root, swap);
    errno = code;
}

bool limits_forbid_mapping(int code)
{
    return code == ENOMEM || code == EAGAIN;
}

/* EAGAIN: the process locks all that it maps, mlockall(2) with MCL_FUTURE, and that is too much. */
bool limits_explain_mapping(int code, size_t length)
{
    struct rlimit limit;
    char asked[ERROR_SIZE_TEXT], allowed[ERROR_SIZE_TEXT];
    error_size(asked, length);
    if (code == EAGAIN && getrlimit(RLIMIT_MEMLOCK, &limit) == 0)
        error_set(ENOMEM,
                  "%s cannot be mapped: this process locks what it maps (mlockall), and "
                  "RLIMIT_MEMLOCK allows it %s of locked memory in all; ask for less or raise it "
                  "(ulimit -l)",
                  asked, error_size(allowed, limit.rlim_cur));
    else if (code == ENOMEM && getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        error_set(code,
                  "%s cannot be mapped: RLIMIT_AS allows this process %s of address space in all; "
                  "ask for less or raise it (ulimit -v)",
                  asked, error_size(allowed, limit.rlim_cur));
    else
        return false;
    return true;
}

void *limits_refuse_mapping(int code, size_t length)
{
    char asked[ERROR_SIZE_TEXT];
    if (!limits_explain_mapping(code, length))
        error_set(code, "%s cannot be mapped: %s", error_size(asked, length), strerror(code));
    return NULL;
}
