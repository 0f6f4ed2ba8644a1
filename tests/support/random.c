#include "support/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

uint64_t random_seed(void)
{
    static uint64_t seed;
    const char *given = getenv("TEST_SEED");
    if (seed != 0)
        return seed;
    if (given != NULL)
        seed = strtoull(given, NULL, 0);
    else if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        seed = (uint64_t)getpid();
    seed += seed == 0;
    printf("seed: TEST_SEED=0x%llx\n", (unsigned long long)seed);
    fflush(stdout);
    return seed;
}

/* splitmix64: Steele, Lea, Flood: Fast splittable pseudorandom number generators. */
uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

struct random random_stream(uint64_t seed, uint64_t number)
{
    struct random random = {seed};
    random.state = random_next(&random) ^ (number * 0x9e3779b97f4a7c15u);
    random_next(&random);
    return random;
}

uint64_t random_between(struct random *random, uint64_t low, uint64_t high)
{
    return low + random_next(random) % (high - low + 1);
}
