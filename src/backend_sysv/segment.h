/* One System V segment: making it, looking at it, removing it.
 *
 * What tells a pool's segment from those of other programs must hold from its first moment on,
 * since its maker can die in the next. So it is in the size: some bytes short of whole pages. The
 * system hands out whole pages all the same, and reports the size as it was asked for. And it has a
 * key. Another program's segment that has a key, just such a size and zeroes at its beginning looks
 * unfinished, and is removed as such once its maker is dead and nobody has it attached.
 *
 * An id is used again when its segment is gone, so nothing is removed by an id alone. While a
 * segment is attached anywhere its id stays its own, also when it was removed; it has no key then.
 */
#ifndef SHMPOOL_BACKEND_SYSV_SEGMENT_H
#define SHMPOOL_BACKEND_SYSV_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/shm.h>
#include <sys/types.h>

#include <shmpool/backend.h>

/* Makes the segment of that key; size: whole pages. Its id, or -1: EEXIST when there is one, no
 * sentence then, and else ENOSPC, ENOMEM or ENOTSUP. */
int segment_make(key_t key, size_t size, mode_t mode);

/* What the system says of a segment, to whomever asks; 0, or -1 and errno when there is none. */
int segment_status(int id, struct shmid_ds *status);

/* Whether a failure of the system's calls says that the segment is not there. */
bool segment_is_gone(int code);

/* Whole pages of the segment. */
size_t segment_size(const struct shmid_ds *status);

/* Removes the segment if the id still stands for one of that key; -1, no sentence: ENOENT, EACCES.
 * Who has it attached keeps it. System calls only. */
int segment_remove(int id, key_t key);

enum segment_kind {
    SEGMENT_NONE,       /* there is none */
    SEGMENT_FOREIGN,    /* another program's, or a pool of another name */
    SEGMENT_UNFINISHED, /* on its way to be a pool; nobody knows of which name */
    SEGMENT_HIDDEN,     /* a pool's, and this process may not look which */
    SEGMENT_POOL,       /* of this name */
    SEGMENT_DAMAGED     /* of this name, and begins as no pool does */
};

struct segment {
    enum segment_kind kind;
    key_t key;
    int id;
    int error; /* HIDDEN: why */
    struct shmid_ds status;
};

/* Looks at what holds the key. */
struct segment segment_inspect(key_t key, const char *name);

/* The segment at an index of the system's list: FOREIGN, UNFINISHED, HIDDEN, or what its own name
 * makes it, which is stored; NONE where there is none. */
struct segment segment_at(int index, char name[SHMPOOL_OBJECT_NAME_SIZE]);

/* Ids mean something in their IPC namespace only: a number for this thread's. The top bit keeps it
 * apart from the devices of files; it stands alone when the namespace cannot be told, after a
 * chroot say.
 */
#define SEGMENT_NAMESPACE_UNKNOWN (UINT64_C(1) << 63)
uint64_t segment_namespace(void);

/* Whether the process that made the segment is dead; no in every doubt. */
bool segment_maker_is_dead(const struct segment *segment);

/* Whether nobody will ever finish what was an unfinished segment: its maker is dead, did not finish
 * it before it died, and nobody has it attached. Those who look at it have it attached too, so this
 * looks more than once. */
bool segment_is_abandoned(const struct segment *segment);

#endif
