/* The memory behind a file: its size, its mappings, and taking it from the system.
 *
 * A file on hugetlbfs has whole huge pages only, and so have its mappings; the library counts in
 * the system's pages. So the unit is found once, when an object is made or opened, and what the
 * library says is rounded up to it. */
#ifndef PAGES_H
#define PAGES_H

#include <shmpool/backend.h>

/* Finds the unit of an object that was just taken over. */
int pages_find_unit(struct shmpool_object *object);

/* Gives a new file its size. Errors: ENOSPC beyond RLIMIT_FSIZE: there the system would not only
 * fail but kill. */
int pages_set_size(const struct shmpool_object *object, size_t size);

/* As in the contract. */
void *pages_map(const struct shmpool_object *object, void *address, size_t length, unsigned flags);
int pages_unmap(const struct shmpool_object *object, void *address, size_t length);
int pages_commit(const struct shmpool_object *object, void *address, size_t size);
int pages_resize(const struct shmpool_object *object, size_t size);
int pages_discard(const struct shmpool_object *object, void *address, size_t offset, size_t length);

#endif
