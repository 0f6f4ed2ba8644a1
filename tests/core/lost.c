/* Compare-and-swaps that are lost: before each access of an operation another one comes to its end,
 * at the same block, pointer, slot or lock. Both together must come to what one after the other
 * could. */
#include "core/core_deaths.h"
#include "core/free.h"
#include "core/growth.h"
#include "core/place.h"
#include "core/publish.h"
#include "core/scene.h"

static const struct block {
    uint64_t page;
    uint64_t n;
} blocks[] = {{33, 5}, {30, 5}};

enum { N_BLOCKS = sizeof blocks / sizeof blocks[0] };

static struct bench bench;
static struct actor mine;
static struct actor owner; /* of the block */
static const struct block *block;
static uint64_t my_freed;
static uint64_t others_freed;
static enum published my_published;
static enum published others_published;

static void make_bench(void)
{
    bench_make(&bench, 6 * LAYOUT_GROUP_PAGES, 6 * LAYOUT_GROUP_PAGES);
}

static void drop_bench(void)
{
    bench_drop(&bench);
}

static void set_scene(const struct block *wanted)
{
    bench_clear(&bench);
    mine = bench_join(&bench, VICTIM);
    owner = bench_join(&bench, OWNER);
    block = wanted;
    my_freed = others_freed = 0;
    ck_quiet(bench_take(&bench, &owner, block->page, block->n));
}

/* Lets the other one act before each access in turn; check after each. */
static void for_each_access(const struct block *wanted, void (*body)(void *), void (*other)(void *),
                            void (*check)(void))
{
    bool came = true;
    for (unsigned j = 0; came; j++) {
        moment = (struct moment){"access", j, (unsigned long)wanted->page, 0};
        set_scene(wanted);
        came = steps_with_other(j, body, NULL, other, NULL);
        if (came)
            check();
    }
}

static bool block_is_there(void)
{
    return view_is_first(&bench.view, block->page);
}

/* ---- at one block ---- */

static void i_free(void *unused)
{
    (void)unused;
    my_freed = free_block(&bench.view, &mine, block->page);
}

static void i_reclaim(void *unused)
{
    (void)unused;
    my_freed = free_if_tagged(&bench.view, &mine, block->page, owner.tag);
}

static void owner_frees(void *unused)
{
    (void)unused;
    others_freed = free_block(&bench.view, &owner, block->page);
}

static void owner_publishes(void *unused)
{
    (void)unused;
    others_published = publish_block(&bench.view, &owner, block->page, &bench.places[1]);
}

static void check_freed_once(void)
{
    ck_quiet(my_freed + others_freed == block->n);
    ck_quiet(!block_is_there());
}

static void check_freed_by_me(void)
{
    ck_quiet(my_freed == block->n);
    ck_quiet(!block_is_there());
}

START_TEST(a_block_that_two_free_is_freed_once)
{
    for_each_access(&blocks[_i], i_free, owner_frees, check_freed_once);
    for_each_access(&blocks[_i], i_reclaim, owner_frees, check_freed_once);
}
END_TEST

START_TEST(a_block_that_is_shared_meanwhile_is_freed_all_the_same)
{
    for_each_access(&blocks[_i], i_free, owner_publishes, check_freed_by_me);
}
END_TEST

static void check_shared_or_reclaimed(void)
{
    bool is_shared = atomic_load(&bench.view.tags[block->page]) == TAG_SHARED;
    ck_quiet(block_is_there() == (my_freed == 0));
    ck_quiet((my_freed == 0) == is_shared);
}

START_TEST(reclaim_leaves_a_block_alone_that_is_shared_meanwhile)
{
    for_each_access(&blocks[_i], i_reclaim, owner_publishes, check_shared_or_reclaimed);
}
END_TEST

/* ---- at one pointer ---- */

static void i_publish(void *unused)
{
    (void)unused;
    my_published = publish_block(&bench.view, &mine, block->page, &bench.places[0]);
}

static void another_links(void *unused)
{
    (void)unused;
    ck_quiet(bench_take(&bench, &owner, 100, 1));
    others_published = publish_block(&bench.view, &owner, 100, &bench.places[0]);
}

