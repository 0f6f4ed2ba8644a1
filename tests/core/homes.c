/* From which groups members take single pages: from their own, from nobody's, and from another
 * member's only where that one is not at home; so that two are never in one group while there is
 * another. */
#include "core/bench.h"
#include "core/core_deaths.h"
#include "core/free.h"
#include "core/holder.h"
#include "core/place.h"
#include "core/steps.h"

enum {
    N_GROUPS = 40,
    COMPARED = 32, /* the groups that are looked at for one's own */
    SHARE = 16     /* one of so many is left alone for one of nobody */
};

static struct bench bench;
static struct actor mine;
static struct actor other;

static void make_bench(void)
{
    bench_make(&bench, N_GROUPS * LAYOUT_GROUP_PAGES, N_GROUPS * LAYOUT_GROUP_PAGES);
    mine = bench_join(&bench, 1);
    other = bench_join(&bench, 2);
}

static void drop_bench(void)
{
    bench_drop(&bench);
}

static void set_limit(uint64_t n_groups)
{
    atomic_store(&bench.view.header->limit, n_groups * LAYOUT_GROUP_PAGES);
}

static void set_holder(uint64_t group, const struct actor *actor)
{
    atomic_store(&bench.view.hints.holder[group], (uint16_t)(slot_of(actor) + 1));
}

static void fill(uint64_t group)
{
    ck_quiet(bench_take(&bench, &other, group * LAYOUT_GROUP_PAGES, LAYOUT_GROUP_PAGES));
}

static uint64_t group_of_next(struct actor *actor)
{
    struct look look;
    uint64_t page = place_block(&bench.view, actor, 1, 1, &look);
    ck_assert_uint_ne(page, NO_PAGE);
    return page / LAYOUT_GROUP_PAGES;
}

START_TEST(each_member_has_a_group_of_its_own)
{
    ck_assert_uint_eq(group_of_next(&mine), 0);
    ck_assert_uint_eq(group_of_next(&other), 1);
    ck_assert_uint_eq(group_of_next(&mine), 0);
    ck_assert_uint_eq(group_of_next(&other), 1);
}
END_TEST

/* Pages that a member frees in a group that was its own come back to it, not to the others. */
START_TEST(a_group_stays_its_members_when_it_is_full)
{
    uint64_t pages[2 * LAYOUT_GROUP_PAGES];
    struct look look;
    for (int i = 0; i < 2 * LAYOUT_GROUP_PAGES; i++)
        pages[i] = place_block(&bench.view, i % 2 ? &other : &mine, 1, 1, &look);
    for (int i = 0; i < 100; i += 2)
        ck_assert_uint_eq(free_block(&bench.view, &mine, pages[i]), 1);
    ck_assert_uint_eq(group_of_next(&other), 2);
    ck_assert_uint_eq(group_of_next(&mine), 0);
}
END_TEST

START_TEST(beside_many_groups_of_another_one_of_them_is_taken)
{
    for (uint64_t group = 0; group < N_GROUPS; group++)
        set_holder(group, &other);
    set_holder(COMPARED - 1, &mine);
    ck_assert_uint_eq(group_of_next(&mine), COMPARED - 1);
    holder_leave_home(&bench.view, &mine);
    mine = bench_join(&bench, 1);
    ck_assert_uint_eq(group_of_next(&mine), 0);
}
END_TEST

/* Or members would spread over all of a small pool before they use what the others freed. */
START_TEST(one_of_nobody_is_taken_where_few_of_others_come_before)
{
    uint64_t last = N_GROUPS / SHARE;
    for (uint64_t group = 0; group <= last; group++)
        set_holder(group, &other);
    ck_assert_uint_eq(group_of_next(&mine), 0);
    holder_leave_home(&bench.view, &mine);
    mine = bench_join(&bench, 1);
    atomic_store(&bench.view.hints.holder[last], 0);
    ck_assert_uint_eq(group_of_next(&mine), last);
}
END_TEST

START_TEST(another_members_home_is_not_taken_while_that_one_lives)
{
    set_limit(2);
    set_holder(1, &other);
    ck_assert_uint_eq(group_of_next(&other), 0);
    ck_assert_uint_eq(group_of_next(&mine), 1);
    members_give_slot(&bench.view, (int)slot_of(&other));
    holder_leave_home(&bench.view, &mine);
    struct actor third = bench_join(&bench, 3); /* in the slot, and not at home */
    struct actor fourth = bench_join(&bench, 4);
    ck_assert_uint_eq(slot_of(&third), slot_of(&other));
    ck_assert_uint_eq(group_of_next(&fourth), 0);
}
END_TEST

