#include "family/rights.h"

#include <string.h>

#include "family/registry.h"

static struct chain_shm own;

struct chain_shm rights_chain(void)
{
    return own;
}

int rights_are_restricted(void)
{
    return own.number[0] != 0;
}

struct chain_shm rights_lengthened(void)
{
    struct chain_shm chain = {.number = {registry_next_number()}};
    memcpy(&chain.number[1], &own.number[0], sizeof own.number - sizeof own.number[0]);
    return chain;
}

void rights_restrict(void)
{
    own = rights_lengthened();
}

void rights_set_chain(const struct chain_shm *chain)
{
    own = *chain;
}

int rights_cover(const struct chain_shm *creator)
{
    int covered = !rights_are_restricted();
    for (int i = 0; i < CHAIN_DEPTH && !covered; i++)
        covered = creator->number[i] == own.number[0];
    return covered;
}
