#include "hostile/population.h"

#include <stdatomic.h>

#include "core/actor.h"

const uint64_t population_blocks[POPULATION_BLOCKS] = {0, 1, 2, 5, 40, 100, 140, 260, 1090};

/* ---- pages ---- */

/* Sets the pages' two bits as they are in the first word of a block (first), or claimed. */
static void set_pages(const struct view *view, uint64_t page, uint64_t n, int claimed)
{
    view_extend(view, page + n);
    for (uint64_t i = page; i < page + n; i++) {
        uint64_t bits = claimed     ? UINT64_C(1) << 32
                        : i == page ? UINT64_C(1) << 32 | 1
                                    : UINT64_C(1);
        atomic_fetch_or(&view->words[word_at(i)], bits << bit_at(i));
    }
}

static void add_block(const struct view *view, uint64_t page, uint64_t n, uint32_t tag)
{
    set_pages(view, page, n, 0);
    atomic_store(&view->tags[page], tag);
}

static void add_further(const struct view *view, uint64_t page, uint64_t n)
{
    view_extend(view, page + n);
    for (uint64_t i = page; i < page + n; i++)
        atomic_fetch_or(&view->words[word_at(i)], UINT64_C(1) << bit_at(i));
}

/* ---- members ---- */

struct cast {
    const struct view *view;
    const struct population *population;
    uint32_t slot; /* the next one */
};

static uint32_t dead_tag(const struct cast *cast)
{
    return cast->population->dead_row << 16 | cast->slot;
}

static void intend(struct intent_shm *intent, enum intent_operation operation, uint64_t page,
                   uint64_t n)
{
    atomic_store(&intent->n_pages, n);
    atomic_store(&intent->state, intent_of(operation, page));
}

/* A dead member in the middle of an operation, in a slot of its own. */
static void add_dead(struct cast *cast, enum intent_operation operation, uint64_t page, uint64_t n)
{
    struct slot_shm *slot = &cast->view->slots[cast->slot++];
    atomic_store(&slot->row, cast->population->dead_row);
    intend(&slot->intent, operation, page, n);
    atomic_store(&slot->ident, cast->population->dead);
}

static void add_dead_in_one_word(struct cast *cast)
{
    const struct view *view = cast->view;
    add_dead(cast, INTENT_ALLOC1, 64, 0);
    add_block(view, 66, 3, TAG_NOBODY);
    add_dead(cast, INTENT_ALLOC1, 66, 0);
    add_block(view, 70, 4, dead_tag(cast));
    add_dead(cast, INTENT_FREE1, 70, 0);
    add_block(view, 75, 2, TAG_NOBODY);
    add_dead(cast, INTENT_FREE1, 75, 0);
}

static void add_dead_in_longer_operations(struct cast *cast)
{
    const struct view *view = cast->view;
    set_pages(view, 300, 20, 1);
    add_dead(cast, INTENT_CLAIM, 300, 60);
    set_pages(view, 380, 4, 1);
    add_further(view, 384, 26);
    atomic_store(&view->tags[380], dead_tag(cast));
    add_dead(cast, INTENT_COMMIT, 380, 30);
    add_block(view, 420, 70, dead_tag(cast));
    add_dead(cast, INTENT_FREEM, 420, 70);
    set_pages(view, 500, 12, 1);
    add_further(view, 512, 38);
    add_dead(cast, INTENT_DROP, 500, 50);
    set_pages(view, 640, 40, 1);
    add_dead(cast, INTENT_RELEASE, 600, 80);
}

static void add_dead_in_publish(struct cast *cast)
{
    struct intent_shm *intent = &cast->view->slots[cast->slot].intent;
    add_block(cast->view, 700, 2, dead_tag(cast));
    atomic_store(&intent->publish_block, 700);
    atomic_store(&intent->publish_where, cast->population->where);
    add_dead(cast, INTENT_PUBLISH, 700, 0);
}

/* The spare intents of both rows, and a slot whose thread alone ended. */
static void add_dead_elsewhere(struct cast *cast)
{
    const struct view *view = cast->view;
    struct row_shm *dead = &view->rows[cast->population->dead_row];
    struct row_shm *alive = &view->rows[cast->population->alive_row];
    add_block(view, 720, 5, cast->population->dead_row << 16 | TAG_SPARE);
    intend(&dead->spare, INTENT_FREE1, 720, 0);
    set_pages(view, 760, 40, 1);
    intend(&alive->spare, INTENT_CLAIM, 760, 40);
    atomic_store(&alive->spare_abandoned, 1);
    add_dead(cast, INTENT_ALLOC1, 730, 0);
    atomic_store(&view->slots[cast->slot - 1].ident, IDENT_ABANDONED);
}

static void add_blocks(const struct view *view, const struct population *population)
{
    static const uint64_t lengths[POPULATION_BLOCKS] = {1, 1, 3, 20, 33, 32, 100, 36, 10};
    const uint32_t tags[] = {population->alive_row << 16, population->dead_row << 16 | 9,
                             TAG_SHARED, population->alive_row << 16 | TAG_SPARE};
    for (unsigned i = 0; i < POPULATION_BLOCKS; i++)
        add_block(view, population_blocks[i], lengths[i], tags[i % 4]);
}

void population_settle(const struct view *view, const struct population *population)
{
    struct cast cast = {view, population, POPULATION_SLOTS};
    add_blocks(view, population);
    add_dead_in_one_word(&cast);
    add_dead_in_longer_operations(&cast);
    add_dead_in_publish(&cast);
    add_dead_elsewhere(&cast);
    atomic_store(&view->header->slots_mark, cast.slot);
}
