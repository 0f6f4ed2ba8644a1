/* Used bits: which pages may hold something other than zeroes.
 *
 * One bit a page, kept only in pools that ask for it (SHMPOOL_ZERO, SHMPOOL_AUTOTRIM). It is set
 * once the page belongs to a block and before anybody stores there, and cleared once the system has
 * taken the page's memory back, while the page is claimed. So after a death a bit may say "used" of
 * a page of zeroes, never the contrary. */
#ifndef SHMPOOL_CORE_USED_H
#define SHMPOOL_CORE_USED_H

#include "core/view.h"

/* Sets the bits of a block that is the caller's alone. visit is called for runs of pages that were
 * used before. */
void used_set(const struct view *view, uint64_t page, uint64_t n,
              void (*visit)(void *context, uint64_t page, uint64_t n), void *context);

void used_clear(const struct view *view, uint64_t page, uint64_t n);

#endif
