/* Damage meets the operations of core, on bytes between pages that nobody may touch. A moment is a
 * number of accesses to shared memory: core is compiled with a call before each (core/steps.h), so
 * damage comes between any two of them, as another process's would, and comes again as it came. */
#include <check.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/census.h"
#include "core/free.h"
#include "core/holder.h"
#include "core/members.h"
#include "core/place.h"
#include "core/publish.h"
#include "core/recovery.h"
#include "core/steps.h"
#include "hostile/mill.h"
#include "hostile/population.h"
#include "support/child.h"

enum { OPERATIONS = 24, LAST_MOMENT = 4000, ALIVE = 1, DEAD = 2, ACTORS = 3, PARTS = 16 };

struct part {
    uint64_t offset;
    uint64_t length;
};

static struct {
    struct layout layout;
    struct view view;
    char *base;
    char *image;   /* the tables as the population has them */
    char *outside; /* the parts that no operation writes, as damage left them */
    struct part parts[PARTS];
    unsigned n_parts;
    struct actor actors[ACTORS];
    _Atomic uintptr_t place; /* where blocks are published */
    const struct damage *damage;
    unsigned moment;
    unsigned next; /* the moment at which damage comes */
} mill;

/* ---- the world ---- */

static uint64_t ident_number(unsigned process)
{
    return ident_of(1, 1000 + process, process);
}

/* Of strangers that damage invents every third is dead. */
static int is_dead(void *context, uint64_t ident)
{
    (void)context;
    return ident == ident_number(DEAD) || (ident != ident_number(ALIVE) && ident % 3 == 0);
}

static _Atomic uintptr_t *reach(void *context, uint64_t where)
{
    (void)context;
    return where == (uintptr_t)&mill.place ? &mill.place : NULL;
}

static const struct recovery_world world = {NULL, is_dead, reach};

/* ---- what no operation writes ---- */

static void keep_out_of(uint64_t from, uint64_t end)
{
    CHILD_CHECK(mill.n_parts < PARTS && from <= end);
    mill.parts[mill.n_parts++] = (struct part){from, end - from};
}

static void find_parts(void)
{
    static const uint16_t variables[] = {
        offsetof(struct header_shm, limit),      offsetof(struct header_shm, root),
        offsetof(struct header_shm, watch),      offsetof(struct header_shm, lock),
        offsetof(struct header_shm, slots_mark), offsetof(struct header_shm, rows_mark),
        offsetof(struct header_shm, extent)};
    const struct layout *at = &mill.layout;
    uint64_t from = 0;
    mill.n_parts = 0;
    for (unsigned i = 0; i < sizeof variables / sizeof variables[0]; i++, from += 8) {
        keep_out_of(from, variables[i]);
        from = variables[i];
    }
    keep_out_of(from, at->domains_offset + sizeof(struct domain_shm));
    keep_out_of(at->rows_offset, at->rows_offset + sizeof(struct row_shm));
    keep_out_of(at->rows_offset + (at->n_rows + 1) * sizeof(struct row_shm), at->slots_offset);
    keep_out_of(at->words_offset + (at->max_pages + 31) / 32 * 8, at->hints_offset);
    keep_out_of(at->hints_offset + hints_size(at->n_groups), at->tags_offset);
    keep_out_of(at->tags_offset + at->max_pages * sizeof(uint32_t), at->used_offset);
    keep_out_of(at->used_offset + at->n_words * sizeof(uint32_t), at->pages_offset);
}

static void remember_outside(void)
{
    for (unsigned i = 0; i < mill.n_parts; i++)
        memcpy(mill.outside + mill.parts[i].offset, mill.base + mill.parts[i].offset,
               mill.parts[i].length);
}

static void check_outside(void)
{
    for (unsigned i = 0; i < mill.n_parts; i++)
        CHILD_CHECK(memcmp(mill.outside + mill.parts[i].offset, mill.base + mill.parts[i].offset,
                           mill.parts[i].length) == 0);
}

/* ---- the pool ---- */

static void *memory(size_t size)
{
    void *at = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHILD_CHECK(at != MAP_FAILED);
    return at;
}

static const struct layout *layout(void)
{
    CHILD_CHECK(layout_compute(&mill.layout, LAYOUT_HEADER_SIZE, POPULATION_MAX_PAGES) == 0);
    return &mill.layout;
}

static void join(unsigned number, uint32_t row)
{
    int slot = members_take_slot(&mill.view, ident_number(ALIVE), row, 1);
    CHILD_CHECK(slot == (int)number);
    mill.actors[number] = actor_new(&mill.view.slots[slot].intent, row << 16 | (uint32_t)slot);
}

