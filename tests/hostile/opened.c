#include "hostile/opened.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include "support/child.h"
#include "support/leftover.h"
#include "support/proc.h"
#include "support/segments.h"

void opened_path(char path[256], const char *name)
{
    snprintf(path, 256, "/dev/shm/shmpool.%s", name);
}

static char *map_file(const char *name, size_t length)
{
    char path[256];
    opened_path(path, name);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    CHILD_CHECK(fd >= 0);
    char *start = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHILD_CHECK(start != MAP_FAILED);
    close(fd);
    return start;
}

static char *map_segment(const char *name, size_t length)
{
    struct segment_seen segment;
    CHILD_CHECK(segments_find(name, &segment));
    char *start = shmat(segment.id, NULL, 0);
    CHILD_CHECK(start != (char *)-1);
    munmap(start + length, segment.size - length);
    return start;
}

void opened_make(struct opened *object, unsigned flags)
{
    char name[RUN_NAME_SIZE], subject[32];
    struct victim *victim = &object->victim;
    snprintf(subject, sizeof subject, "open%u", flags);
    victim_make(victim, run_name(name, subject), flags);
    object->tables = victim_on_sysv() ? map_segment(name, victim->layout.pages_offset)
                                      : map_file(name, victim->layout.pages_offset);
    CHILD_CHECK(shmpool_release(victim->id) == 0);
}

void opened_drop(struct opened *object)
{
    victim_restore(&object->victim, object->tables);
    munmap(object->tables, object->victim.layout.pages_offset);
    object->victim.id = shmpool_open(object->victim.name, 0);
    CHILD_CHECK(object->victim.id > 0);
    victim_drop(&object->victim);
}

/* A segment whose name or magic is damaged is nobody's for who looks for the name. */
static bool is_refusal(int code)
{
    return code == EUCLEAN || code == EADDRINUSE || code == ENOMEM ||
           (code == ENOENT && victim_on_sysv());
}

bool opened_try(struct opened *object, unsigned flags)
{
    static char before[LAYOUT_HEADER_SIZE];
    memcpy(before, object->tables, sizeof before);
    victim_forget();
    int shared = proc_count_shared();
    shmpool_id id = shmpool_open(object->victim.name, flags);
    if (id > 0) {
        object->victim.id = id; /* another one where the damage made it another pool */
        return true;
    }
    int code = errno;
    CHILD_CHECK(is_refusal(code));
    victim_check_refusal();
    CHILD_CHECK(memcmp(before, object->tables, sizeof before) == 0);
    CHILD_CHECK(proc_count_shared() == shared);
    errno = code;
    return false;
}
