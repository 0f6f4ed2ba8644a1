/* /dev/shm: where the objects of posix pools are files. */
#include <linux/magic.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "doctor.h"
#include "doctor_files.h"

enum { SMALL = 64 << 20 }; /* what containers have unless they are told */

#define MOUNT "mount -t tmpfs -o mode=1777 tmpfs /dev/shm, or use memfd: SHMPOOL_BACKEND=memfd"

static const struct judgement missing = {FINDING_WARNING, "There are no posix pools without it.",
                                         MOUNT};
static const struct judgement locked = {FINDING_WARNING, "This user cannot make posix pools.",
                                        "chmod 1777 /dev/shm, or use memfd: SHMPOOL_BACKEND=memfd"};
static const struct judgement on_disk = {
    FINDING_WARNING, "It is no tmpfs: posix pools are files on a disk, which writes them out.",
    MOUNT};
static const struct judgement no_inodes = {
    FINDING_WARNING, "It holds as many files as it may: no posix pool can be made.",
    "shmpool ls shows pools to remove; or mount -o remount,nr_inodes=NUMBER /dev/shm"};
static const struct judgement full = {
    FINDING_WARNING,
    "Little is left for posix pools: creation fails with ENOSPC, and the first touch of a page of "
    "a pool without SHMPOOL_COMMIT raises SIGBUS.",
    "shmpool ls shows pools to remove; or mount -o remount,size=SIZE /dev/shm"};
static const struct judgement small = {
    FINDING_NOTE, "All posix pools together must fit in it.",
    "mount -o remount,size=SIZE /dev/shm; for a container --shm-size=SIZE"};
static const struct judgement fine = {FINDING_OK, "All posix pools together must fit in it.", NULL};

static const struct judgement *judge(const struct shm_folder *folder)
{
    if (!folder->is_writable)
        return &locked;
    if (!folder->is_in_memory)
        return &on_disk;
    if (!folder->has_inodes)
        return &no_inodes;
    if (folder->size > 0 && is_nearly_all(folder->size - folder->free, folder->size))
        return &full;
    return folder->size > 0 && folder->size <= SMALL ? &small : &fine;
}

void doctor_judge_shm_folder(const struct shm_folder *folder, struct findings *findings)
{
    static const char what[] = "/dev/shm";
    if (!folder->is_there)
        finding_add(findings, what, &missing, "not there");
    else if (folder->size == 0)
        finding_add(findings, what, judge(folder), "no limit");
    else
        finding_add(findings, what, judge(folder), "%s, %s free", size_text(folder->size).text,
                    size_text(folder->free).text);
}

void doctor_shm_folder(const struct patient *patient, struct findings *findings)
{
    struct path path = file_path(patient->root, "/dev/shm");
    struct statvfs room;
    struct statfs kind;
    struct shm_folder folder = {.is_there = statvfs(path.text, &room) == 0 &&
                                            statfs(path.text, &kind) == 0};
    if (folder.is_there) {
        folder.is_writable = access(path.text, W_OK | X_OK) == 0;
        folder.is_in_memory = kind.f_type == TMPFS_MAGIC;
        folder.has_inodes = room.f_files == 0 || room.f_ffree > 0;
        folder.size = (uint64_t)room.f_blocks * room.f_frsize;
        folder.free = (uint64_t)room.f_bavail * room.f_frsize;
    }
    doctor_judge_shm_folder(&folder, findings);
}
