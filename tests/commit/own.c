/* A child's own view of the machine, by a mount namespace: as root directly, as anybody else in a
 * user namespace, where the system allows that. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "commit/commit.h"

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return done;
}

static bool own_user_namespace(void)
{
    char users[64], groups[64];
    snprintf(users, sizeof users, "%u %u 1", (unsigned)geteuid(), (unsigned)geteuid());
    snprintf(groups, sizeof groups, "%u %u 1", (unsigned)getegid(), (unsigned)getegid());
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
           write_text("/proc/self/setgroups", "deny") && write_text("/proc/self/uid_map", users) &&
           write_text("/proc/self/gid_map", groups);
}

bool own_folder(const char *options)
{
    if ((unshare(CLONE_NEWNS) == 0 || own_user_namespace()) &&
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
        mount("tmpfs", "/dev/shm", "tmpfs", 0, options) == 0)
        return true;
    printf("this system allows no mounts of one's own: not run\n");
    return false;
}

bool own_meminfo(uint64_t total, uint64_t available)
{
    char text[256];
    const char *path = "/dev/shm/meminfo";
    snprintf(text, sizeof text,
             "MemTotal: %8llu kB\nMemFree: %8llu kB\nMemAvailable: %8llu kB\n"
             "SwapTotal: 0 kB\nSwapFree: 0 kB\n",
             (unsigned long long)total >> 10, (unsigned long long)available >> 10,
             (unsigned long long)available >> 10);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0444);
    CHILD_CHECK(fd >= 0);
    close(fd);
    CHILD_CHECK(write_text(path, text));
    if (mount(path, "/proc/meminfo", NULL, MS_BIND, NULL) == 0)
        return true;
    printf("this system allows no mounts in /proc: not run\n");
    return false;
}
