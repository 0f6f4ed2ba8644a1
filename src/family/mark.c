#include "family/mark.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "family/registry.h"

int mark_set(int fd)
{
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_SETLK, &all);
}

/* "1: OFDLCK ADVISORY  WRITE -1 00:01:INODE 0 EOF". The registries of all families lie on one
 * device. */
static uint64_t inode_in(const char *line, uint64_t device)
{
    unsigned major, minor;
    uint64_t inode;
    if (sscanf(line, "%*s %*s %*s %*s %*s %x:%x:%" SCNu64, &major, &minor, &inode) != 3)
        return 0;
    return makedev(major, minor) == device ? inode : 0;
}

int mark_is_dead(uint64_t inode)
{
    const struct descriptor own = registry_mark();
    char *line = NULL;
    size_t size = 0;
    bool is_there = inode == 0 || own.inode == 0;
    bool is_own_there = false;
    FILE *locks = is_there ? NULL : fopen("/proc/locks", "re");
    while (locks != NULL && getline(&line, &size, locks) > 0) {
        uint64_t seen = inode_in(line, own.device);
        is_there = is_there || seen == inode;
        is_own_there = is_own_there || seen == own.inode;
    }
    is_there = is_there || locks == NULL || ferror(locks);
    free(line);
    if (locks != NULL)
        fclose(locks);
    return is_own_there && !is_there;
}