/* Else groups that are empty again would stay empty beside new ones. */
START_TEST(the_groups_of_a_member_that_ended_are_nobodys)
{
    set_holder(0, &other);
    members_give_slot(&bench.view, (int)slot_of(&other));
    ck_assert_uint_eq(group_of_next(&mine), 0);
}
END_TEST

/* ---- two at once ---- */

static void place_mine(void *arg)
{
    *(uint64_t *)arg = group_of_next(&mine);
}

static void place_other(void *arg)
{
    *(uint64_t *)arg = group_of_next(&other);
}

/* Before each access of one comes the other. */
static void check_apart(void (*prepare)(void))
{
    for (unsigned step = 0;; step++) {
        uint64_t my_group = N_GROUPS;
        uint64_t other_group = N_GROUPS;
        drop_bench();
        make_bench();
        prepare();
        moment = (struct moment){"step", step, 0, 0};
        if (!steps_with_other(step, place_mine, &my_group, place_other, &other_group))
            break;
        moment = (struct moment){"step", step, my_group, other_group};
        ck_quiet(mine.group != other.group);
        ck_quiet(my_group != other_group);
    }
    ck_assert_uint_gt(moment.a, 10);
}

static void prepare_nothing(void)
{
}

START_TEST(two_that_come_at_once_get_two_groups)
{
    check_apart(prepare_nothing);
}
END_TEST

/* All groups are the owner's and its home is full: it needs another of them, and so does who has
 * none. */
static void prepare_owner(struct actor *owner)
{
    set_limit(3);
    for (uint64_t group = 0; group < 3; group++)
        set_holder(group, owner);
    for (uint64_t i = 0; i < LAYOUT_GROUP_PAGES; i++)
        ck_quiet(group_of_next(owner) == 0);
}

static void prepare_taking(void)
{
    prepare_owner(&other);
}

static void prepare_return(void)
{
    prepare_owner(&mine);
}

START_TEST(who_takes_a_group_while_its_member_comes_back_gets_another_or_lets_go)
{
    check_apart(prepare_taking);
}
END_TEST

START_TEST(who_comes_back_to_a_group_while_it_is_taken_gets_another)
{
    check_apart(prepare_return);
}
END_TEST

/* ---- a member without a slot ---- */

START_TEST(a_member_without_a_slot_holds_no_group)
{
    struct actor spare = bench_spare(&bench, 1);
    fill(0);
    ck_assert_uint_eq(group_of_next(&spare), 1);
    ck_assert_uint_eq(atomic_load(&bench.view.hints.holder[1]), 0);
    holder_leave_home(&bench.view, &spare);
    const struct slot_shm *before_the_slots = bench.view.slots - 1;
    ck_assert_uint_eq(atomic_load(&before_the_slots->home), 0);
    ck_assert_uint_eq(group_of_next(&mine), 1);
    set_holder(2, &mine);
    atomic_store(&bench.view.hints.holder[3], UINT16_MAX);
    set_limit(4);
    fill(2);
    spare.group = spare.home = NOWHERE;
    spare.home_word = UINT64_MAX;
    ck_assert_uint_eq(group_of_next(&spare), 3);
}
END_TEST

TCase *homes_case(void)
{
    TCase *tcase = tcase_create("homes");
    tcase_add_checked_fixture(tcase, make_bench, drop_bench);
    tcase_add_test(tcase, each_member_has_a_group_of_its_own);
    tcase_add_test(tcase, a_group_stays_its_members_when_it_is_full);
    tcase_add_test(tcase, beside_many_groups_of_another_one_of_them_is_taken);
    tcase_add_test(tcase, one_of_nobody_is_taken_where_few_of_others_come_before);
    tcase_add_test(tcase, another_members_home_is_not_taken_while_that_one_lives);
    tcase_add_test(tcase, the_groups_of_a_member_that_ended_are_nobodys);
    tcase_add_test(tcase, two_that_come_at_once_get_two_groups);
    tcase_add_test(tcase, who_takes_a_group_while_its_member_comes_back_gets_another_or_lets_go);
    tcase_add_test(tcase, who_comes_back_to_a_group_while_it_is_taken_gets_another);
    tcase_add_test(tcase, a_member_without_a_slot_holds_no_group);
    return tcase;
}
