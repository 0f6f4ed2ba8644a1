#include "support/segments.h"

#include <shmpool/backend.h>
#include <stdio.h>
#include <string.h>
#include <sys/shm.h>
#include <unistd.h>

static size_t whole_pages(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page;
}

/* A segment of whole pages is another program's: see src/backend_sysv/segment.h. One that was
 * removed and is still attached has the key 0. */
static bool read_line(const char *line, struct segment_seen *segment)
{
    unsigned long size, resident;
    unsigned mode;
    long changed;
    int key;
    if (sscanf(line, "%d %d %o %lu %d %*d %*u %*u %*u %*u %*u %*u %*u %ld %lu", &key, &segment->id,
               &mode, &size, &segment->creator, &changed, &resident) != 7)
        return false;
    segment->mode = mode & 0777;
    segment->size = whole_pages(size);
    segment->resident = resident;
    segment->changed = changed;
    return key != 0 && segment->size != size;
}

static bool read_name(struct segment_seen *segment)
{
    static const char unfinished[sizeof SHMPOOL_OBJECT_MAGIC];
    const char *start = shmat(segment->id, NULL, SHM_RDONLY);
    if (start == (const char *)-1)
        return false;
    bool is_pool = memcmp(start, SHMPOOL_OBJECT_MAGIC, sizeof unfinished) == 0;
    bool is_unfinished = memcmp(start, unfinished, sizeof unfinished) == 0;
    snprintf(segment->name, sizeof segment->name, "%.*s",
             is_pool ? (int)SHMPOOL_OBJECT_NAME_SIZE : 0, start + SHMPOOL_OBJECT_NAME);
    shmdt(start);
    return is_pool || is_unfinished;
}

void segments_each(void (*visit)(void *context, const struct segment_seen *segment), void *context)
{
    char line[512];
    struct segment_seen segment;
    FILE *list = fopen("/proc/sysvipc/shm", "re");
    while (list != NULL && fgets(line, sizeof line, list) != NULL)
        if (read_line(line, &segment) && read_name(&segment))
            visit(context, &segment);
    if (list != NULL)
        fclose(list);
}

struct wanted {
    const char *name;
    struct segment_seen *segment;
    bool found;
};

static void take_wanted(void *context, const struct segment_seen *segment)
{
    struct wanted *wanted = context;
    if (strcmp(segment->name, wanted->name) != 0)
        return;
    *wanted->segment = *segment;
    wanted->found = true;
}

bool segments_find(const char *name, struct segment_seen *segment)
{
    struct wanted wanted = {name, segment, false};
    segments_each(take_wanted, &wanted);
    return wanted.found;
}
