#include "backend_sysv/abandoned.h"

#include <errno.h>
#include <string.h>

#include "backend_sysv/segment.h"
#include "base/error.h"

static int refuse_used(const struct segment *segment)
{
    return error_set(
        EBUSY,
        "the System V segment %d is unfinished, and its maker, process %d, may live or "
        "somebody has it attached",
        segment->id, (int)segment->status.shm_cpid);
}

static int remove_segment(const struct segment *segment)
{
    if (segment_remove(segment->id, segment->key) == 0)
        return 0;
    int code = errno;
    return error_set(code, "the System V segment %d cannot be removed: %s", segment->id,
                     strerror(code));
}

int abandoned_remove(uint64_t device, uint64_t inode, int pretend)
{
    char name[SHMPOOL_OBJECT_NAME_SIZE];
    struct segment segment = segment_at((int)inode, name);
    if (device != segment_namespace() || (uint64_t)segment.id != inode ||
        segment.kind != SEGMENT_UNFINISHED)
        return error_set(ENOENT, "no unfinished System V segment has the id %d", (int)inode);
    if (!segment_is_abandoned(&segment))
        return refuse_used(&segment);
    return pretend ? 0 : remove_segment(&segment);
}
