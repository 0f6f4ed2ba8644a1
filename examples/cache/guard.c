/* The guard is a name in the kernel's abstract space of Unix sockets. A socket bound to it is
 * inherited by the workers; the kernel takes the name back when the last process that holds it has
 * ended, however it ended, and so nothing is ever left over. */
#include "guard.h"

#include <err.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "item.h"

enum { PATIENCE_MS = 5000, PAUSE_MS = 10 };

/* A name of the cache may be longer than one of a socket: its hash stands for it. */
static socklen_t spell(struct sockaddr_un *address, const char *name)
{
    struct key key = {.length = strnlen(name, LONGEST_KEY)};
    memcpy(key.bytes, name, key.length);
    key_close(&key);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n = snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "shmpool-cache-%016llx",
                     (unsigned long long)key.hash);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

int guard_take(const char *name)
{
    struct sockaddr_un address;
    socklen_t length = spell(&address, name);
    int guard = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    for (int waited = 0; guard >= 0 && waited < PATIENCE_MS; waited += PAUSE_MS) {
        if (bind(guard, (struct sockaddr *)&address, length) == 0)
            return 0;
        if (errno != EADDRINUSE)
            break;
        usleep(PAUSE_MS * 1000);
    }
    if (errno == EADDRINUSE)
        warnx("the cache %s is being served already: a master or a worker of it still runs", name);
    else
        warn("guard of the cache %s", name);
    if (guard >= 0)
        close(guard);
    return -1;
}
