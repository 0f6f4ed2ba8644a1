/* Threads with a place each on one pool, and a recoverer that finds nobody dead. */
#include <pthread.h>
#include <sched.h>

#include "core/bench.h"
#include "core/core.h"
#include "core/free.h"
#include "core/holder.h"
#include "core/place.h"
#include "support/random.h"

enum { THREADS = 4, OPERATIONS = 15000, MOST_BLOCKS = 24, PAGES = 900 };

struct block {
    uint64_t page;
    uint64_t n;
};

struct member {
    pthread_t thread;
    int number;
    struct block blocks[MOST_BLOCKS];
    unsigned n_blocks;
    int faults;
};

static struct bench bench;
static _Atomic int owner[PAGES];
static _Atomic uint64_t handed_over; /* page + 1 of a block for another thread to free */
static _Atomic int at_work;

static void have(struct member *member, uint64_t page, uint64_t n)
{
    for (uint64_t i = page; i < page + n; i++)
        member->faults += atomic_exchange(&owner[i], member->number) != 0;
}

/* Before the block is freed: from then on it may be another's. */
static void give_up(struct member *member, struct block block)
{
    for (uint64_t i = block.page; i < block.page + block.n; i++)
        member->faults += atomic_exchange(&owner[i], 0) == 0;
}

static void free_one(struct member *member, struct actor *actor, struct random *random)
{
    unsigned i = (unsigned)random_between(random, 0, member->n_blocks - 1);
    struct block block = member->blocks[i];
    member->blocks[i] = member->blocks[--member->n_blocks];
    if (random_between(random, 0, 3) == 0) {
        uint64_t page = atomic_exchange(&handed_over, block.page + 1);
        if (page == 0)
            return;
        block = (struct block){page - 1, view_block_length(&bench.view, page - 1)};
    }
    give_up(member, block);
    member->faults += free_block(&bench.view, actor, block.page) != block.n;
}

static void *work(void *arg)
{
    struct member *member = arg;
    struct random random = random_stream(random_seed(), 700 + (uint64_t)member->number);
    struct actor actor = bench_join(&bench, (unsigned)member->number);
    for (int i = 0; i < OPERATIONS; i++) {
        struct look look;
        uint64_t most = random_between(&random, 0, 2) ? 3 : 90;
        uint64_t n = random_between(&random, 1, most);
        uint64_t align = random_between(&random, 0, 7) ? 1 : 8;
        uint64_t page = NO_PAGE;
        if (member->n_blocks < MOST_BLOCKS && random_between(&random, 0, 99) < 60)
            page = place_block(&bench.view, &actor, n, align, &look);
        if (page != NO_PAGE) {
            have(member, page, n);
            member->blocks[member->n_blocks++] = (struct block){page, n};
        } else if (member->n_blocks > 0) {
            free_one(member, &actor, &random);
        }
    }
    while (member->n_blocks > 0)
        free_one(member, &actor, &random);
    holder_leave_home(&bench.view, &actor);
    members_give_slot(&bench.view, (int)slot_of(&actor));
    atomic_fetch_sub(&at_work, 1);
    return NULL;
}

static void *recover(void *arg)
{
    struct member *member = arg;
    while (atomic_load(&at_work) > 0) {
        member->faults += !recovery_begin(&bench.view, bench_ident(9), &bench.world);
        member->faults += recovery_pass(&bench.view, &bench.world) != 0;
        recovery_end(&bench.view);
        sched_yield();
    }
    return NULL;
}

START_TEST(no_page_is_ever_given_to_two_threads)
{
    static struct member members[THREADS + 1];
    bench_make(&bench, PAGES, PAGES);
    random_seed();
    atomic_store(&at_work, THREADS);
    for (int i = 0; i <= THREADS; i++) {
        members[i].number = i + 1;
        ck_assert_int_eq(
            pthread_create(&members[i].thread, NULL, i < THREADS ? work : recover, &members[i]), 0);
    }
    for (int i = 0; i <= THREADS; i++) {
        ck_assert_int_eq(pthread_join(members[i].thread, NULL), 0);
        ck_assert_int_eq(members[i].faults, 0);
    }
    struct actor actor = bench_join(&bench, 1);
    uint64_t last = atomic_load(&handed_over);
    if (last != 0)
        ck_assert_uint_gt(free_block(&bench.view, &actor, last - 1), 0);
    static const struct belief nothing;
    ck_assert(belief_holds(&nothing, &bench));
    bench_drop(&bench);
}
END_TEST

TCase *threads_case(void)
{
    TCase *tcase = tcase_create("threads");
    tcase_add_test(tcase, no_page_is_ever_given_to_two_threads);
    return tcase;
}
