/* A child's own view of the machine, by a mount namespace. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "commit/commit.h"
#include "support/namespace.h"

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return done;
}

bool own_folder(const char *options)
{
    if (namespace_enter(CLONE_NEWNS) && mount("tmpfs", "/dev/shm", "tmpfs", 0, options) == 0)
        return true;
    not_run("this system allows no mounts of one's own");
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
    not_run("this system allows no mounts in /proc");
    return false;
}
