/* Random numbers of tests: any run can be repeated from the seed that it printed. */
#ifndef TESTS_SUPPORT_RANDOM_H
#define TESTS_SUPPORT_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state;
};

/* The seed of this run, drawn once; TEST_SEED in the environment overrides it. */
uint64_t random_seed(void);

/* A stream of its own for each number: seed it by the run's seed and the number. */
struct random random_stream(uint64_t seed, uint64_t number);

uint64_t random_next(struct random *random);

/* Evenly from low to high, both included. */
uint64_t random_between(struct random *random, uint64_t low, uint64_t high);

#endif
