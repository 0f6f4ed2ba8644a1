/* Grants: which of the starter's pools a worker keeps, and how.
 *
 * The plan is made and checked in the starter, where errors can be told; the child carries it out
 * with system calls only. */
#ifndef SHMPOOL_FAMILY_GRANTS_H
#define SHMPOOL_FAMILY_GRANTS_H

#include <shmpool/worker.h>
#include <stdint.h>

#include "family/registry.h"

struct grants {
    int all;                              /* everything, as the starter has it */
    size_t n;                             /* else how many */
    uint64_t keep[REGISTRY_ENTRIES / 64]; /* places of the table to keep */
    uint64_t readonly[REGISTRY_ENTRIES / 64];
};

/* 0, or -1 with errno and a sentence. */
int grants_plan(struct grants *grants, const struct shmpool_start_options *options);

/* What the worker gets of a pool that the starter has. */
enum { GRANT_NONE, GRANT_READONLY, GRANT_AS_IT_IS };
int grants_right(const struct grants *grants, shmpool_id id);

/* In the child: unmaps and closes what is not granted, makes read-only what is granted so. 0, or -1
 * with errno. */
int grants_apply(const struct grants *grants);

#endif
