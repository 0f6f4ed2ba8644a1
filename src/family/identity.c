#include "family/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/members.h"
#include "family/watch.h"

enum { STAT_THREADS = 20, STAT_START = 22, STAT_EXIT_CODE = 52 };

static _Atomic uint64_t own_start;
static _Atomic uint64_t own_key;

static ssize_t read_file(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t got;
    do {
        got = read(fd, text, size - 1);
    } while (got < 0 && errno == EINTR);
    close(fd);
    text[got > 0 ? got : 0] = '\0';
    return got;
}

/* Whether the numbers in /proc are pids of this process's namespace. Who begins a namespace and
 * mounts nothing sees its parent's /proc, where they are other processes. /proc/self is this
 * process there too: its own number tells them apart, or, where that is the same in both, how many
 * numbers it has (NStgid, since Linux 4.1). */
static int proc_is_of_namespace(void)
{
    static const char key[] = "\nNStgid:";
    char text[4096];
    ssize_t length = readlink("/proc/self", text, sizeof text - 1);
    text[length > 0 ? length : 0] = '\0';
    if (strtol(text, NULL, 10) != getpid())
        return 0;
    const char *at =
        read_file("/proc/self/status", text, sizeof text) > 0 ? strstr(text, key) : NULL;
    if (at == NULL)
        return 1;
    char *end;
    strtol(at + sizeof key - 1, &end, 10);
    return *end == '\n';
}

/* A field of /proc/PID/stat; the command in the second may hold blanks and parentheses. 0 and
 * *state when it cannot be read. */
static uint64_t stat_field(pid_t pid, int number, char *state, uint64_t *start)
{
    char path[40];
    char text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    *state = '\0';
    *start = 0;
    if (!proc_is_of_namespace() || read_file(path, text, sizeof text) <= 0)
        return 0;
    char *at = strrchr(text, ')');
    if (at == NULL || strlen(at) < 3)
        return 0;
    at += 2;
    *state = *at;
    uint64_t value = 0;
    for (int field = 3; field <= number && at != NULL; field++) {
        if (field == STAT_START)
            *start = strtoull(at, NULL, 10);
        if (field == number)
            value = strtoull(at, NULL, 10);
        at = strchr(at, ' ');
        at = at != NULL ? at + 1 : NULL;
    }
    return value;
}

uint64_t identity_start_of(pid_t pid)
{
    char state;
    uint64_t start;
    return stat_field(pid, STAT_START, &state, &start);
}

static uint64_t mix(uint64_t value)
{
    value ^= value >> 33;
    value *= UINT64_C(0xff51afd7ed558ccd);
    value ^= value >> 33;
    value *= UINT64_C(0xc4ceb9fe1a85ec53);
    return value ^ value >> 33;
}

static uint64_t inode_of(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? status.st_ino : 0;
}

void identity_origin(uint64_t boot[2], uint64_t *namespace)
{
    char text[64];
    boot[0] = boot[1] = 0;
    if (read_file("/proc/sys/kernel/random/boot_id", text, sizeof text) > 0) {
        int digit = 0;
        for (const char *at = text; *at != '\0' && digit < 32; at++) {
            if (*at == '-')
                continue;
            char one[2] = {*at, '\0'};
            boot[digit / 16] = boot[digit / 16] << 4 | (strtoull(one, NULL, 16) & 15);
            digit++;
        }
    }
    *namespace = inode_of("/proc/self/ns/pid");
}

/* Where /proc is out of reach (after a chroot, say) the key has no boot: such a process cannot be
 * told from others, so it counts as alive, and so do all others in its eyes. */
static uint64_t read_key(void)
{
    uint64_t boot[2];
    uint64_t namespace;
    identity_origin(boot, &namespace);
    uint64_t time = inode_of("/proc/self/ns/time");
    if ((boot[0] | boot[1]) == 0 || namespace == 0)
        return 1;
    uint64_t machine = mix(boot[0] ^ mix(boot[1])) >> 32;
    uint64_t spaces = mix(namespace ^ mix(time)) >> 32;
    return (machine != 0 ? machine : 1) << 32 | spaces;
}

/* It passes: another time /proc can be read. */
static int is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM;
}

/* What cannot be read for want of a descriptor is read again at the next call. */
struct identity identity_self(void)
{
    struct identity self = {.pid = getpid(), .key = atomic_load(&own_key)};
    if (self.key != 0) {
        self.start = atomic_load(&own_start); /* stored before the key */
        return self;
    }
    int saved = errno;
    errno = 0;
    self.start = identity_start_of(self.pid);
    self.key = read_key();
    if (!is_shortage(errno)) {
        atomic_store(&own_start, self.start);
        atomic_store(&own_key, self.key);
    }
    errno = saved;
    return self;
}

int identity_was_read(void)
{
    identity_self();
    return atomic_load(&own_key) != 0;
}

void identity_forget(void)
{
    atomic_store(&own_key, 0);
}

static uint64_t low_bits(uint64_t start)
{
    return start & ((UINT64_C(1) << IDENT_START_BITS) - 1);
}

int identity_began_otherwise(pid_t pid, uint64_t start)
{
    uint64_t now = identity_start_of(pid);
    return start != 0 && now != 0 && low_bits(now) != low_bits(start);
}

/* A zombie may be a first thread that ended before the others: they are counted still. */
int identity_has_ended(pid_t pid, uint64_t start)
{
    char state;
    uint64_t now;
    uint64_t n_threads = stat_field(pid, STAT_THREADS, &state, &now);
    if (start != 0 && now != 0 && low_bits(now) != low_bits(start))
        return 1;
    return (state == 'Z' && n_threads <= 1) || state == 'X';
}

int identity_is_dead(uint64_t key, uint64_t start, pid_t pid)
{
    struct identity self = identity_self();
    if (identity_is_of_other_boot(key))
        return 1;
    if (key != self.key || key >> 32 == 0)
        return 0;
    if (pid == self.pid && low_bits(start) == low_bits(self.start))
        return 0;
    int saved = errno;
    struct watch watch;
    int begun = watch_begin(&watch, start, pid) == 0;
    int dead = begun ? watch_wait(&watch, 0) : errno == ESRCH;
    if (begun)
        watch_end(&watch);
    errno = saved;
    return dead;
}

int identity_is_of_other_boot(uint64_t key)
{
    uint64_t self = identity_self().key;
    return key >> 32 != 0 && self >> 32 != 0 && key >> 32 != self >> 32;
}

/* A right that reading this link needs as well. */
static int may_see_exit_code(pid_t pid)
{
    char path[40];
    char text[64];
    snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)pid);
    return readlink(path, text, sizeof text) >= 0;
}

/* To who may not look into a process the kernel shows an exit code of 0, whatever it is. */
int identity_zombie_status(pid_t pid, uint64_t start)
{
    char state;
    uint64_t now;
    int visible = may_see_exit_code(pid);
    uint64_t status = stat_field(pid, STAT_EXIT_CODE, &state, &now);
    if (state != 'Z' || now != start)
        return -1;
    return visible ? (int)status : IDENTITY_HIDDEN;
}
