/* The socket at which clients arrive. */
#ifndef CACHE_LISTENER_H
#define CACHE_LISTENER_H

/* Listens at a path, for this user only. A socket there at which nobody listens is replaced. The
 * descriptor does not block. -1: stderr says why. */
int listener_open(const char *path);

/* The next client, as a descriptor that does not block; -1: none now. */
int listener_accept(int listener);

#endif
