/* Counts what operations of core read and change in shared memory, in pools of four sizes and
 * beside 1 to 1024 members, and prints that as two tables: those of docs/scaling.md, which
 * counts.sh compares with them. The tables of a pool lie in memory that is there only where it is
 * touched, so that a pool of 1 TiB is no trouble. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/actor.h"
#include "core/census.h"
#include "core/claim.h"
#include "core/free.h"
#include "core/home.h"
#include "core/members.h"
#include "core/place.h"
#include "core/publish.h"
#include "core/recovery.h"
#include "core/steps.h"

enum { PAGE = 4096, SELF = 1, VICTIM = 7, FIRST_OTHER = 10 };

struct counts {
    uint64_t reads;
    uint64_t changes;
    uint64_t asked; /* whether a process lives */
};

struct pool {
    void *memory;
    struct layout layout;
    struct view view;
    struct actor actor;
};

static struct counts counts;

static void count_step(bool changes)
{
    counts.reads += !changes;
    counts.changes += changes;
}

static int is_dead(void *context, uint64_t ident)
{
    (void)context;
    counts.asked++;
    return ident_pid(ident) == VICTIM;
}

static _Atomic uintptr_t *reach(void *context, uint64_t where)
{
    (void)context;
    (void)where;
    return NULL;
}

static const struct recovery_world world = {.is_dead = is_dead, .reach = reach};

static void need(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "counts: %s\n", what);
        exit(1);
    }
}

static struct actor join(struct pool *pool, uint32_t process)
{
    uint64_t ident = ident_of(1, process, process);
    uint32_t row = members_take_row(&pool->view, ident);
    int slot = members_take_slot(&pool->view, ident, row, process);
    need(row != 0 && slot != NO_SLOT, "no member");
    return actor_new(&pool->view.slots[slot].intent, row << 16 | (uint32_t)slot);
}

static void make(struct pool *pool, uint64_t n_pages)
{
    need(layout_compute(&pool->layout, PAGE, n_pages) == 0, "no layout");
    pool->memory = mmap(NULL, pool->layout.pages_offset, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    need(pool->memory != MAP_FAILED, "no memory");
    layout_write(&pool->layout, pool->memory);
    view_init(&pool->view, &pool->layout, pool->memory);
    atomic_store(&pool->view.header->limit, n_pages);
    pool->actor = join(pool, SELF);
}

static void drop(struct pool *pool)
{
    munmap(pool->memory, pool->layout.pages_offset);
}

/* Every page a block of its own, as many calls would leave it; owners stay out of it. */
static void fill(struct pool *pool)
{
    memset((void *)pool->view.words, 0xFF, pool->layout.n_words * sizeof(uint64_t));
    atomic_store(&pool->view.header->extent, pool->view.max_pages);
}

static uint64_t take(struct pool *pool, uint64_t n)
{
    struct look look;
    uint64_t page;
    if (n == 1 && home_alloc(&pool->view, &pool->actor, &page))
        return page;
    return place_block(&pool->view, &pool->actor, n, 1, &look);
}

/* ---- what is counted ---- */

static void one_page(struct pool *pool)
{
    take(pool, 1);
    steps_hook(count_step);
    take(pool, 1);
}

static void free_one_page(struct pool *pool)
{
    take(pool, 1);
    uint64_t page = take(pool, 1);
    steps_hook(count_step);
    free_block(&pool->view, &pool->actor, page);
}

static void eight_pages(struct pool *pool)
{
    take(pool, 8);
    steps_hook(count_step);
    take(pool, 8);
}

static void two_mebibytes(struct pool *pool)
{
    steps_hook(count_step);
    take(pool, 512);
}

static void free_two_mebibytes(struct pool *pool)
{
    uint64_t page = take(pool, 512);
    steps_hook(count_step);
    free_block(&pool->view, &pool->actor, page);
}

static void publish(struct pool *pool)
{
    _Atomic uintptr_t where = 0;
    uint64_t page = take(pool, 1);
    steps_hook(count_step);
    publish_block(&pool->view, &pool->actor, page, &where);
}

/* The hints have learned that only the last page is free. */
static void last_page(struct pool *pool)
{
    fill(pool);
    take(pool, 1);
    uint64_t last = pool->layout.max_pages - 1;
    pool->view.tags[last] = pool->actor.tag;
    free_block(&pool->view, &pool->actor, last);
    steps_hook(count_step);
    need(take(pool, 1) == last, "the last page was not found");
}

static void no_room(struct pool *pool)
{
    fill(pool);
    take(pool, 1);
    steps_hook(count_step);
    need(take(pool, 1) == NO_PAGE, "room in a full pool");
}

static void count_full(struct pool *pool)
{
    struct census census;
    fill(pool);
    steps_hook(count_step);
    census_count(&pool->view, &census);
}

static void count_empty(struct pool *pool)
{
    struct census census;
    steps_hook(count_step);
    census_count(&pool->view, &census);
}

static void report_nothing(void *context, enum fault fault, uint64_t a, uint64_t b)
{
    (void)context;
    (void)fault;
    (void)a;
    (void)b;
}

static void check_empty(struct pool *pool)
{
    steps_hook(count_step);
    census_check(&pool->view, report_nothing, NULL);
}

static void recover(struct pool *pool)
{
    uint64_t ident = ident_of(1, SELF, SELF);
    steps_hook(count_step);
    need(recovery_begin(&pool->view, ident, &world) == 1, "no recoverer");
    need(recovery_pass(&pool->view, &world) == 0, "pending");
    recovery_end(&pool->view);
}

static void recover_idle(struct pool *pool)
{
    join(pool, VICTIM);
    recover(pool);
}

static void recover_short(struct pool *pool)
{
    struct actor victim = join(pool, VICTIM);
    actor_intend(&victim, INTENT_ALLOC1, 40);
    recover(pool);
}

static void recover_long(struct pool *pool)
{
    struct actor victim = join(pool, VICTIM);
    claim_range(&pool->view, &victim, 0, 512);
    recover(pool);
}

static void take_place(struct pool *pool)
{
    steps_hook(count_step);
    join(pool, VICTIM);
}

/* ---- the tables ---- */

struct row {
    const char *name;
    void (*act)(struct pool *pool);
};

static void print_cell(void)
{
    printf(" %" PRIu64 " + %" PRIu64, counts.reads, counts.changes);
    if (counts.asked != 0)
        printf(", asks %" PRIu64, counts.asked);
    printf(" |");
}

static void count_in(const struct row *row, uint64_t n_pages, uint32_t n_members)
{
    struct pool pool;
    make(&pool, n_pages);
    for (uint32_t i = 1; i < n_members; i++)
        join(&pool, FIRST_OTHER + i);
    counts = (struct counts){0};
    row->act(&pool);
    steps_hook(NULL);
    print_cell();
    drop(&pool);
}

/* Operations are counted in all but the last. */
static const uint64_t sizes[] = {16 << 20, UINT64_C(1) << 30, UINT64_C(64) << 30, UINT64_C(1) << 40,
                                 UINT64_C(1) << 44};
static const uint32_t members[] = {1, 8, 64, 1023};

static const struct row by_size[] = {
    {"allocate a page, the next of many", one_page},
    {"free it", free_one_page},
    {"allocate 8 pages", eight_pages},
    {"allocate 512 pages", two_mebibytes},
    {"free them", free_two_mebibytes},
    {"publish a page", publish},
    {"allocate the last free page", last_page},
    {"find that there is no room", no_room},
    {"count an empty pool", count_empty},
    {"count a full pool", count_full},
    {"check an empty pool", check_empty},
    {"recover after a death between calls", recover_idle},
    {"recover after a death in a short allocation", recover_short},
    {"recover after a death in one of 512 pages", recover_long},
};

static const struct row by_members[] = {
    {"allocate a page, the next of many", one_page},
    {"take a place as a member", take_place},
    {"recover after a death between calls", recover_idle},
    {"recover after a death in a short allocation", recover_short},
    {"recover after a death in one of 512 pages", recover_long},
};

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

static void print_sizes(const char *name, uint64_t (*size)(const struct layout *layout))
{
    printf("| %s |", name);
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        struct layout layout;
        need(layout_compute(&layout, PAGE, sizes[i] / PAGE) == 0, "no layout");
        printf(" %" PRIu64 " |", size(&layout));
    }
    putchar('\n');
}

