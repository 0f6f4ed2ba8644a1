#include "support/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* A file of /proc, line by line, in a buffer of its own. */
struct lines {
    int fd;
    size_t used;
    char buffer[8192];
};

static bool lines_open(struct lines *lines, const char *path)
{
    lines->used = 0;
    lines->fd = open(path, O_RDONLY | O_CLOEXEC);
    return lines->fd >= 0;
}

static void lines_fill(struct lines *lines)
{
    while (lines->used < sizeof lines->buffer - 1) {
        ssize_t got =
            read(lines->fd, lines->buffer + lines->used, sizeof lines->buffer - 1 - lines->used);
        if (got <= 0)
            break;
        lines->used += (size_t)got;
    }
    lines->buffer[lines->used] = '\0';
}

static bool lines_next(struct lines *lines, char *line, size_t size)
{
    lines_fill(lines);
    char *end = strchr(lines->buffer, '\n');
    if (end == NULL)
        return false;
    *end = '\0';
    snprintf(line, size, "%.*s", (int)size - 1, lines->buffer);
    size_t taken = (size_t)(end - lines->buffer) + 1;
    memmove(lines->buffer, lines->buffer + taken, lines->used - taken);
    lines->used -= taken;
    return true;
}

static bool parse_mapping(const char *line, struct proc_mapping *mapping)
{
    unsigned long start, end, inode;
    unsigned major, minor;
    mapping->path[0] = '\0';
    int fields = sscanf(line, "%lx-%lx %7s %*x %x:%x %lu %255[^\n]", &start, &end,
                        mapping->permissions, &major, &minor, &inode, mapping->path);
    mapping->start = start;
    mapping->end = end;
    mapping->object.device = makedev(major, minor);
    mapping->object.inode = inode;
    return fields >= 6;
}

static bool same_object(struct proc_object a, struct proc_object b)
{
    return a.device == b.device && a.inode == b.inode;
}

static bool holds(const struct proc_mapping *mapping, const void *address)
{
    return mapping->start <= (uintptr_t)address && (uintptr_t)address < mapping->end;
}

bool proc_mapping_at(const void *address, struct proc_mapping *mapping)
{
    struct lines lines;
    char line[512];
    bool found = false;
    if (!lines_open(&lines, "/proc/self/maps"))
        return false;
    while (!found && lines_next(&lines, line, sizeof line))
        found = parse_mapping(line, mapping) && holds(mapping, address);
    close(lines.fd);
    return found;
}

int proc_count_mappings(struct proc_object object, const char *permissions)
{
    struct lines lines;
    struct proc_mapping mapping;
    char line[512];
    int count = 0;
    if (!lines_open(&lines, "/proc/self/maps"))
        return -1;
    while (lines_next(&lines, line, sizeof line)) {
        if (!parse_mapping(line, &mapping) || !same_object(mapping.object, object))
            continue;
        if (permissions == NULL || strcmp(mapping.permissions, permissions) == 0)
            count++;
    }
    close(lines.fd);
    return count;
}

int proc_count_shared(void)
{
    struct lines lines;
    struct proc_mapping mapping;
    char line[512];
    int count = 0;
    if (!lines_open(&lines, "/proc/self/maps"))
        return -1;
    while (lines_next(&lines, line, sizeof line))
        count += parse_mapping(line, &mapping) && mapping.permissions[3] == 's';
    close(lines.fd);
    return count;
}

bool proc_mapping_has_flag(const void *address, const char *flag)
{
    struct lines lines;
    struct proc_mapping mapping;
    char line[512];
    bool inside = false;
    bool found = false;
    if (!lines_open(&lines, "/proc/self/smaps"))
        return false;
    while (!found && lines_next(&lines, line, sizeof line)) {
        if (parse_mapping(line, &mapping))
            inside = holds(&mapping, address);
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, flag) != NULL;
    }
    close(lines.fd);
    return found;
}

size_t proc_mapping_resident(const void *address)
{
    struct lines lines;
    struct proc_mapping mapping;
    char line[512];
    bool inside = false;
    size_t kibibytes = 0;
    if (!lines_open(&lines, "/proc/self/smaps"))
        return 0;
    while (lines_next(&lines, line, sizeof line)) {
        if (parse_mapping(line, &mapping))
            inside = holds(&mapping, address);
        else if (inside && sscanf(line, "Rss: %zu kB", &kibibytes) == 1)
            break;
    }
    close(lines.fd);
    return kibibytes * 1024;
}

void *proc_free_range(size_t length)
{
    const size_t step = (size_t)2 << 20;
    char *base = mmap(NULL, length + step, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        return NULL;
    munmap(base, length + step);
    return base + (step - (uintptr_t)base % step) % step;
}

/* Calls visit for every open descriptor but the one that reads the folder; returns the sum. */
static int each_descriptor(int (*visit)(int fd, void *context), void *context)
{
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return -1;
    int sum = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] == '.')
            continue;
        int fd = (int)strtol(entry->d_name, NULL, 10);
        if (fd != dirfd(folder))
            sum += visit(fd, context);
    }
    closedir(folder);
    return sum;
}

static int count_one(int fd, void *context)
{
    (void)fd;
    (void)context;
    return 1;
}

int proc_count_descriptors(void)
{
    return each_descriptor(count_one, NULL);
}

struct wanted {
    struct proc_object object;
    int *descriptors;
    int limit;
    int found;
};

static int match_object(int fd, void *context)
{
    struct wanted *wanted = context;
    struct stat status;
    if (fstat(fd, &status) != 0)
        return 0;
    if (!same_object((struct proc_object){status.st_dev, status.st_ino}, wanted->object))
        return 0;
    if (wanted->found < wanted->limit)
        wanted->descriptors[wanted->found] = fd;
    wanted->found++;
    return 1;
}

int proc_descriptors_of(struct proc_object object, int *descriptors, int limit)
{
    struct wanted wanted = {object, descriptors, limit, 0};
    return each_descriptor(match_object, &wanted);
}

static void read_link(int fd, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(path, text, size - 1);
    text[length < 0 ? 0 : length] = '\0';
}

static int print_one(int fd, void *context)
{
    (void)context;
    char text[512];
    read_link(fd, text, sizeof text);
    fprintf(stderr, "  descriptor %d: %s\n", fd, text);
    return 1;
}

void proc_print_descriptors(void)
{
    each_descriptor(print_one, NULL);
}

bool proc_runs(pid_t pid)
{
    char path[64];
    char line[512];
    struct lines lines;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (!lines_open(&lines, path))
        return false;
    bool there = lines_next(&lines, line, sizeof line);
    close(lines.fd);
    const char *end = there ? strrchr(line, ')') : NULL;
    return end != NULL && end[1] != '\0' && end[2] != 'Z' && end[2] != 'X';
}
