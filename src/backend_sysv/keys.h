/* From names to the keys of System V segments.
 *
 * A name is text, a key is 32 bits, so two names may meet in a key, and other programs use keys as
 * they like. Each name therefore has several keys, in an order that never changes. */
#ifndef SHMPOOL_BACKEND_SYSV_KEYS_H
#define SHMPOOL_BACKEND_SYSV_KEYS_H

#include <sys/types.h>

enum { KEYS_PER_NAME = 8 };

/* The name's key number index, from 0 on; never IPC_PRIVATE. */
key_t key_of(const char *name, unsigned index);

#endif
