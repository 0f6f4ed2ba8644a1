#include "listener.h"

#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 128 };

/* What a server that was killed left: a socket, and nobody answers. */
static bool is_stale(const struct sockaddr_un *address)
{
    struct stat there;
    if (lstat(address->sun_path, &there) != 0 || !S_ISSOCK(there.st_mode))
        return false;
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int result = connect(client, (const struct sockaddr *)address, sizeof *address);
    bool refused = client >= 0 && result != 0 && errno == ECONNREFUSED;
    if (client >= 0)
        close(client);
    return refused;
}

static int bind_to(int listener, const struct sockaddr_un *address)
{
    mode_t mask = umask(S_IRWXG | S_IRWXO);
    int result = bind(listener, (const struct sockaddr *)address, sizeof *address);
    if (result != 0 && errno == EADDRINUSE && is_stale(address)) {
        unlink(address->sun_path);
        result = bind(listener, (const struct sockaddr *)address, sizeof *address);
    }
    umask(mask);
    return result;
}

int listener_open(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        warnx("%s: the path of a socket has less than %zu bytes", path, sizeof address.sun_path);
        return -1;
    }
    strcpy(address.sun_path, path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener >= 0 && bind_to(listener, &address) == 0 && listen(listener, BACKLOG) == 0)
        return listener;
    warn("%s", path);
    if (listener >= 0)
        close(listener);
    return -1;
}

int listener_accept(int listener)
{
    return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}
