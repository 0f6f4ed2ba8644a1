/* Linking a block and sharing it: PUBLISH of docs/protocol.md. */
#ifndef SHMPOOL_CORE_PUBLISH_H
#define SHMPOOL_CORE_PUBLISH_H

#include "core/actor.h"
#include "core/view.h"

enum published { PUBLISHED, PUBLISH_NO_BLOCK, PUBLISH_TAKEN };

/* Stores the address of the block at page into *where, which holds 0, and marks it shared. */
enum published publish_block(const struct view *view, struct actor *actor, uint64_t page,
                             _Atomic uintptr_t *where);

#endif
