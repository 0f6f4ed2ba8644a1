#include "backend_sysv/segment.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

enum {
    SHORT_OF_PAGES = 1877, /* bytes; part of what makes a pool: never change it */
    LOOKS = 100,           /* without a pause, and */
    NAPS = 1000,           /* with one of a millisecond */
};

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* ---- making ---- */

static int refuse_size(size_t size, const char *limit, size_t allowed)
{
    char asked[ERROR_SIZE_TEXT], most[ERROR_SIZE_TEXT];
    return error_set(ENOSPC,
                     "%s are asked for, and the limit %s of System V shared memory is %s: raise it "
                     "(sysctl kernel.%s=...) or use another backend",
                     error_size(asked, size), limit, error_size(most, allowed), limit);
}

/* The system says ENOSPC for the number of segments and for their total size. */
static int refuse_full(size_t size, const struct shminfo *limits)
{
    struct shm_info used;
    size_t page = page_size();
    int highest = shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&used);
    if (highest >= 0 && (unsigned long)used.used_ids >= limits->shmmni)
        return error_set(
            ENOSPC,
            "there are %d System V segments, which is the limit shmmni: remove what is "
            "left over (ipcs -m, ipcrm -m), or raise it (sysctl kernel.shmmni=...)",
            used.used_ids);
    if (limits->shmall > SIZE_MAX / page)
        return refuse_size(size, "shmall", SIZE_MAX);
    return refuse_size(size, "shmall", limits->shmall * page);
}

static int refuse_to_make(size_t size)
{
    char asked[ERROR_SIZE_TEXT];
    struct shminfo limits = {0};
    int code = errno;
    if (code == ENOSYS)
        return error_set(ENOTSUP, "this system has no System V shared memory");
    if (code == ENOMEM)
        return error_set(ENOMEM,
                         "the system has no memory for a System V segment of %s: where it keeps "
                         "strict account (vm.overcommit_memory=2) all that a pool may grow to "
                         "counts; ask for a smaller max_size or use another backend",
                         error_size(asked, size));
    if (shmctl(0, IPC_INFO, (struct shmid_ds *)(void *)&limits) >= 0) {
        if (code == ENOSPC)
            return refuse_full(size, &limits);
        if (code == EINVAL && size > limits.shmmax)
            return refuse_size(size, "shmmax", limits.shmmax);
    }
    return error_set(code == EINVAL ? ENOMEM : code, "a System V segment of %s cannot be made: %s",
                     error_size(asked, size), strerror(code));
}

/* SHM_NORESERVE: pages count when they are touched, as those of files in memory do. */
int segment_make(key_t key, size_t size, mode_t mode)
{
    int id = shmget(key, size - SHORT_OF_PAGES,
                    IPC_CREAT | IPC_EXCL | SHM_NORESERVE | (int)(mode & 0777));
    if (id >= 0 || errno == EEXIST)
        return id;
    return refuse_to_make(size);
}

/* ---- asking the system ---- */

/* SHM_STAT_ANY takes an index in place of an id, and an id is one too. */
int segment_status(int id, struct shmid_ds *status)
{
    if (shmctl(id, IPC_STAT, status) == 0)
        return 0;
    if (errno != EACCES)
        return -1;
    if (shmctl(id, SHM_STAT_ANY, status) == id)
        return 0;
    errno = EACCES;
    return -1;
}

size_t segment_size(const struct shmid_ds *status)
{
    size_t page = page_size();
    return (status->shm_segsz + page - 1) / page * page;
}

/* A pool's segment has a key until it is removed. */
static bool is_pools(const struct shmid_ds *status)
{
    bool may_be = status->shm_perm.__key != IPC_PRIVATE || (status->shm_perm.mode & SHM_DEST) != 0;
    return may_be && segment_size(status) - status->shm_segsz == SHORT_OF_PAGES;
}

int segment_remove(int id, key_t key)
{
    struct shmid_ds status;
    if (segment_status(id, &status) != 0 || status.shm_perm.__key != key || !is_pools(&status)) {
        errno = ENOENT;
        return -1;
    }
    if (shmctl(id, IPC_RMID, NULL) == 0)
        return 0;
    errno = errno == EPERM ? EACCES : ENOENT;
    return -1;
}

uint64_t segment_namespace(void)
{
    struct stat status;
    return SEGMENT_NAMESPACE_UNKNOWN |
           (stat("/proc/thread-self/ns/ipc", &status) == 0 ? status.st_ino : 0);
}

/* ---- what a segment is ---- */

struct beginning {
    uint64_t magic;
    char name[SHMPOOL_OBJECT_NAME_SIZE];
};

