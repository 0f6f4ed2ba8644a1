/* The one rule of exactness: what a cell is worth (see layout.h). */
#ifndef WORDCOUNT_CELL_H
#define WORDCOUNT_CELL_H

#include "chunks.h"

/* A chunk and the worker that counts it; no other pair has the same mark, none the mark 0. */
static inline uint64_t cell_mark(size_t chunk, uint32_t worker)
{
    return (uint64_t)chunk << 32 | worker;
}

/* What the cell is worth. Only for who knows that nobody is counting in the cell's slot. */
static inline uint64_t cell_value(const struct job_shm *job, const struct cell_shm *cell)
{
    uint64_t mark = atomic_load_explicit(&cell->mark, memory_order_relaxed);
    bool valid = chunks_finished_by(job, (size_t)(mark >> 32), (uint32_t)mark);
    return atomic_load_explicit(valid ? &cell->now : &cell->before, memory_order_relaxed);
}

/* Counts the cell's word once more, in the chunk and by the worker of the mark.
 *
 * The signal fences keep the compiler from changing the order of the stores. The processor needs no
 * telling: what others may see in the middle they do not use, and a dead worker's stores have all
 * arrived when it has been joined. */
static inline void cell_add(const struct job_shm *job, struct cell_shm *cell, uint64_t mark)
{
    uint64_t value = atomic_load_explicit(&cell->now, memory_order_relaxed);
    if (atomic_load_explicit(&cell->mark, memory_order_relaxed) != mark) {
        value = cell_value(job, cell);
        atomic_store_explicit(&cell->before, value, memory_order_relaxed);
        atomic_signal_fence(memory_order_seq_cst);
        atomic_store_explicit(&cell->mark, mark, memory_order_relaxed);
        atomic_signal_fence(memory_order_seq_cst);
    }
    atomic_store_explicit(&cell->now, value + 1, memory_order_relaxed);
}

#endif