static void check_linked_once(void)
{
    ck_quiet((my_published == PUBLISHED) != (others_published == PUBLISHED));
    ck_quiet((my_published == PUBLISHED) ==
             (atomic_load(&bench.view.tags[block->page]) == TAG_SHARED));
    ck_quiet((others_published == PUBLISHED) == (atomic_load(&bench.view.tags[100]) == TAG_SHARED));
}

START_TEST(of_two_that_publish_to_one_pointer_one_does)
{
    for_each_access(&blocks[_i], i_publish, another_links, check_linked_once);
}
END_TEST

static void a_reader_takes(void *unused)
{
    (void)unused;
    if (atomic_exchange(&bench.places[0], 0) != 0)
        others_freed = free_block(&bench.view, &owner, block->page);
}

static void check_taken_or_linked(void)
{
    ck_quiet(my_published == PUBLISHED);
    ck_quiet(others_freed == 0 || others_freed == block->n);
    ck_quiet(block_is_there() == (others_freed == 0));
    ck_quiet((atomic_load(&bench.places[0]) == 0) == (others_freed != 0));
}

START_TEST(a_reader_may_take_a_block_before_its_publisher_has_finished)
{
    for_each_access(&blocks[_i], i_publish, a_reader_takes, check_taken_or_linked);
}
END_TEST

static void check_linked_twice(void)
{
    ck_quiet(my_published == PUBLISHED && others_published == PUBLISHED);
    ck_quiet(atomic_load(&bench.view.tags[block->page]) == TAG_SHARED);
}

START_TEST(a_block_that_its_owner_publishes_meanwhile_is_shared)
{
    for_each_access(&blocks[_i], i_publish, owner_publishes, check_linked_twice);
}
END_TEST

/* A block of mine, by the word that its pages came from, was freed by its next owner, who has three
 * there now. I take the first one to publish it, lose the pointer to a third member, and free what
 * is mine by that: one page. */
static uint64_t three_at;

static void i_publish_what_is_anothers(void *unused)
{
    (void)unused;
    my_published = publish_block(&bench.view, &mine, three_at, &bench.places[0]);
}

static void a_third_links(void *unused)
{
    (void)unused;
    atomic_store(&bench.places[0], 1);
}

START_TEST(who_publishes_anothers_block_in_vain_frees_that_one_only)
{
    unsigned n_lost = 0;
    bool came = true;
    for (unsigned j = 0; came; j++) {
        struct look look;
        moment = (struct moment){"access", j, 0, 0};
        set_scene(&blocks[0]);
        ck_quiet(place_block(&bench.view, &mine, 1, 1, &look) != NO_PAGE);
        three_at = place_block(&bench.view, &mine, 3, 1, &look);
        ck_quiet(word_at(three_at) == mine.home && three_at != NO_PAGE);
        ck_quiet(free_block(&bench.view, &owner, three_at) == 3);
        for (uint64_t i = 0; i < 3; i++)
            ck_quiet(bench_take(&bench, &owner, three_at + i, 1));
        came = steps_with_other(j, i_publish_what_is_anothers, NULL, a_third_links, NULL);
        if (my_published != PUBLISH_TAKEN || atomic_load(&bench.view.tags[three_at]) != mine.tag)
            continue;
        n_lost++;
        ck_quiet(free_block(&bench.view, &mine, three_at) == 1);
        ck_quiet(view_is_first(&bench.view, three_at + 1));
        ck_quiet(view_is_first(&bench.view, three_at + 2));
    }
    ck_assert_uint_gt(n_lost, 0);
}
END_TEST

/* ---- at free pages ---- */

static uint64_t wanted;    /* pages */
static uint64_t alignment; /* the same */
static uint64_t my_page;
static uint64_t others_page;

static void i_allocate(void *unused)
{
    struct look look;
    (void)unused;
    my_page = place_block(&bench.view, &mine, wanted, alignment, &look);
}

static void another_allocates(void *unused)
{
    struct look look;
    (void)unused;
    others_page = place_block(&bench.view, &owner, wanted, alignment, &look);
}

static void check_blocks_of_their_own(void)
{
    struct belief belief = {0};
    ck_quiet(my_page != NO_PAGE && others_page != NO_PAGE);
    believe_block(&belief, block->page, block->n);
    believe_block(&belief, my_page, wanted);
    believe_block(&belief, others_page, wanted);
    ck_quiet(belief_holds(&belief, &bench));
}

