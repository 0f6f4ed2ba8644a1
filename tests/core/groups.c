/* The free pages of a group, against a walk page by page. */
#include "core/group.h"

#include "core/bench.h"
#include "core/core.h"
#include "support/random.h"

enum { ROUNDS = 3000 };

static struct bench bench;
static bool is_free[LAYOUT_GROUP_PAGES];

/* Pages of the second group of a pool, most of them taken, free or in turns. */
static void scatter(struct random *random, uint64_t limit)
{
    uint64_t most = UINT64_C(1) << random_between(random, 0, 9);
    uint64_t length = 0;
    bool free = false;
    uint64_t taken[LAYOUT_GROUP_WORDS] = {0};
    for (unsigned page = 0; page < LAYOUT_GROUP_PAGES; page++) {
        if (length-- == 0) {
            free = !free;
            length = random_between(random, 1, most);
        }
        is_free[page] = free && LAYOUT_GROUP_PAGES + page < limit;
        if (!free)
            taken[page / 32] |= UINT64_C(1) << page % 32 << 32 * random_between(random, 0, 1);
    }
    for (unsigned i = 0; i < LAYOUT_GROUP_WORDS; i++)
        atomic_store(&bench.view.words[LAYOUT_GROUP_WORDS + i], taken[i]);
}

static unsigned naive_run(unsigned page)
{
    unsigned n = 0;
    while (page + n < LAYOUT_GROUP_PAGES && is_free[page + n])
        n++;
    return n;
}

static unsigned naive_find(unsigned n)
{
    unsigned anywhere = LAYOUT_GROUP_PAGES;
    for (unsigned page = LAYOUT_GROUP_PAGES; page-- > 0;)
        if (naive_run(page) >= n)
            anywhere = page;
    for (unsigned page = 0; page < LAYOUT_GROUP_PAGES; page++)
        if (naive_run(page) >= n && page % 32 + n <= 32)
            return page;
    return anywhere;
}

START_TEST(runs_are_those_of_a_walk)
{
    struct random random = random_stream(random_seed(), 900 + (uint64_t)_i);
    uint64_t limit = _i == 0 ? UINT64_C(2) * LAYOUT_GROUP_PAGES : LAYOUT_GROUP_PAGES + 333;
    bench_make(&bench, limit, UINT64_C(2) * LAYOUT_GROUP_PAGES);
    for (int round = 0; round < ROUNDS; round++) {
        struct group group;
        unsigned longest = 0;
        unsigned count = 0;
        scatter(&random, limit);
        group_load(&group, &bench.view, 1, limit);
        for (unsigned page = 0; page < LAYOUT_GROUP_PAGES; page++) {
            longest = naive_run(page) > longest ? naive_run(page) : longest;
            count += is_free[page];
        }
        ck_quiet(group_longest(&group) == longest);
        ck_quiet(group_count(&group) == count);
        unsigned n = (unsigned)random_between(&random, 1, round % 2 ? 40 : LAYOUT_GROUP_PAGES);
        ck_quiet(group_find(&group, n) == naive_find(n));
        ck_quiet(longest == 0 || group_find(&group, longest) == naive_find(longest));
        ck_quiet(longest == LAYOUT_GROUP_PAGES ||
                 group_find(&group, longest + 1) == LAYOUT_GROUP_PAGES);
    }
    bench_drop(&bench);
}
END_TEST

TCase *groups_case(void)
{
    TCase *tcase = tcase_create("groups");
    tcase_add_loop_test(tcase, runs_are_those_of_a_walk, 0, 2);
    return tcase;
}
