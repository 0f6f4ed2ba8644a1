#include "family/mark.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "family/registry.h"

/* The system hands the list out in pieces. Where locks go that stand before a piece, what would
 * begin it has moved into the piece before, which was read: so pieces overlap, and there are
 * several looks. */
enum { PIECE = 4096, OVERLAP = PIECE / 4 * 3, LOOKS = 3 };

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

struct sighting {
    uint64_t inode;
    struct descriptor own;
    bool is_there;
    bool is_own_there;
};

/* The whole lines of a piece; what it begins with is none but in the first. */
static void read_piece(struct sighting *sighting, char *piece, bool is_first)
{
    char *line = is_first ? piece : strchr(piece, '\n');
    line += line != NULL && !is_first;
    for (char *end; line != NULL && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        uint64_t seen = inode_in(line, sighting->own.device);
        sighting->is_there = sighting->is_there || seen == sighting->inode;
        sighting->is_own_there = sighting->is_own_there || seen == sighting->own.inode;
    }
}

/* Whether all locks were read. */
static bool look(struct sighting *sighting)
{
    char piece[PIECE + 1];
    ssize_t n;
    off_t at = 0;
    int locks = open("/proc/locks", O_RDONLY | O_CLOEXEC);
    if (locks < 0)
        return false;
    do {
        n = pread(locks, piece, PIECE, at);
        piece[n > 0 ? n : 0] = '\0';
        read_piece(sighting, piece, at == 0);
        at += n - OVERLAP;
    } while (n > OVERLAP);
    close(locks);
    return n >= 0;
}

int mark_is_dead(uint64_t inode)
{
    struct sighting sighting = {.inode = inode, .own = registry_mark()};
    if (inode == 0 || sighting.own.inode == 0)
        return 0;
    for (int i = 0; i < LOOKS && !sighting.is_there; i++)
        if (!look(&sighting))
            return 0;
    return sighting.is_own_there && !sighting.is_there;
}
