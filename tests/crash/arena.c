#include "crash/arena.h"

#include <shmpool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/members.h"
#include "family/identity.h"
#include "family/members.h"

struct arena arena;

static void give_up(const char *what)
{
    fprintf(stderr, "arena: %s: %s\n", what, shmpool_errmsg());
    exit(EXIT_FAILURE);
}

static shmpool_id pool_new(size_t size, size_t max_size, unsigned flags)
{
    const struct shmpool_options options = {.max_size = max_size, .flags = flags};
    shmpool_id pool = shmpool_create(size, &options);
    if (pool < 0 || shmpool_unlink(pool) != 0)
        give_up("create");
    return pool;
}

static void *take(uint64_t n)
{
    void *block = shmpool_alloc(arena.id, n * arena.page);
    if (block == NULL)
        give_up("alloc");
    return block;
}

static void give(uint64_t page)
{
    if (shmpool_free(arena.id, arena_address_of(page)) != 0)
        give_up("free");
}

static void drop_pool(void)
{
    if (arena.id != 0 && shmpool_release(arena.id) != 0)
        give_up("release");
    free(arena.empty);
}

void arena_make(unsigned flags)
{
    drop_pool();
    arena.page = (size_t)sysconf(_SC_PAGESIZE);
    arena.id = pool_new(ARENA_PAGES * arena.page, ARENA_MOST_PAGES * arena.page, flags);
    if (arena.foyer == 0)
        arena.foyer = pool_new(arena.page, arena.page, 0);
    struct pool *pool = pools_find(arena.id);
    arena.view = &pool->view;
    arena.ident = members_ident(pool);
    if (layout_compute(&arena.layout, arena.page, arena.view->max_pages) != 0)
        give_up("layout");
    arena.places = take(1);
    memset((void *)arena.places, 0, ARENA_PLACES * sizeof *arena.places);
    arena.empty = state_new();
    state_take(arena.empty);
}

/* ---- scenery ---- */

enum {
    SMALL_HOLES_END = 1024, /* pages */
    HOLE = 1061,            /* its word has room for 26 pages behind it */
    SPARE_PAGES = 3,
    HOLE_ASTRIDE = 1085, /* three pages before the edge, none to spare */
    OTHERS_ROOM = 1800   /* from here on */
};

static bool is_hole(uint64_t page, uint64_t hole, uint64_t n, bool small_holes)
{
    if (page < SMALL_HOLES_END)
        return small_holes && page % 16 >= 13;
    return (page >= hole && page < hole + n) || page >= OTHERS_ROOM;
}

/* Leaves small holes or none, one of n pages, and room for others. */
static void fragment(uint64_t hole, uint64_t n, bool small_holes)
{
    for (uint64_t i = 0; i + 1 < ARENA_PAGES; i++)
        take(1);
    for (uint64_t page = 0; page < ARENA_PAGES; page++)
        if (is_hole(page, hole, n, small_holes) && arena_address_of(page) != (void *)arena.places)
            give(page);
}

/* They say that they are of another namespace, of which nobody is known to be dead: who looks at a
 * thousand of them need not ask the system about each. */
void arena_crowd(void)
{
    const struct view *view = arena.view;
    unsigned domain = members_domain(view, identity_self().key ^ 1);
    uint64_t ident = ident_of(domain, ident_start(arena.ident), ident_pid(arena.ident));
    for (uint32_t slot = 0; slot < LAYOUT_SLOTS; slot++) {
        if (atomic_load(&view->slots[slot].ident) != 0)
            continue;
        atomic_store(&view->slots[slot].row, pools_find(arena.id)->row);
        atomic_store(&view->slots[slot].ident, ident);
    }
    atomic_store(&view->header->slots_mark, LAYOUT_SLOTS);
}

/* States leave them out. */
static void clear_later_slots(void)
{
    for (uint32_t slot = ARENA_SLOTS; slot < LAYOUT_SLOTS; slot++)
        atomic_store(&arena.view->slots[slot].ident, 0);
}

void arena_build(enum scenery scenery, uint64_t n)
{
    state_put(arena.empty);
    clear_later_slots();
    if (scenery == FRAGMENTED || scenery == TIGHT)
        fragment(HOLE, n + SPARE_PAGES, scenery == FRAGMENTED);
    if (scenery == ASTRIDE)
        fragment(HOLE_ASTRIDE, n, true);
    for (uint64_t i = 0; i < ARENA_WORDS; i++)
        arena.bare[i] = view_word(arena.view, i);
}

/* ---- states ---- */

struct part {
    void *at;
    size_t offset; /* in a state */
    size_t size;
};

enum { N_PARTS = 8 };

static size_t parts_of(const struct view *view, _Atomic uintptr_t *places,
                       struct part parts[N_PARTS])
{
    const struct layout *layout = &arena.layout;
    const struct part all[N_PARTS] = {
        {view->header, 0, LAYOUT_HEADER_SIZE},
        {view->domains, 0, 8 * sizeof *view->domains},
        {view->rows, 0, ARENA_ROWS * sizeof *view->rows},
        {view->slots, 0, ARENA_SLOTS * sizeof *view->slots},
        {view->words, 0, layout->n_words * sizeof *view->words},
        {(char *)view->header + layout->hints_offset, 0,
         layout->tags_offset - layout->hints_offset},
        {view->tags, 0, ARENA_PAGES * sizeof *view->tags},
        {(void *)places, 0, ARENA_PLACES * sizeof *places},
    };
    size_t offset = 0;
    for (int i = 0; i < N_PARTS; i++) {
        parts[i] = all[i];
        parts[i].offset = offset;
        offset += parts[i].size;
    }
    return offset;
}

struct state {
    size_t size;
    uint8_t bytes[]; /* the parts, one behind the other */
};

struct state *state_new(void)
{
    struct part parts[N_PARTS];
    size_t size = parts_of(arena.view, arena.places, parts);
    struct state *state = calloc(1, sizeof *state + size);
    if (state == NULL)
        abort();
    state->size = size;
    return state;
}

void state_take(struct state *state)
{
    struct part parts[N_PARTS];
    parts_of(arena.view, arena.places, parts);
    for (int i = 0; i < N_PARTS; i++)
        memcpy(state->bytes + parts[i].offset, parts[i].at, parts[i].size);
}

static void put_into(const struct state *state, const struct view *view, _Atomic uintptr_t *places)
{
    struct part parts[N_PARTS];
    parts_of(view, places, parts);
    for (int i = 0; i < N_PARTS; i++)
        memcpy(parts[i].at, state->bytes + parts[i].offset, parts[i].size);
}

void state_put(const struct state *state)
{
    put_into(state, arena.view, arena.places);
}

bool state_stands(const struct state *state)
{
    struct part parts[N_PARTS];
    parts_of(arena.view, arena.places, parts);
    for (int i = 0; i < N_PARTS; i++)
        if (memcmp(state->bytes + parts[i].offset, parts[i].at, parts[i].size) != 0)
            return false;
    return true;
}

void copy_make(struct copy *copy)
{
    free(copy->memory);
    free(copy->places);
    copy->memory = calloc(1, arena.layout.pages_offset);
    copy->places = calloc(ARENA_PLACES, sizeof *copy->places);
    if (copy->memory == NULL || copy->places == NULL)
        abort();
    view_init(&copy->view, &arena.layout, copy->memory);
    copy->view.pages = arena.view->pages; /* addresses of blocks are the pool's */
}

void copy_fill(struct copy *copy, const struct state *state)
{
    put_into(state, &copy->view, copy->places);
}