static void populate(void)
{
    struct population population = {
        .alive = ident_number(ALIVE), .dead = ident_number(DEAD), .where = (uintptr_t)&mill.place};
    CHILD_CHECK(members_domain(&mill.view, UINT64_C(1) << 32 | 1) == 1);
    population.alive_row = members_take_row(&mill.view, population.alive);
    population.dead_row = members_take_row(&mill.view, population.dead);
    join(0, population.alive_row);
    join(1, population.alive_row);
    mill.actors[2] = actor_new(&mill.view.rows[population.alive_row].spare,
                               population.alive_row << 16 | TAG_SPARE);
    population_settle(&mill.view, &population);
}

/* The pool's pages are not even mapped: core has no business there. */
static void begin(void)
{
    uint64_t tables = layout()->pages_offset;
    char *around = memory(mill.layout.mapping_size + 2 * LAYOUT_HEADER_SIZE);
    mill.base = around + LAYOUT_HEADER_SIZE;
    CHILD_CHECK(mprotect(mill.base, tables, PROT_READ | PROT_WRITE) == 0);
    mill.image = malloc(tables);
    mill.outside = malloc(tables);
    CHILD_CHECK(mill.image != NULL && mill.outside != NULL);
    layout_write(&mill.layout, (struct header_shm *)(void *)mill.base);
    view_init(&mill.view, &mill.layout, mill.base);
    atomic_store(&mill.view.header->limit, POPULATION_PAGES);
    find_parts();
    populate();
    memcpy(mill.image, mill.base, tables);
}

static void end(void)
{
    free(mill.image);
    free(mill.outside);
}

/* ---- operations ---- */

static uint64_t any_page(struct random *random)
{
    if (random_between(random, 0, 1) == 0)
        return population_blocks[random_between(random, 0, POPULATION_BLOCKS - 1)];
    return random_between(random, 0, POPULATION_MAX_PAGES - 1);
}

static void allocate(struct actor *actor, struct random *random)
{
    static const uint64_t lengths[] = {1, 1, 2, 7, 32, 33, 70, 300, 481, 520, 1100, 1 << 20};
    static const uint64_t alignments[] = {1, 1, 1, 2, 8, 64, 512};
    uint64_t n = lengths[random_between(random, 0, sizeof lengths / sizeof lengths[0] - 1)];
    uint64_t align =
        alignments[random_between(random, 0, sizeof alignments / sizeof alignments[0] - 1)];
    struct look look;
    uint64_t page = place_block(&mill.view, actor, n, align, &look);
    if (page == NO_PAGE) {
        CHILD_CHECK(look.largest <= POPULATION_MAX_PAGES && look.free <= POPULATION_MAX_PAGES);
        return;
    }
    CHILD_CHECK(page < POPULATION_MAX_PAGES && n <= POPULATION_MAX_PAGES - page);
    CHILD_CHECK(view_address_of(&mill.view, page) % (align << mill.view.page_shift) == 0);
}

struct visited {
    uint64_t end;
};

static void visit(void *context, enum census_kind kind, uint64_t page, uint64_t n)
{
    struct visited *visited = context;
    CHILD_CHECK(kind <= CENSUS_STRAY && page == visited->end && n > 0);
    visited->end = page + n;
}

static void ignore(void *context, enum fault fault, uint64_t a, uint64_t b)
{
    (void)context, (void)a, (void)b;
    CHILD_CHECK(fault <= FAULT_LIMIT);
}

static void count(void)
{
    struct census census;
    struct visited visited = {0};
    census_count(&mill.view, &census);
    CHILD_CHECK(census.largest <= census.free && census.free <= census.pages &&
                census.pages <= POPULATION_MAX_PAGES && census.members <= LAYOUT_SLOTS);
    census_walk(&mill.view, visit, &visited);
    CHILD_CHECK(visited.end <= POPULATION_MAX_PAGES);
    census_check(&mill.view, ignore, NULL);
}

static int is_wanted(void *context, uint32_t row)
{
    (void)context;
    return is_dead(NULL, atomic_load(&mill.view.rows[row].ident));
}

static void recover(const struct actor *actor, uint64_t choice)
{
    if (!recovery_begin(&mill.view, ident_number(ALIVE), &world))
        return;
    recovery_pass(&mill.view, &world);
    if (choice % 2 == 0)
        CHILD_CHECK(recovery_reclaim(&mill.view, actor, is_wanted, NULL) >= RECLAIM_PENDING);
    if (choice % 3 == 0)
        recovery_sweep_rows(&mill.view, &world);
    recovery_end(&mill.view);
}

