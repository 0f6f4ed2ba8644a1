/* The columns of pools, for ls and stat, and the value that each pool has in them. */
#ifndef POOL_CELLS_H
#define POOL_CELLS_H

#include "columns.h"

/* row: a struct seen. */
void pool_cell(const void *row, size_t column, struct cell *cell);

#endif
