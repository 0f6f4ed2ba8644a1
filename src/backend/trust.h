/* Whose objects a process may use.
 *
 * A pool holds pointers that its users follow, so a stranger's object is refused even where its
 * mode lets everybody in. */
#ifndef SHMPOOL_BACKEND_TRUST_H
#define SHMPOOL_BACKEND_TRUST_H

#include <stdbool.h>
#include <sys/types.h>

/* Whether an object of this user, group and mode is used here: it is this user's own, or this is
 * root, or the mode lets in a group of this process, for reading or for both. */
bool trust_owner(uid_t uid, gid_t gid, mode_t mode, bool readonly);

/* EACCES and the sentence; what: the object, as its user would name it; readable: it may be used
 * for reading. Returns -1. */
int trust_refuse(const char *what, uid_t uid, bool readable);

#endif