static void become_member(uint64_t choice)
{
    unsigned domain = members_domain(&mill.view, choice | 1);
    CHILD_CHECK(domain < LAYOUT_DOMAINS);
    uint32_t row = members_take_row(&mill.view, ident_of(domain, choice >> 40, 77));
    CHILD_CHECK(row <= mill.layout.n_rows);
    int slot = row != 0 ? members_take_slot(&mill.view, ident_of(domain, 0, 77), row, 1) : NO_SLOT;
    CHILD_CHECK(slot >= NO_SLOT && slot < LAYOUT_SLOTS);
    if (slot != NO_SLOT && choice % 2 == 0)
        members_give_slot(&mill.view, slot);
}

static void operate(struct random *random)
{
    struct actor *actor = &mill.actors[random_between(random, 0, ACTORS - 1)];
    uint64_t choice = random_next(random);
    uint64_t page = any_page(random);
    switch (choice % 16) {
    case 0:
    case 1:
    case 2:
        CHILD_CHECK(free_block(&mill.view, actor, page) <= POPULATION_MAX_PAGES - page);
        break;
    case 3:
        CHILD_CHECK(view_block_length(&mill.view, page) <= POPULATION_MAX_PAGES - page);
        break;
    case 4:
        atomic_store(&mill.place, 0);
        publish_block(&mill.view, actor, page, &mill.place);
        break;
    case 5:
        count();
        break;
    case 6:
    case 7:
        recover(actor, choice >> 8);
        break;
    case 8:
        become_member(choice >> 8);
        break;
    case 9:
        holder_leave_home(&mill.view, actor);
        break;
    default:
        allocate(actor, random);
    }
}

/* The first moment after this one at which an edit is due. */
static void find_next_moment(void)
{
    mill.next = UINT_MAX;
    for (unsigned i = 0; i < mill.damage->n_edits; i++) {
        unsigned moment = mill.damage->edits[i].moment;
        if (moment > mill.moment && moment < mill.next)
            mill.next = moment;
    }
}

static void damage_now(void)
{
    check_outside();
    damage_apply(mill.damage, mill.moment, &mill.layout, mill.base);
    remember_outside();
    find_next_moment();
}

static void step(bool changes)
{
    (void)changes;
    if (++mill.moment == mill.next)
        damage_now();
}

static void meet(const struct damage *damage)
{
    struct random random = {damage->operations};
    memcpy(mill.base, mill.image, mill.layout.pages_offset);
    remember_outside();
    mill.damage = damage;
    mill.moment = 0;
    for (unsigned i = 0; i < ACTORS; i++)
        mill.actors[i] = actor_new(mill.actors[i].intent, mill.actors[i].tag);
    damage_now();
    steps_hook(step);
    for (unsigned i = 0; i < OPERATIONS; i++)
        operate(&random);
    recover(&mill.actors[0], 0);
    count();
    steps_hook(NULL);
    check_outside();
}

static const struct mill core_mill = {"hostile-core", LAST_MOMENT, begin, layout, meet, end};

/* ---- tests ---- */

START_TEST(the_population_is_what_it_says)
{
    begin();
    struct random random = {0};
    CHILD_CHECK(census_check(&mill.view, ignore, NULL) == 0);
    recover(&mill.actors[0], 1);
    CHILD_CHECK(census_check(&mill.view, ignore, NULL) == 0);
    CHILD_CHECK(random_next(&random) != 0);
    end();
}
END_TEST

START_TEST(what_was_found_once_does_no_harm)
{
    ck_assert_uint_eq(mill_replay(&core_mill, HOSTILE_CORPUS "/core.txt"), 0);
}
END_TEST

START_TEST(damage_neither_crashes_nor_hangs_nor_escapes)
{
    ck_assert_uint_eq(mill_run(&core_mill, random_seed(), 0, 6000), 0);
}
END_TEST

int main(int argc, char **argv)
{
    int status = mill_main(&core_mill, argc, argv);
    if (status >= 0)
        return status;
    random_seed();
    Suite *suite = suite_create("hostile-core");
    TCase *tcase = tcase_create("damage");
    tcase_add_test(tcase, the_population_is_what_it_says);
    tcase_add_test(tcase, what_was_found_once_does_no_harm);
    tcase_add_test(tcase, damage_neither_crashes_nor_hangs_nor_escapes);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
