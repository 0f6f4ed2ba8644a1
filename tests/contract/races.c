/* Who creates a name that others create in the same moment: one wins, the others are told. */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contract/contract.h"
#include "support/sanitized.h"

/* A thousand processes in all. */
enum { N_RACERS = 50, N_ROUNDS = SANITIZED ? 4 : 20, N_PAGES = 5 };

struct race {
    char name[RUN_NAME_SIZE];
    _Atomic int ready;
    _Atomic int go;
    _Atomic int winners;
    _Atomic int over;
};

static int races(void *arg)
{
    struct race *race = arg;
    const struct shmpool_options options = {.name = race->name};
    atomic_fetch_add(&race->ready, 1);
    wait_for(&race->go, 1);
    shmpool_id pool = shmpool_create(pages(N_PAGES), &options);
    CHILD_CHECK(pool > 0 || errno == EEXIST);
    if (pool > 0)
        atomic_fetch_add(&race->winners, 1);
    atomic_fetch_add(&race->over, 1);
    wait_for(&race->over, N_RACERS);
    return 0;
}

/* What they found on the way is a pool as any other; the name is free again without it. */
static void ck_winner(const char *name)
{
    shmpool_id pool = shmpool_open(name, 0);
    ck_ok(pool);
    ck_assert_uint_eq(stats_of(pool).total, pages(N_PAGES));
    ck_pool_is_whole(pool);
    pool_drop(pool);
    ck_fails(shmpool_open(name, 0), ENOENT);
}

START_TEST(of_many_who_create_one_name_one_wins)
{
    struct race *race = shared_memory(sizeof *race);
    pid_t racers[N_RACERS];
    if (!backend()->has_names)
        return;
    for (int round = 0; round < N_ROUNDS; round++) {
        memset(race, 0, sizeof *race);
        run_name(race->name, "race");
        for (int i = 0; i < N_RACERS; i++)
            racers[i] = child_start(races, race);
        wait_for(&race->ready, N_RACERS);
        atomic_store(&race->go, 1);
        for (int i = 0; i < N_RACERS; i++)
            ck_status_ok(child_wait(racers[i]));
        ck_assert_int_eq(race->winners, 1);
        ck_winner(race->name);
    }
}
END_TEST

TCase *races_case(void)
{
    TCase *tcase = contract_case("races");
    tcase_add_test(tcase, of_many_who_create_one_name_one_wins);
    return tcase;
}