static uint64_t words_size(const struct layout *layout)
{
    return layout->hints_offset - layout->words_offset;
}

static uint64_t hint_bytes(const struct layout *layout)
{
    return hints_size(layout->n_groups);
}

static uint64_t highest_level(const struct layout *layout)
{
    char memory[64];
    struct hints hints;
    hints_init(&hints, memory, layout->n_groups); /* only counts */
    return hints.n[HINT_LEVELS - 1];
}

static uint64_t tags_size(const struct layout *layout)
{
    return layout->used_offset - layout->tags_offset;
}

static uint64_t used_size(const struct layout *layout)
{
    return layout->pages_offset - layout->used_offset;
}

static uint64_t all_tables(const struct layout *layout)
{
    return layout->pages_offset;
}

int main(void)
{
    puts("| reads + changes | 16 MiB | 1 GiB | 64 GiB | 1 TiB |\n| --- | --- | --- | --- | --- |");
    for (size_t row = 0; row < LENGTH(by_size); row++) {
        printf("| %s |", by_size[row].name);
        for (size_t i = 0; i + 1 < LENGTH(sizes); i++)
            count_in(&by_size[row], sizes[i] / PAGE, 1);
        putchar('\n');
    }
    puts("\n| reads + changes, beside members | 1 | 8 | 64 | 1023 |\n"
         "| --- | --- | --- | --- | --- |");
    for (size_t row = 0; row < LENGTH(by_members); row++) {
        printf("| %s |", by_members[row].name);
        for (size_t i = 0; i < LENGTH(members); i++)
            count_in(&by_members[row], sizes[1] / PAGE, members[i]);
        putchar('\n');
    }
    puts("\n| bytes | 16 MiB | 1 GiB | 64 GiB | 1 TiB | 16 TiB |\n| --- | --- | --- | --- | --- | "
         "--- |");
    print_sizes("page words", words_size);
    print_sizes("hints", hint_bytes);
    print_sizes("entries of the highest hint level", highest_level);
    print_sizes("owner tags", tags_size);
    print_sizes("used bits", used_size);
    print_sizes("all tables", all_tables);
    return 0;
}
