/* Room for items: segments, and what is done when the pool has no room for another one. */
#ifndef CACHE_SEGMENT_H
#define CACHE_SEGMENT_H

#include "hand.h"

/* Goes on with the segment that an earlier worker of this slot held, if there is one. */
void segment_inherit(struct hand *hand);

/* Room for size bytes, SEGMENT_ROOM at most, in a segment whose entry this worker holds; it stays
 * free until segment_take. NULL and errno, ENOSPC: every segment is held by somebody, or noted. */
struct item_shm *segment_room(struct hand *hand, size_t size);

/* Says that what lies in the room is initialized. */
void segment_take(struct hand *hand, size_t size);

/* The bytes of segments that n_workers must find in a pool: each holds one, and may have noted two
 * more, and there must be one left to be emptied. */
size_t segment_least(unsigned n_workers);

#endif
