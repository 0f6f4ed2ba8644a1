/* Where a new pool goes in the address space: a random place in a zone where nothing else lands, so
 * that every process can map it there. */
#ifndef SHMPOOL_FAMILY_ADDRESS_H
#define SHMPOOL_FAMILY_ADDRESS_H

#include <shmpool/backend.h>
#include <stddef.h>

/* Maps the object at a place of its own choice; NULL with errno. */
void *address_map_new(const struct shmpool_backend *backend, const struct shmpool_object *object,
                      size_t length);

/* Maps it at the address given or nowhere; NULL with errno, EADDRINUSE names the occupant. */
void *address_map_at(const struct shmpool_backend *backend, const struct shmpool_object *object,
                     void *address, size_t length, unsigned flags);

#endif
