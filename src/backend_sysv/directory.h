/* The names of the pools in System V shared memory: which segment has a name, and taking one.
 *
 * A name stands in one of its keys (keys.h), verified by the name that the pool itself holds. The
 * system makes a segment and its key in one step, but the pool in it is finished later, so a name
 * is *taken* by making a segment and *visible* when the pool's magic is stored. Who looks for a
 * name looks at all of its keys: a segment of another program or of another pool is passed over; an
 * unfinished one is no pool yet.
 *
 * Never two pools of one name. Whoever takes a name (1) makes a segment at the first key that is
 * not held by somebody else, and (2) then looks at all other keys. If it finds the name there, or
 * what may become the name - an unfinished segment, one that it may not read - it removes its own
 * segment and gives up (EEXIST). Only after that the pool is finished. Suppose that two of one name
 * became visible: each made its segment before it looked, so the one that made it later found the
 * other's and gave up, unless that one had been unlinked by then; so there are not two. When two
 * takers meet both may give up, which happens only where a key that was held by a stranger became
 * free between them; as a rule they meet in the same key, and the system makes one the winner.
 *
 * An unfinished segment holds its name while its maker lives (EEXIST). When the maker is dead and
 * nobody has the segment attached, nobody is left who could finish it: whoever finds it in the way
 * removes it. Two may do so at once: an id that is gone is an error for the later, and the new
 * segment of the earlier has another id. Segments that are known as those of other programs
 * (segment.h) are never touched. */
#ifndef SHMPOOL_BACKEND_SYSV_DIRECTORY_H
#define SHMPOOL_BACKEND_SYSV_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "backend_sysv/segment.h"

/* Makes an unfinished segment that has the name; stores its key. The id, or -1: EEXIST, and what
 * segment_make says. */
int directory_take(const char *name, size_t size, mode_t mode, key_t *key);

/* Finds the pool of that name that this user may use, for reading or for both; a damaged one counts
 * too. Errors: ENOENT, EACCES, ENOMEM. */
int directory_find(const char *name, bool readonly, struct segment *segment);

/* Whether a segment with these permissions is used here. By the creator's ids, which nobody can
 * change: owner and group can be given to anybody. What root made and gave to this user is this
 * user's. */
bool directory_trusts(const struct ipc_perm *permissions, bool readonly);

#endif
