#include "core/census.h"

#include "core/actor.h"
#include "core/members.h"

static uint64_t count_slots(const struct view *view)
{
    uint64_t taken = 0;
    uint32_t mark = members_slots_mark(view);
    for (uint32_t slot = 0; slot < mark; slot++)
        taken += atomic_load_explicit(&view->slots[slot].ident, memory_order_relaxed) != 0;
    return taken;
}

/* Counts a word that is not free as a whole. `run` free pages end where it begins, and then where
 * it ends. */
static void count_word(struct census *census, uint64_t *run, uint64_t word, uint32_t free)
{
    uint64_t before = *run + mask_run_at(free, 0);
    if (before > census->largest)
        census->largest = before;
    while (census->largest < LAYOUT_WORD_PAGES &&
           mask_runs(free, (unsigned)census->largest + 1) != 0)
        census->largest++;
    census->free += mask_count(free);
    census->blocks += mask_count(word_first(word));
    *run = (unsigned)__builtin_clz(~free);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void count_words(const struct view *view, struct census *census)
{
    uint64_t run = 0;
    uint64_t end = least(census->pages, view_extent(view));
    for (uint64_t index = 0; index * LAYOUT_WORD_PAGES < end; index++) {
        uint64_t word = view_word(view, index);
        uint32_t free = word_free(word) & mask_below(index, end);
        if (free != UINT32_MAX) {
            count_word(census, &run, word, free);
        } else {
            run += LAYOUT_WORD_PAGES;
            census->free += LAYOUT_WORD_PAGES;
        }
    }
    run += census->pages - end;
    census->free += census->pages - end;
    if (run > census->largest)
        census->largest = run;
}

void census_count(const struct view *view, struct census *census)
{
    *census = (struct census){.pages = view_limit(view)};
    count_words(view, census);
    census->members = count_slots(view);
}

/* ---- doubts ---- */

enum { LOOKS = 4 };

/* How many intents are asked for an explanation: enough for any pool that is not badly damaged, and
 * a fraction of a second. After that a fault is a fault. */
#define INTENTS_ASKED (INT64_C(1) << 26)

/* What looks again at what seems wrong. */
struct looks {
    const struct view *view;
    int64_t intents_left;
};

static unsigned state_of(uint64_t word, unsigned bit)
{
    return (unsigned)((word >> bit & 1) | (word >> (bit + 31) & 2));
}

static int covers(const struct intent_shm *intent, uint64_t page, uint64_t n)
{
    uint64_t state = atomic_load_explicit(&intent->state, memory_order_acquire);
    uint64_t length = atomic_load_explicit(&intent->n_pages, memory_order_acquire);
    unsigned operation = state & 15;
    uint64_t start = state >> 4;
    if (operation == INTENT_IDLE)
        return 0;
    if (operation == INTENT_ALLOC1 || operation == INTENT_FREE1 || operation == INTENT_PUBLISH)
        length = LAYOUT_WORD_PAGES - start % LAYOUT_WORD_PAGES;
    return start < page + n && page < start + length;
}

static int is_explained(struct looks *looks, uint64_t page, uint64_t n)
{
    const struct view *view = looks->view;
    uint32_t slots = members_slots_mark(view);
    uint32_t rows = members_rows_mark(view);
    for (uint32_t slot = 0; slot < slots && looks->intents_left-- > 0; slot++)
        if (covers(&view->slots[slot].intent, page, n))
            return 1;
    for (uint32_t row = 1; row <= rows && looks->intents_left-- > 0; row++)
        if (covers(&view->rows[row].spare, page, n))
            return 1;
    return 0;
}

/* What is wrong with the block or run at page right now; -1: nothing. */
static int wrong_now(const struct view *view, enum census_kind kind, uint64_t page)
{
    unsigned state = state_of(view_word(view, word_at(page)), bit_at(page));
    if (kind == CENSUS_CLAIMED)
        return state == 2 ? FAULT_CLAIMED : -1;
    if (kind == CENSUS_STRAY) {
        unsigned before =
            page == 0 ? 0 : state_of(view_word(view, word_at(page - 1)), bit_at(page - 1));
        return state == 1 && !(before & 1) ? FAULT_STRAY : -1;
    }
    if (kind == CENSUS_FREE || state != 3)
        return -1;
    uint32_t tag = atomic_load_explicit(&view->tags[page], memory_order_acquire);
    if (tag == TAG_SHARED)
        return -1;
    if (tag == TAG_NOBODY || tag == TAG_MARK)
        return FAULT_NO_OWNER;
    uint32_t row = tag >> 16;
    if (row == 0 || row > view->n_rows ||
        atomic_load_explicit(&view->rows[row].ident, memory_order_acquire) == 0)
        return FAULT_OWNER;
    return -1;
}

/* What is wrong with the run, or -1. A fault is real when it stands through several looks and no
 * intent beside it explains it. */
static int fault_of(struct looks *looks, enum census_kind kind, uint64_t page, uint64_t n)
{
    int fault = wrong_now(looks->view, kind, page);
    for (int look = 0; look < LOOKS && fault >= 0; look++) {
        if (is_explained(looks, page, n))
            return -1;
        fault = wrong_now(looks->view, kind, page);
    }
    return fault;
}

/* ---- walking ---- */

/* A run under way: what it is of and where it began. */
struct walk {
    struct looks looks;
    census_visit *visit;
    void *context;
    enum census_kind kind;
    uint64_t start;
    uint64_t length;
};

/* Pages that lost their first one while the walk came by are of an operation. */
static void finish_run(struct walk *walk)
{
    if (walk->length > 0 && walk->kind == CENSUS_STRAY &&
        fault_of(&walk->looks, CENSUS_STRAY, walk->start, walk->length) < 0)
        walk->kind = CENSUS_CLAIMED;
    if (walk->length > 0)
        walk->visit(walk->context, walk->kind, walk->start, walk->length);
    walk->length = 0;
}

static void walk_pages(struct walk *walk, uint64_t page, uint64_t n, unsigned state)
{
    static const enum census_kind kinds[4] = {CENSUS_FREE, CENSUS_STRAY, CENSUS_CLAIMED,
                                              CENSUS_BLOCK};
    enum census_kind kind = kinds[state];
    int goes_on = walk->length > 0 &&
                  (kind == CENSUS_STRAY ? walk->kind == CENSUS_BLOCK || walk->kind == CENSUS_STRAY
                                        : kind != CENSUS_BLOCK && kind == walk->kind);
    if (!goes_on) {
        finish_run(walk);
        walk->kind = kind;
        walk->start = page;
    }
    walk->length += n;
}

void census_walk(const struct view *view, census_visit *visit, void *context)
{
    struct walk walk = {.looks = {view, INTENTS_ASKED}, .visit = visit, .context = context};
    uint64_t limit = view_limit(view);
    uint64_t end = least(limit, view_extent(view));
    for (uint64_t page = 0; page < end;) {
        uint64_t word = view_word(view, word_at(page));
        if (word == 0 && page + LAYOUT_WORD_PAGES <= end) {
            walk_pages(&walk, page, LAYOUT_WORD_PAGES, 0);
            page += LAYOUT_WORD_PAGES;
            continue;
        }
        do {
            walk_pages(&walk, page, 1, state_of(word, bit_at(page)));
        } while (bit_at(++page) != 0 && page < end);
    }
    if (end < limit)
        walk_pages(&walk, end, limit - end, 0);
    finish_run(&walk);
}

/* ---- checking ---- */

struct check {
    struct looks looks;
    census_report *report;
    void *context;
    uint64_t faults;
};

static void say(struct check *check, enum fault fault, uint64_t a, uint64_t b)
{
    check->faults++;
    check->report(check->context, fault, a, b);
}

static void check_run(void *context, enum census_kind kind, uint64_t page, uint64_t n)
{
    struct check *check = context;
    int fault = fault_of(&check->looks, kind, page, n);
    if (fault >= 0)
        say(check, (enum fault)fault, page,
            fault == FAULT_OWNER ? atomic_load(&check->looks.view->tags[page]) : n);
}

/* Pages that nobody can have used. */
static void check_unused(struct check *check)
{
    const struct view *view = check->looks.view;
    uint64_t limit = view_limit(view);
    uint64_t start = least(limit, view_extent(view));
    uint64_t n_words = (view->max_pages + LAYOUT_WORD_PAGES - 1) / LAYOUT_WORD_PAGES;
    for (uint64_t index = word_at(start); index < n_words; index++) {
        uint32_t used = ~word_free(view_word(view, index)) & ~mask_below(index, start);
        if (used == 0)
            continue;
        uint64_t page = index * LAYOUT_WORD_PAGES + mask_lowest(used);
        if (page >= limit)
            say(check, FAULT_BEYOND, page, 0);
        else if (page >= view_extent(view))
            say(check, FAULT_EXTENT, page, view_extent(view));
    }
}

static void check_intent(struct check *check, const struct intent_shm *intent, uint32_t member)
{
    uint64_t state = atomic_load_explicit(&intent->state, memory_order_acquire);
    uint64_t n = atomic_load_explicit(&intent->n_pages, memory_order_acquire);
    unsigned operation = state & 15;
    int longer = operation >= INTENT_CLAIM && operation <= INTENT_RELEASE;
    if (operation > INTENT_PUBLISH || state >> 4 >= check->looks.view->max_pages ||
        (longer && n > check->looks.view->max_pages - (state >> 4)))
        say(check, FAULT_INTENT, member, state);
}

static void check_members(struct check *check)
{
    const struct view *view = check->looks.view;
    uint32_t slots = members_slots_mark(view);
    uint32_t rows = members_rows_mark(view);
    for (uint32_t slot = 0; slot < slots; slot++) {
        uint32_t row = atomic_load_explicit(&view->slots[slot].row, memory_order_relaxed);
        check_intent(check, &view->slots[slot].intent, slot);
        if (atomic_load_explicit(&view->slots[slot].intent.state, memory_order_acquire) !=
                INTENT_IDLE &&
            (row == 0 || row > view->n_rows ||
             atomic_load_explicit(&view->rows[row].ident, memory_order_acquire) == 0))
            say(check, FAULT_SLOT_ROW, slot, row);
    }
    for (uint32_t row = 1; row <= rows; row++)
        check_intent(check, &view->rows[row].spare, LAYOUT_SLOTS + row);
}

uint64_t census_check(const struct view *view, census_report *report, void *context)
{
    struct check check = {.looks = {view, INTENTS_ASKED}, .report = report, .context = context};
    uint64_t limit = atomic_load_explicit(&view->header->limit, memory_order_acquire);
    uint64_t root = atomic_load_explicit(&view->header->root, memory_order_acquire);
    uint64_t pages_offset = view->pages - (uintptr_t)view->header;
    if (limit == 0 || limit > atomic_load_explicit(&view->there, memory_order_relaxed))
        say(&check, FAULT_LIMIT, limit, 0);
    if (root != 0 &&
        (root < pages_offset || (root - pages_offset) >> view->page_shift >= view_limit(view)))
        say(&check, FAULT_ROOT, root, 0);
    census_walk(view, check_run, &check);
    check_unused(&check);
    check_members(&check);
    return check.faults;
}
