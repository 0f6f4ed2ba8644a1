/* Making a pool larger: who does it, and the number of pages that all believe in.
 *
 * Only one process at a time extends the object, so a slow one never makes it shorter than a fast
 * one left it. The pages exist before the limit says so. */
#ifndef SHMPOOL_CORE_GROWTH_H
#define SHMPOOL_CORE_GROWTH_H

#include "core/recovery.h"
#include "core/view.h"

/* Takes the place of the one who grows: 1, or 0 while a living process has it. */
int growth_begin(const struct view *view, uint64_t ident, const struct recovery_world *world);
void growth_end(const struct view *view);

/* The pages up to limit are there from now on. Less than there are: nothing happens. */
void growth_raise(const struct view *view, uint64_t limit);

#endif
