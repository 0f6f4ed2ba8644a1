#include "backend/commit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "backend/anonymous.h"
#include "backend/fdobject.h"
#include "backend/limits.h"
#include "backend/victim.h"
#include "base/error.h"

/* Linux 5.14; the C library's headers may be older than the kernel. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum {
    CHUNK = 32 << 20,      /* about 10 ms; larger ones may fail where pieces succeed */
    SMALL_CHUNK = 4 << 20, /* where each is preceded by a look at the limits */
    DISTANCE = 4 << 20,    /* that is kept to the limits then, besides what stays free anyhow */
    UNNOTICED_PART = 64,   /* what needs less than this part of what is left is no danger */
    BALLAST = 4 << 20,     /* that stays free: for stacks, copies of pages, children that start */
    TABLE_PART = 512 /* page tables of a process that touches all: 8 bytes for a page of 4096 */
};

struct memory {
    int fd;      /* of a file, or -1: then of */
    char *range; /* a mapping */
    size_t size;
    size_t page;
    uint64_t missing; /* bytes that are not there yet */
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- taking: system calls only; each returns 0 or an errno ---- */

static int allocate(int fd, size_t offset, size_t length)
{
    while (fallocate(fd, 0, (off_t)offset, (off_t)length) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

/* EFAULT stands for the SIGBUS that a store would have met. */
static int populate(char *start, size_t length)
{
    while (madvise(start, length, MADV_POPULATE_WRITE) != 0)
        if (errno != EINTR && errno != EAGAIN)
            return errno == EFAULT ? ENOMEM : errno;
    return 0;
}

/* Older kernels end fallocate with EINTR under signals, again and again under a timer. They are
 * blocked for one chunk at a time, so that none waits for long. */
static int take(const struct memory *memory, size_t offset, size_t length)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = memory->fd >= 0 ? allocate(memory->fd, offset, length)
                               : populate(memory->range + offset, length);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

static int take_all(const void *arg)
{
    const struct memory *memory = arg;
    int code = 0;
    for (size_t done = 0; done < memory->size && code == 0; done += CHUNK)
        code = take(memory, done, smaller(memory->size - done, CHUNK));
    return code;
}

/* Where the kernel has no call for it. Only in the child: for want of memory it is SIGBUS. */
static int touch_all(const void *arg)
{
    const struct memory *memory = arg;
    for (size_t at = 0; at < memory->size; at += memory->page)
        __atomic_fetch_or(memory->range + at, 0, __ATOMIC_RELAXED);
    return 0;
}

/* What stays free for whoever touches all of the memory. */
static size_t reserve_for(const struct memory *memory)
{
    return BALLAST + memory->size / TABLE_PART;
}

/* Without the reserve: what is left is for this memory. */
static void read_limits(struct limits *limits, const struct memory *memory)
{
    limits_read(limits, "");
    if (limits->left != UINT64_MAX)
        limits->left -= limits->left < reserve_for(memory) ? limits->left : reserve_for(memory);
}

/* By the caller itself, for want of a child that would be ended first. */
static int take_carefully(const struct memory *memory, struct limits *limits)
{
    int code = 0;
    for (size_t done = 0; done < memory->size && code == 0; done += SMALL_CHUNK) {
        size_t length = smaller(memory->size - done, SMALL_CHUNK);
        read_limits(limits, memory);
        if (limits->shortage != 0)
            return limits->shortage;
        code = limits->left < length + DISTANCE ? ENOMEM : take(memory, done, length);
    }
    return code;
}

/* A length of 0 asks whether the kernel knows the advice. */
static bool can_populate(const struct memory *memory)
{
    return memory->fd >= 0 || madvise(memory->range, 0, MADV_POPULATE_WRITE) == 0;
}

/* 0, an errno or VICTIM_ENDED. limits: as read before; after a failure for want of memory as they
 * were when it was met. */
static int take_in_child(const struct memory *memory, int (*work)(const void *))
{
    return victim_run(work, memory, memory->fd, reserve_for(memory));
}

static int take_as_limits_allow(const struct memory *memory, struct limits *limits)
{
    bool unnoticed = !limits->unknown && memory->missing <= limits->left / UNNOTICED_PART;
    if (!can_populate(memory)) {
        int code = take_in_child(memory, touch_all);
        return code == VICTIM_NONE ? ENOTSUP : code;
    }
    if (unnoticed)
        return take_all(memory);
    int code = limits->ends_all ? VICTIM_NONE : take_in_child(memory, take_all);
    return code == VICTIM_NONE ? take_carefully(memory, limits) : code;
}

/* ---- refusing ---- */

static const char *size_or_unknown(char text[ERROR_SIZE_TEXT], uint64_t size)
{
    if (size == UINT64_MAX)
        return "an amount that cannot be read here";
    return error_size(text, (size_t)size);
}

/* tried: the figures say that there is room, and yet there was none. */
static int refuse_memory(const struct memory *memory, const struct limits *limits, bool tried)
{
    char asked[ERROR_SIZE_TEXT], most[ERROR_SIZE_TEXT], left[ERROR_SIZE_TEXT];
    const char *verdict = tried ? "seemed free for it until the kernel refused" : "are free for it";
    error_size(asked, (size_t)memory->missing);
    if (limits->cgroup[0] != '\0')
        return error_set(ENOMEM,
                         "memory has no room for %s: the memory cgroup %s allows %s, of which %s "
                         "%s; ask for less, end something in it that uses memory, or raise its "
                         "limit (memory.max; --memory of a container)",
                         asked, limits->cgroup, size_or_unknown(most, limits->most),
                         size_or_unknown(left, limits->left), verdict);
    return error_set(ENOMEM,
                     "memory has no room for %s: this machine has %s with its swap space, of which "
                     "%s %s; ask for less, end something that uses memory, or add swap space",
                     asked, size_or_unknown(most, limits->most),
                     size_or_unknown(left, limits->left), verdict);
}

/* By strict account the kernel refuses what is free, with the same error as a full file system. */
static const char *remedy_for(const struct memory *memory, uint64_t unused,
                              const struct commit_place *place)
{
    if (unused < memory->missing)
        return place->remedy;
    return "so there is room by now, or the system keeps strict account and has promised all its "
           "memory (sysctl vm.overcommit_memory; CommitLimit in /proc/meminfo): try again, end "
           "something that uses memory, or raise vm.overcommit_ratio";
}

/* What the file took in vain counts as free: it goes. */
static int refuse_full(const struct memory *memory, const struct statvfs *system, uint64_t held,
                       const struct commit_place *place)
{
    struct stat status;
    char asked[ERROR_SIZE_TEXT], left[ERROR_SIZE_TEXT], all[ERROR_SIZE_TEXT];
    uint64_t unused = system->f_bavail * system->f_frsize;
    if (fstat(memory->fd, &status) == 0 && (uint64_t)status.st_blocks * 512 > held)
        unused += (uint64_t)status.st_blocks * 512 - held;
    return error_set(ENOSPC, "%s has no room for %s: its size is %s, of which %s are free; %s",
                     place->name, error_size(asked, (size_t)memory->missing),
                     error_size(all, system->f_blocks * system->f_frsize), error_size(left, unused),
                     remedy_for(memory, unused, place));
}

static int refuse_quota(const struct memory *memory, const struct commit_place *place)
{
    char asked[ERROR_SIZE_TEXT];
    return error_set(ENOSPC,
                     "the quota of user %u in %s has no room for %s: remove what this user left "
                     "there, or raise the quota (setquota)",
                     (unsigned)geteuid(), place->name, error_size(asked, (size_t)memory->missing));
}

/* Beyond a limit that nobody sees the kernel would end this process. */
static int refuse_unread(const struct memory *memory, int code)
{
    char asked[ERROR_SIZE_TEXT], reason[FDOBJECT_REASON_TEXT];
    return error_set(
        code, "%s of memory cannot be set aside, for the limits of memory cannot be read: %s",
        error_size(asked, (size_t)memory->missing), fdobject_reason(code, reason));
}

static int refuse_other(const struct memory *memory, int code)
{
    char asked[ERROR_SIZE_TEXT];
    if (code == EOPNOTSUPP)
        return error_set(ENOTSUP, "this system cannot set memory aside for a pool");
    return error_set(code, "%s of memory cannot be set aside: %s",
                     error_size(asked, (size_t)memory->missing), strerror(code));
}

/* ---- both kinds ---- */

static bool is_want_of_memory(int code)
{
    return code == ENOMEM || code == VICTIM_ENDED;
}

/* No blocks: a file system without a limit of its own. */
static bool has_limit(int fd, struct statvfs *system)
{
    return fstatvfs(fd, system) == 0 && system->f_blocks != 0;
}

static void give_back(const struct memory *memory)
{
    fallocate(memory->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)memory->size);
}

uint64_t commit_held(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 ? (uint64_t)status.st_blocks * 512 : 0;
}

int commit_file(int fd, size_t size, const struct commit_place *place)
{
    struct statvfs system;
    struct limits limits;
    uint64_t held = commit_held(fd);
    struct memory memory = {.fd = fd, .size = size, .missing = size > held ? size - held : 0};
    bool bounded = place != NULL && has_limit(fd, &system);
    if (bounded && memory.missing > system.f_bavail * system.f_frsize)
        return refuse_full(&memory, &system, held, place);
    read_limits(&limits, &memory);
    if (limits.shortage != 0)
        return refuse_unread(&memory, limits.shortage);
    if (memory.missing > limits.left)
        return refuse_memory(&memory, &limits, false);
    int code = take_as_limits_allow(&memory, &limits);
    if (code == 0)
        return 0;
    if (held == 0)
        give_back(&memory);
    if (is_want_of_memory(code) || (code == ENOSPC && !bounded))
        return refuse_memory(&memory, &limits, limits.left >= memory.missing);
    if (code == ENOSPC && has_limit(fd, &system))
        return refuse_full(&memory, &system, held, place);
    if (code == EDQUOT && place != NULL)
        return refuse_quota(&memory, place);
    return refuse_other(&memory, code);
}

int commit_range(void *address, size_t size)
{
    struct limits limits;
    struct memory memory = {.fd = -1,
                            .range = address,
                            .size = size,
                            .page = (size_t)sysconf(_SC_PAGESIZE),
                            .missing = size};
    read_limits(&limits, &memory);
    if (limits.shortage != 0)
        return refuse_unread(&memory, limits.shortage);
    /* What is there already counts, where it could make the difference: to look takes long. */
    if (size > limits.left && size - limits.left <= limits.most)
        memory.missing -= mapping_resident(address, size);
    if (memory.missing > limits.left)
        return refuse_memory(&memory, &limits, false);
    int code = take_as_limits_allow(&memory, &limits);
    if (code == 0)
        return 0;
    return is_want_of_memory(code) ? refuse_memory(&memory, &limits, limits.left >= size)
                                   : refuse_other(&memory, code);
}

int commit_refuse_full(int fd, size_t size, uint64_t held, const struct commit_place *place)
{
    struct statvfs system;
    char asked[ERROR_SIZE_TEXT];
    const struct memory memory = {.fd = fd, .missing = size > held ? size - held : 0};
    if (has_limit(fd, &system))
        return refuse_full(&memory, &system, held, place);
    return error_set(ENOSPC, "%s has no room for %s: %s", place->name,
                     error_size(asked, (size_t)memory.missing), place->remedy);
}
