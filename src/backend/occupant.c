#include "backend/occupant.h"

#include <bsd/string.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mapping {
    uintptr_t start;
    uintptr_t end;
    const char *path; /* empty for memory without a name */
};

/* "START-END PERMISSIONS OFFSET DEVICE INODE     PATH", see proc_pid_maps(5). */
static bool parse(char *line, struct mapping *mapping)
{
    int path = 0;
    line[strcspn(line, "\n")] = '\0';
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %*s %*s %*s %n", &mapping->start, &mapping->end,
               &path) != 2 ||
        path == 0)
        return false;
    mapping->path = line + path;
    return true;
}

static bool overlaps(const struct mapping *mapping, uintptr_t address, size_t length)
{
    return mapping->end > address &&
           (mapping->start <= address || mapping->start - address < length);
}

static void say(const struct mapping *mapping, char *text, size_t size)
{
    char range[64];
    snprintf(range, sizeof range, " at 0x%" PRIxPTR "-0x%" PRIxPTR, mapping->start, mapping->end);
    const char *what = mapping->path[0] != '\0' ? mapping->path : "memory without a name";
    size_t room = size > strlen(range) ? size - strlen(range) : size;
    strlcpy(text, what, room);
    strlcat(text, range, size);
}

const char *occupant_of(uintptr_t address, size_t length, char *text, size_t text_size)
{
    struct mapping mapping;
    char *line = NULL;
    size_t line_size = 0;
    bool found = false;
    int code = errno;
    strlcpy(text, "something", text_size);
    FILE *maps = fopen("/proc/self/maps", "re");
    while (!found && maps != NULL && getline(&line, &line_size, maps) > 0)
        found = parse(line, &mapping) && overlaps(&mapping, address, length);
    if (found)
        say(&mapping, text, text_size);
    free(line);
    if (maps != NULL)
        fclose(maps);
    errno = code;
    return text;
}
