/* Tables full of members who all say the same: the cases that cost time, where damage to single
 * records costs none. */
#include <shmpool.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/actor.h"
#include "core/view.h"
#include "hostile/mill.h"
#include "hostile/suites.h"
#include "support/child.h"
#include "support/leftover.h"

enum { CROWD_PAGES = 1 << 18 };

static const struct crowd {
    enum intent_operation operation;
    uint64_t page;
    uint64_t words; /* each page word */
} crowds[] = {
    {INTENT_CLAIM, 0, 0},
    {INTENT_CLAIM, 0, UINT64_C(0xFFFFFFFF00000000)},
    {INTENT_FREE1, 5, UINT64_C(0xFFFFFFFFFFFFFFFF)},
    {INTENT_DROP, 0, UINT64_C(0xFFFFFFFF)},
};

static int die_as_member(void *pool)
{
    void *block = shmpool_alloc(*(shmpool_id *)pool, 1);
    CHILD_CHECK(block != NULL && shmpool_free(*(shmpool_id *)pool, block) == 0);
    _exit(0);
}

static void intend(struct intent_shm *intent, const struct crowd *crowd)
{
    atomic_store(&intent->n_pages, CROWD_PAGES - crowd->page);
    atomic_store(&intent->state, intent_of(crowd->operation, crowd->page));
}

/* Every slot and row but the caller's is the dead process's, at the same work. */
static void fill(const struct view *view, const struct layout *layout, const struct crowd *crowd)
{
    uint64_t dead = atomic_load(&view->slots[1].ident);
    for (unsigned i = 1; i < LAYOUT_SLOTS; i++) {
        intend(&view->slots[i].intent, crowd);
        atomic_store(&view->slots[i].row, 2);
        atomic_store(&view->slots[i].ident, dead);
    }
    for (uint64_t i = 2; i <= layout->n_rows; i++) {
        intend(&view->rows[i].spare, crowd);
        atomic_store(&view->rows[i].ident, dead);
    }
    for (uint64_t i = 0; i < layout->n_words; i++)
        atomic_store(&view->words[i], crowd->words);
    atomic_store(&view->header->slots_mark, LAYOUT_SLOTS);
    atomic_store(&view->header->rows_mark, (uint32_t)layout->n_rows);
}

static int meet(void *arg)
{
    const struct crowd *crowd = arg;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct layout layout;
    struct view view;
    struct shmpool_stats stats;
    const struct shmpool_options options = {.backend = "memfd"};
    shmpool_id pool = shmpool_create(CROWD_PAGES * page, &options);
    CHILD_CHECK(pool > 0);
    CHILD_CHECK(layout_compute(&layout, page, CROWD_PAGES) == 0);
    char *block = shmpool_alloc(pool, 1);
    CHILD_CHECK(block != NULL && shmpool_free(pool, block) == 0);
    CHILD_CHECK(child_ok(child_run(die_as_member, &pool)));
    view_init(&view, &layout, block - layout.pages_offset);
    fill(&view, &layout, crowd);

    mill_allow_time();
    CHILD_CHECK(shmpool_check(pool, NULL) >= 0);
    CHILD_CHECK(shmpool_recover(pool) == 0);
    CHILD_CHECK(shmpool_stats(pool, &stats) == 0);
    mill_allow_time();
    shmpool_alloc(pool, CROWD_PAGES * page);
    mill_allow_time();
    if (crowd->operation == INTENT_FREE1)
        shmpool_reclaim(pool, 0);
    return 0;
}

START_TEST(a_crowd_of_the_dead_is_no_hang)
{
    struct crowd crowd = crowds[_i];
    ck_child_ok(meet, &crowd);
}
END_TEST

TCase *crowd_case(void)
{
    TCase *tcase = tcase_create("crowd");
    tcase_add_checked_fixture(tcase, leftover_setup, leftover_teardown);
    tcase_add_loop_test(tcase, a_crowd_of_the_dead_is_no_hang, 0, sizeof crowds / sizeof crowds[0]);
    return tcase;
}
