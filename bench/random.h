/* Random numbers that cost a workload next to nothing: xorshift64*. */
#ifndef BENCH_RANDOM_H
#define BENCH_RANDOM_H

#include <stdint.h>

static inline uint32_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)(*state * UINT64_C(2685821657736338717) >> 32);
}

/* Evenly from 0 to before end. */
static inline uint32_t random_below(uint64_t *state, uint32_t end)
{
    return (uint32_t)((uint64_t)random_next(state) * end >> 32);
}

#endif
