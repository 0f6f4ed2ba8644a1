#include "core/bench.h"

#include <stdlib.h>
#include <string.h>

#include "core/claim.h"

struct moment moment = {.what = ""};

static int is_dead(void *context, uint64_t ident)
{
    const struct bench *bench = context;
    uint32_t pid = ident_pid(ident);
    return ident_domain(ident) == 1 && pid < BENCH_PROCESSES && bench->is_dead[pid];
}

static _Atomic uintptr_t *reach(void *context, uint64_t where)
{
    struct bench *bench = context;
    if (bench->reaches)
        for (int i = 0; i < BENCH_PLACES; i++)
            if ((uintptr_t)&bench->places[i] == where)
                return &bench->places[i];
    return NULL;
}

void bench_make(struct bench *bench, uint64_t n_pages, uint64_t max_pages)
{
    memset(bench, 0, sizeof *bench);
    ck_assert_int_eq(layout_compute(&bench->layout, 4096, max_pages), 0);
    ck_assert_uint_le(bench->layout.n_words * LAYOUT_WORD_PAGES, BELIEF_PAGES);
    bench->memory = aligned_alloc(4096, bench->layout.pages_offset);
    ck_assert_ptr_nonnull(bench->memory);
    memset(bench->memory, 0, bench->layout.pages_offset);
    layout_write(&bench->layout, bench->memory);
    view_init(&bench->view, &bench->layout, bench->memory);
    atomic_store(&bench->view.header->limit, n_pages);
    bench->reaches = true;
    bench->world = (struct recovery_world){.context = bench, .is_dead = is_dead, .reach = reach};
}

void bench_drop(struct bench *bench)
{
    free(bench->memory);
}

void bench_clear(struct bench *bench)
{
    struct header_shm *header = bench->view.header;
    atomic_store(&header->root, 0);
    atomic_store(&header->watch, 0);
    atomic_store(&header->lock, 0);
    atomic_store(&header->slots_mark, 0);
    atomic_store(&header->rows_mark, 0);
    atomic_store(&header->extent, 0);
    memset((void *)bench->view.slots, 0, BENCH_SLOTS * sizeof *bench->view.slots);
    memset((void *)bench->view.rows, 0, BENCH_ROWS * sizeof *bench->view.rows);
    memset((void *)bench->view.words, 0, bench->layout.n_words * sizeof(uint64_t));
    memset((void *)bench->view.tags, 0, bench->layout.max_pages * sizeof(uint32_t));
    memset((char *)bench->memory + bench->layout.hints_offset, 0,
           hints_size(bench->layout.n_groups));
    memset(bench->is_dead, 0, sizeof bench->is_dead);
    for (int i = 0; i < BENCH_PLACES; i++)
        atomic_store(&bench->places[i], 0);
    bench->reaches = true;
}

uint64_t bench_ident(unsigned process)
{
    return ident_of(1, 1000 + process, process);
}

struct actor bench_join(struct bench *bench, unsigned process)
{
    uint32_t row = members_take_row(&bench->view, bench_ident(process));
    ck_quiet(row != 0);
    int slot = members_take_slot(&bench->view, bench_ident(process), row, process);
    ck_quiet(slot != NO_SLOT);
    return actor_new(&bench->view.slots[slot].intent, row << 16 | (uint32_t)slot);
}

struct actor bench_spare(struct bench *bench, unsigned process)
{
    uint32_t row = members_take_row(&bench->view, bench_ident(process));
    ck_quiet(row != 0);
    return actor_new(&bench->view.rows[row].spare, row << 16 | TAG_SPARE);
}

unsigned bench_recover(struct bench *bench, unsigned recoverer)
{
    ck_quiet(recovery_begin(&bench->view, bench_ident(recoverer), &bench->world) == 1);
    unsigned pending = recovery_pass(&bench->view, &bench->world);
    recovery_end(&bench->view);
    return pending;
}

bool bench_take(struct bench *bench, struct actor *actor, uint64_t page, uint64_t n)
{
    const struct view *view = &bench->view;
    view_extend(view, page + n);
    if (!in_one_word(page, n))
        return claim_words(view, actor, page, n) == 1;
    uint64_t word = view_word(view, word_at(page));
    while ((~word_free(word) & mask_of(bit_at(page), (unsigned)n)) == 0)
        if (claim_in_word(view, actor, &word, page, (unsigned)n))
            return true;
    return false;
}

/* ---- comparing ---- */

struct part {
    const void *start;
    size_t size;
};

enum { PARTS = 5 };

static void parts_of(const struct bench *bench, struct part parts[PARTS])
{
    parts[0] = (struct part){bench->view.header, sizeof *bench->view.header};
    parts[1] = (struct part){bench->view.slots, BENCH_SLOTS * sizeof *bench->view.slots};
    parts[2] = (struct part){bench->view.rows, BENCH_ROWS * sizeof *bench->view.rows};
    parts[3] = (struct part){(const void *)bench->view.words, bench->layout.n_words * 8};
    parts[4] = (struct part){(const void *)bench->view.tags, bench->layout.max_pages * 4};
}

struct bench_state *bench_remember(const struct bench *bench)
{
    struct part parts[PARTS];
    size_t size = 0;
    parts_of(bench, parts);
    for (int i = 0; i < PARTS; i++)
        size += parts[i].size;
    char *copy = malloc(size);
    ck_quiet(copy != NULL);
    size = 0;
    for (int i = 0; i < PARTS; i++) {
        memcpy(copy + size, parts[i].start, parts[i].size);
        size += parts[i].size;
    }
    return (struct bench_state *)(void *)copy;
}

bool bench_is_unchanged(const struct bench *bench, struct bench_state *state)
{
    struct part parts[PARTS];
    const char *copy = (const char *)state;
    bool same = true;
    parts_of(bench, parts);
    for (int i = 0; i < PARTS; i++) {
        same = same && memcmp(copy, parts[i].start, parts[i].size) == 0;
        copy += parts[i].size;
    }
    free(state);
    return same;
}

void believe_block(struct belief *belief, uint64_t page, uint64_t n)
{
    for (uint64_t i = page; i < page + n; i++) {
        uint64_t *word = &belief->words[i / 32];
        ck_quiet((*word >> i % 32 & (UINT64_C(1) << 32 | 1)) == 0);
        *word |= UINT64_C(1) << i % 32;
    }
    belief->words[page / 32] |= UINT64_C(1) << (32 + page % 32);
}

void believe_free(struct belief *belief, uint64_t page, uint64_t n)
{
    for (uint64_t i = page; i < page + n; i++)
        belief->words[i / 32] &= ~((UINT64_C(1) << 32 | 1) << i % 32);
}

bool belief_has(const struct belief *belief, uint64_t page)
{
    return belief->words[page / 32] >> (32 + page % 32) & 1;
}

bool belief_holds(const struct belief *belief, const struct bench *bench)
{
    for (uint64_t index = 0; index < bench->layout.n_words; index++)
        if (belief->words[index] != atomic_load(&bench->view.words[index]))
            return false;
    return true;
}
