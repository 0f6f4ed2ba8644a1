/* In what state a pool object is: the one place that judges it, for lists and for clean-up.
 *
 * The judgement is one of a moment, by what this process may see. Nothing may be removed by it
 * alone: whoever removes makes sure first that nobody begins to use the object meanwhile. */
#ifndef SHMPOOL_FAMILY_STANDING_H
#define SHMPOOL_FAMILY_STANDING_H

#include <shmpool/backend.h>
#include <shmpool/inspect.h>

#include "core/layout.h"
#include "family/holders.h"

struct standing {
    enum shmpool_state state;
    enum shmpool_life creator_life;
    pid_t creator; /* 0: not known */
    pid_t holder;  /* 0: none was seen */
    size_t holders;
};

/* Whether the process that the header of a pool says made it lives. */
enum shmpool_life standing_of_creator(const struct header_shm *header);

/* Whether that process and all of its family are dead. */
int standing_is_forsaken(const struct header_shm *header);

/* Judges an object. header: a copy of a sound pool's, else NULL, and then `otherwise` says what the
 * object is. */
struct standing standing_of(const struct shmpool_backend *backend,
                            const struct shmpool_found *found, const struct header_shm *header,
                            enum shmpool_state otherwise, const struct holders *holders);

/* Of the process of a key, start time and ID, as the members of a pool are recorded. */
enum shmpool_life standing_of_process(uint64_t key, uint64_t start, pid_t pid);

#endif
