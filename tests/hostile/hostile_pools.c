/* Makes pools whose tables are damaged at random, and holds them until its standard input ends: for
 * tests of programs that look at pools.
 *
 *   hostile-pools PREFIX N SEED
 *
 * Their names are PREFIX.0 and so on, their backend that of SHMPOOL_BACKEND. Prints "ready" when
 * all are there, and on stderr what was done to each. They are removed in the end, also when their
 * headers do not say any more what they are. */
#include <stdio.h>
#include <stdlib.h>

#include "hostile/damage.h"
#include "hostile/victim.h"
#include "support/child.h"

enum { MOST = 64 };

static char names[MOST][128];

static shmpool_id make(unsigned i, const char *prefix, struct random *random)
{
    struct victim victim = {.readonly = 0};
    struct damage damage;
    snprintf(names[i], sizeof names[i], "%s.%u", prefix, i);
    victim_make(&victim, names[i], victim_kinds[i % VICTIM_KINDS]);
    damage_draw(&damage, &victim.layout, random, 0);
    fprintf(stderr, "%s: ", names[i]);
    damage_print(stderr, &damage);
    fputc('\n', stderr);
    damage_apply(&damage, 0, &victim.layout, victim.base);
    free(victim.image);
    return victim.id;
}

int main(int argc, char **argv)
{
    shmpool_id pools[MOST];
    CHILD_CHECK(argc == 4);
    unsigned n = (unsigned)atoi(argv[2]);
    struct random random = {strtoull(argv[3], NULL, 0)};
    CHILD_CHECK(n <= MOST);
    for (unsigned i = 0; i < n; i++)
        pools[i] = make(i, argv[1], &random);
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF)
        ;
    for (unsigned i = 0; i < n; i++) {
        shmpool_unlink(pools[i]); /* somebody may have done so already */
        CHILD_CHECK(shmpool_release(pools[i]) == 0);
    }
    return 0;
}