static const uint64_t lengths[] = {1, 7, 32, 40, 600};

START_TEST(two_that_allocate_get_blocks_of_their_own)
{
    wanted = lengths[_i];
    for (alignment = 1; alignment <= 8; alignment *= 8)
        for_each_access(&blocks[0], i_allocate, another_allocates, check_blocks_of_their_own);
}
END_TEST

/* In the word that the end of the pool goes through, with all of its pages or one of them free. */
enum { SHORT_POOL = 20 };

static const struct block first_blocks[] = {{3, 5}, {0, SHORT_POOL - 1}};

static void i_take_a_page(void *unused)
{
    atomic_store(&bench.view.header->limit, SHORT_POOL);
    i_allocate(unused);
}

static void check_pages_below_the_end(void)
{
    struct belief belief = {0};
    uint64_t n_free = SHORT_POOL - block->n;
    believe_block(&belief, block->page, block->n);
    if (my_page != NO_PAGE)
        believe_block(&belief, my_page, 1);
    if (others_page != NO_PAGE)
        believe_block(&belief, others_page, 1);
    ck_quiet((my_page != NO_PAGE) + (others_page != NO_PAGE) == (n_free < 2 ? 1 : 2));
    ck_quiet(belief_holds(&belief, &bench));
}

START_TEST(two_that_take_the_last_pages_of_the_pool_get_one_each)
{
    wanted = alignment = 1;
    for_each_access(&first_blocks[_i], i_take_a_page, another_allocates, check_pages_below_the_end);
}
END_TEST

/* ---- at one place ---- */

static struct actor newcomers[2];

static void one_joins(void *unused)
{
    (void)unused;
    newcomers[0] = bench_join(&bench, RECOVERER);
}

static void another_joins(void *unused)
{
    (void)unused;
    newcomers[1] = bench_join(&bench, NEXT_RECOVERER);
}

static void check_own_places(void)
{
    ck_quiet(newcomers[0].tag >> 16 != newcomers[1].tag >> 16);
    ck_quiet(slot_of(&newcomers[0]) != slot_of(&newcomers[1]));
}

START_TEST(two_that_join_have_places_of_their_own)
{
    for_each_access(&blocks[0], one_joins, another_joins, check_own_places);
}
END_TEST

static int begun[2];

static void one_recovers(void *unused)
{
    (void)unused;
    begun[0] = recovery_begin(&bench.view, bench_ident(RECOVERER), &bench.world);
}

static void another_recovers(void *unused)
{
    (void)unused;
    begun[1] = recovery_begin(&bench.view, bench_ident(NEXT_RECOVERER), &bench.world);
}

static void check_one_recoverer(void)
{
    ck_quiet(begun[0] + begun[1] == 1);
}

START_TEST(of_two_recoverers_one_works)
{
    for_each_access(&blocks[0], one_recovers, another_recovers, check_one_recoverer);
}
END_TEST

static void one_grows(void *unused)
{
    (void)unused;
    begun[0] = growth_begin(&bench.view, bench_ident(RECOVERER), &bench.world);
}

static void another_grows(void *unused)
{
    (void)unused;
    begun[1] = growth_begin(&bench.view, bench_ident(NEXT_RECOVERER), &bench.world);
}

/* Until it has finished or died. */
static void check_one_grower(void)
{
    ck_quiet(begun[0] + begun[1] == 1);
    ck_quiet(growth_begin(&bench.view, bench_ident(OTHER), &bench.world) == 0);
    bench.is_dead[begun[0] ? RECOVERER : NEXT_RECOVERER] = true;
    ck_quiet(growth_begin(&bench.view, bench_ident(OTHER), &bench.world) == 1);
    ck_quiet(growth_begin(&bench.view, bench_ident(OTHER), &bench.world) == 0);
    growth_end(&bench.view);
}

START_TEST(of_two_that_make_the_pool_larger_one_does)
{
    for_each_access(&blocks[0], one_grows, another_grows, check_one_grower);
}
END_TEST

