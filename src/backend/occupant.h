/* Who is in the way when a pool's address is taken, by the kernel's word, for sentences. */
#ifndef SHMPOOL_BACKEND_OCCUPANT_H
#define SHMPOOL_BACKEND_OCCUPANT_H

#include <stddef.h>
#include <stdint.h>

/* Says in text what this process has mapped first in the range: "[heap] at 0x...-0x...",
 * "/usr/lib/libc.so.6 at ...", "memory without a name at ..."; "something" when nobody knows.
 * Returns text. A path too long for it is cut off. */
const char *occupant_of(uintptr_t address, size_t length, char *text, size_t text_size);

#endif
