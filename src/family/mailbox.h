/* The family's mailbox: how a pool whose backend has no names is found by others.
 *
 * Its descriptors lie, as a message, in the queue of a socket pair that the family inherits, so
 * nobody needs a right to look into another process, and they are there after the creator's death.
 * Messages are read by looking only (MSG_PEEK) and stay. The place of the look belongs to the
 * socket that all share, so readers take turns: one word of the registry holds who reads, taken
 * over from the dead. Senders need no turn. A message that nobody needs any more leaves when a
 * reader lets the whole queue pass by once: what is needed is sent again before it is taken away,
 * so a death in between leaves a message twice at worst.
 *
 * There is a level for the family and one for each restricted start: who is restricted cannot read
 * the levels above it, only send there, for what it creates belongs to those as well.
 *
 * Everything here is called under process_lock. */
#ifndef SHMPOOL_FAMILY_MAILBOX_H
#define SHMPOOL_FAMILY_MAILBOX_H

#include <shmpool/backend.h>

#include "family/pools.h"
#include "family/registry.h"

/* The family's first process: makes the level of all. Without descriptors there is none: attaching
 * what has no name fails, all else works. */
void mailbox_begin(void);

/* The ends that a program started by exec gets: all, or those for sending if it is restricted. Only
 * those that are there. */
struct mail_ends {
    struct descriptor inbox;
    struct descriptor family;
    struct descriptor levels[CHAIN_DEPTH];
};
struct mail_ends mailbox_ends(int restricted);

/* In such a program, in place of mailbox_begin; what is not there is left out. */
void mailbox_adopt(const struct mail_ends *ends, int restricted);

/* In the child of a start with a list: gives up reading and makes a level of its own. System calls
 * only. */
void mailbox_restrict(void);

/* Makes a new pool known to all levels of this process, if its backend has no names and it is not
 * private. */
void mailbox_post(shmpool_id id, const struct pool *pool);

/* A hold of one's own on a pool, writable. 0, or -1: ENOTSUP, ENOENT, EAGAIN, EMFILE. */
int mailbox_fetch(shmpool_id id, const struct known_resource *known,
                  const struct shmpool_backend *backend, struct shmpool_object *object);

/* This process was a pool's last user: forgets the pool if nobody else uses it. */
void mailbox_forsake(shmpool_id id);

/* Lets go what the registry says is unlinked or gone, if there is something to let go. */
void mailbox_sweep(void);

#endif