START_TEST(a_slower_grower_makes_nothing_smaller)
{
    uint64_t limit = bench.layout.max_pages;
    set_scene(&blocks[0]);
    growth_raise(&bench.view, limit);
    struct bench_state *state = bench_remember(&bench);
    growth_raise(&bench.view, limit / 2);
    growth_raise(&bench.view, limit);
    ck_assert_uint_eq(atomic_load(&bench.view.header->limit), limit);
    ck_assert(bench_is_unchanged(&bench, state));
}
END_TEST

/* ---- at one tag ---- */

static unsigned pending;

/* A member died at the page where a living one is about to store its tag. */
static void one_settles(void *unused)
{
    (void)unused;
    pending = bench_recover(&bench, RECOVERER);
}

static void owner_stores_its_tag(void *unused)
{
    (void)unused;
    atomic_store(&bench.view.tags[block->page], owner.tag);
    atomic_store(&owner.intent->state, INTENT_IDLE);
}

static void check_owners(void)
{
    ck_quiet(pending <= 1);
    ck_quiet(bench_recover(&bench, RECOVERER) == 0);
    ck_quiet(atomic_load(&bench.view.tags[block->page]) == owner.tag);
    ck_quiet(block_is_there());
}

START_TEST(a_tag_that_is_stored_while_recovery_marks_it_stays)
{
    bool came = true;
    for (unsigned j = 0; came; j++) {
        moment = (struct moment){"access", j, 0, 0};
        set_scene(&blocks[0]);
        bench.is_dead[VICTIM] = true;
        atomic_store(&bench.view.tags[block->page], TAG_NOBODY);
        atomic_store(&mine.intent->state, intent_of(INTENT_FREE1, block->page));
        atomic_store(&owner.intent->state, intent_of(INTENT_ALLOC1, block->page));
        came = steps_with_other(j, one_settles, NULL, owner_stores_its_tag, NULL);
        if (came)
            check_owners();
    }
}
END_TEST

START_TEST(a_block_that_is_nobodys_cannot_be_published)
{
    set_scene(&blocks[0]);
    atomic_store(&bench.view.tags[block->page], _i ? TAG_MARK : TAG_NOBODY);
    i_publish(NULL);
    ck_assert_int_eq(my_published, PUBLISH_NO_BLOCK);
    ck_assert_uint_eq(atomic_load(&bench.places[0]), 0);
}
END_TEST

TCase *lost_case(void)
{
    TCase *tcase = tcase_create("lost");
    tcase_add_checked_fixture(tcase, make_bench, drop_bench);
    tcase_add_loop_test(tcase, a_block_that_two_free_is_freed_once, 0, N_BLOCKS);
    tcase_add_loop_test(tcase, a_block_that_is_shared_meanwhile_is_freed_all_the_same, 0, N_BLOCKS);
    tcase_add_loop_test(tcase, reclaim_leaves_a_block_alone_that_is_shared_meanwhile, 0, N_BLOCKS);
    tcase_add_loop_test(tcase, of_two_that_publish_to_one_pointer_one_does, 0, N_BLOCKS);
    tcase_add_loop_test(tcase, a_reader_may_take_a_block_before_its_publisher_has_finished, 0,
                        N_BLOCKS);
    tcase_add_loop_test(tcase, a_block_that_its_owner_publishes_meanwhile_is_shared, 0, N_BLOCKS);
    tcase_add_test(tcase, who_publishes_anothers_block_in_vain_frees_that_one_only);
    tcase_add_loop_test(tcase, two_that_allocate_get_blocks_of_their_own, 0,
                        sizeof lengths / sizeof lengths[0]);
    tcase_add_loop_test(tcase, two_that_take_the_last_pages_of_the_pool_get_one_each, 0,
                        sizeof first_blocks / sizeof first_blocks[0]);
    tcase_add_test(tcase, two_that_join_have_places_of_their_own);
    tcase_add_test(tcase, of_two_recoverers_one_works);
    tcase_add_test(tcase, of_two_that_make_the_pool_larger_one_does);
    tcase_add_test(tcase, a_slower_grower_makes_nothing_smaller);
    tcase_add_test(tcase, a_tag_that_is_stored_while_recovery_marks_it_stays);
    tcase_add_loop_test(tcase, a_block_that_is_nobodys_cannot_be_published, 0, 2);
    return tcase;
}