/* The magic first: what it stands for was stored before it. */
static int read_beginning(int id, struct beginning *beginning)
{
    const char *start = shmat(id, NULL, SHM_RDONLY);
    if (start == (const char *)-1)
        return -1;
    beginning->magic = __atomic_load_n((const uint64_t *)(const void *)start, __ATOMIC_ACQUIRE);
    memcpy(beginning->name, start + SHMPOOL_OBJECT_NAME, sizeof beginning->name);
    shmdt(start);
    return 0;
}

static enum segment_kind kind_of(const struct beginning *beginning, const char *name)
{
    if (beginning->magic == 0)
        return SEGMENT_UNFINISHED;
    if (strncmp(beginning->name, name, sizeof beginning->name) != 0)
        return SEGMENT_FOREIGN;
    return memcmp(&beginning->magic, SHMPOOL_OBJECT_MAGIC, sizeof beginning->magic) == 0
               ? SEGMENT_POOL
               : SEGMENT_DAMAGED;
}

bool segment_is_gone(int code)
{
    return code == EINVAL || code == EIDRM || code == ENOENT || code == ENOSYS;
}

static struct segment unreadable(struct segment segment)
{
    segment.error = errno;
    segment.kind = segment_is_gone(errno) ? SEGMENT_NONE : SEGMENT_HIDDEN;
    return segment;
}

struct segment segment_inspect(key_t key, const char *name)
{
    struct beginning beginning;
    struct segment segment = {.kind = SEGMENT_FOREIGN, .key = key};
    segment.id = shmget(key, 0, 0);
    if (segment.id < 0 || segment_status(segment.id, &segment.status) != 0)
        return unreadable(segment);
    if (!is_pools(&segment.status))
        return segment;
    if (read_beginning(segment.id, &beginning) != 0)
        return unreadable(segment);
    segment.kind = kind_of(&beginning, name);
    return segment;
}

/* The index is taken first: what is asked for by id then is the segment that has it now. */
struct segment segment_at(int index, char name[SHMPOOL_OBJECT_NAME_SIZE])
{
    struct beginning beginning;
    struct segment segment = {.kind = SEGMENT_NONE};
    segment.id = shmctl(index, SHM_STAT_ANY, &segment.status);
    if (segment.id < 0 && errno == EINVAL) /* Linux before 4.17 */
        segment.id = shmctl(index, SHM_STAT, &segment.status);
    if (segment.id < 0)
        return segment;
    segment.kind = SEGMENT_FOREIGN;
    segment.key = segment.status.shm_perm.__key;
    if (!is_pools(&segment.status))
        return segment;
    if (read_beginning(segment.id, &beginning) != 0)
        return unreadable(segment);
    beginning.name[sizeof beginning.name - 1] = '\0';
    memcpy(name, beginning.name, sizeof beginning.name);
    segment.kind = kind_of(&beginning, name);
    return segment;
}

/* ---- whether it is abandoned ---- */

/* A pid of another namespace is 0 here, and its process counts as alive, as in every doubt. EINVAL,
 * ENOENT: the number is a thread's by now, so no process has it. Where the call is unknown, or
 * filtered, or no descriptor is left for it, a signal of 0 that finds nobody is certain too. */
bool segment_maker_is_dead(const struct segment *segment)
{
    pid_t pid = segment->status.shm_cpid;
    if (pid <= 0)
        return false;
    struct pollfd ended = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
    if (ended.fd < 0)
        return errno == EINVAL || errno == ENOENT || (kill(pid, 0) != 0 && errno == ESRCH);
    bool dead = poll(&ended, 1, 0) == 1;
    close(ended.fd);
    return dead;
}

/* Those who look are gone in no time; the system needs some milliseconds to take down what a dead
 * maker, and the child that took memory for it, had attached. */
static void wait_a_little(int look)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    if (look < LOOKS)
        sched_yield();
    else
        nanosleep(&nap, NULL);
}

/* Asked when the maker is dead: it stores the magic last, so what is unfinished then stays so. */
static bool is_unfinished(int id)
{
    struct beginning beginning;
    return read_beginning(id, &beginning) == 0 ? beginning.magic == 0 : segment_is_gone(errno);
}

bool segment_is_abandoned(const struct segment *segment)
{
    struct shmid_ds status;
    if (!segment_maker_is_dead(segment) || !is_unfinished(segment->id))
        return false;
    for (int i = 0; i < LOOKS + NAPS; i++) {
        if (segment_status(segment->id, &status) != 0 || status.shm_nattch == 0)
            return true;
        wait_a_little(i);
    }
    return false;
}
