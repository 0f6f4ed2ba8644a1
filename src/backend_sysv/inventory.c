#include "backend_sysv/inventory.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/shm.h>

#include "backend_sysv/segment.h"

static int visit_segment(const struct segment *segment, const char *name,
                         int (*visit)(const struct shmpool_found *found, void *arg), void *arg)
{
    char where[64];
    bool is_removed = (segment->status.shm_perm.mode & SHM_DEST) != 0;
    bool is_named = segment->kind == SEGMENT_POOL || segment->kind == SEGMENT_DAMAGED;
    snprintf(where, sizeof where, "System V segment %d", segment->id);
    const struct shmpool_found found = {
        .name = is_named ? name : NULL,
        .where = where,
        .nameless = is_removed || !is_named,
        .maker = segment->status.shm_cpid,
        .mappings = (int64_t)segment->status.shm_nattch,
        .device = segment_namespace(),
        .inode = (uint64_t)segment->id,
        .description = {.size = segment_size(&segment->status),
                        .uid = segment->status.shm_perm.uid,
                        .gid = segment->status.shm_perm.gid,
                        .mode = segment->status.shm_perm.mode & 0777},
    };
    return visit(&found, arg);
}

int inventory_list(pid_t holder, int (*visit)(const struct shmpool_found *found, void *arg),
                   void *arg)
{
    struct shm_info used;
    char name[SHMPOOL_OBJECT_NAME_SIZE];
    int result = 0;
    (void)holder; /* the system's list says nothing of that */
    int highest = shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&used);
    for (int index = 0; index <= highest && result == 0; index++) {
        struct segment segment = segment_at(index, name);
        if (segment.kind != SEGMENT_NONE && segment.kind != SEGMENT_FOREIGN)
            result = visit_segment(&segment, name, visit, arg);
    }
    return result;
}
