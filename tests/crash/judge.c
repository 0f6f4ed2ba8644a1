#include "crash/judge.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/census.h"
#include "core/members.h"
#include "core/recovery.h"

enum { MOST_COMPLAINTS = 20 };

static struct copy copy;
static const struct cast *players; /* of the judgement under way, for the world of recovery */
static int complaints;
static uint64_t outcome;

void judge_begin(void)
{
    copy_make(&copy);
}

bool faults_none(const struct faults *faults)
{
    return faults->lost + faults->doubled + faults->blocked + faults->disorder == 0;
}

struct faults faults_sum(struct faults a, struct faults b)
{
    return (struct faults){a.lost + b.lost, a.doubled + b.doubled, a.blocked + b.blocked,
                           a.disorder + b.disorder};
}

/* ---- the world of the copy ---- */

static bool is_alive(pid_t pid)
{
    if (pid == getpid())
        return true;
    for (int i = 0; i < players->n; i++)
        if (players->role[i]->pid == pid)
            return !players->dead[i];
    return false;
}

static int is_dead(void *unused, uint64_t ident)
{
    (void)unused;
    return !is_alive((pid_t)ident_pid(ident));
}

static _Atomic uintptr_t *reach(void *unused, uint64_t where)
{
    (void)unused;
    return &copy.places[(where - (uintptr_t)arena.places) / sizeof *copy.places];
}

static const struct recovery_world world = {.is_dead = is_dead, .reach = reach};

static int is_dead_row(void *unused, uint32_t row)
{
    (void)unused;
    uint64_t ident = atomic_load(&copy.view.rows[row].ident);
    return ident != 0 && is_dead(NULL, ident);
}

/* ---- comparing ---- */

struct comparison {
    const struct view *view;
    uint64_t left[ARENA_WORDS]; /* the words, less the blocks that may be there */
    struct allowances allowances;
    struct faults faults;
};

static pid_t owner_of(const struct view *view, uint64_t page)
{
    uint32_t tag = atomic_load(&view->tags[page]);
    if (tag == TAG_SHARED)
        return OWNER_SHARED;
    if (tag == TAG_NOBODY || tag == TAG_MARK || tag >> 16 > view->n_rows)
        return -1;
    return (pid_t)ident_pid(atomic_load(&view->rows[tag >> 16].ident));
}

static bool is_of_scenery(uint64_t page)
{
    return word_first(arena.bare[word_at(page)]) >> bit_at(page) & 1;
}

static void take_away(struct comparison *comparison, uint64_t page, uint64_t n)
{
    for (uint64_t index = word_at(page); index <= word_at(page + n - 1); index++)
        comparison->left[index] &= ~bits_both(mask_in(index, page, n));
}

/* The allowance that explains the block is used up. */
static bool is_allowed(struct comparison *comparison, uint64_t page, uint64_t n)
{
    pid_t owner = owner_of(comparison->view, page);
    for (int i = 0; i < comparison->allowances.n; i++) {
        struct allowance *allowance = &comparison->allowances.of[i];
        if (allowance->owner != owner || allowance->n != n ||
            (allowance->page != NO_PAGE && allowance->page != page))
            continue;
        *allowance = comparison->allowances.of[--comparison->allowances.n];
        return true;
    }
    return false;
}

static void compare_blocks(struct comparison *comparison)
{
    for (uint64_t page = 0; page < ARENA_PAGES; page++) {
        if (!view_is_first(comparison->view, page))
            continue;
        if (is_of_scenery(page)) {
            comparison->faults.doubled += owner_of(comparison->view, page) != getpid();
            continue;
        }
        uint64_t n = view_block_length(comparison->view, page);
        if (is_allowed(comparison, page, n))
            take_away(comparison, page, n);
    }
    for (int i = 0; i < comparison->allowances.n; i++)
        if (comparison->allowances.of[i].must)
            comparison->faults.doubled += comparison->allowances.of[i].n;
}

/* A tag is left where a block begins, and nowhere else: it would be taken for the next one's. */
static void compare_tags(struct comparison *comparison)
{
    const struct view *view = comparison->view;
    for (uint64_t page = 0; page < ARENA_PAGES; page++) {
        uint32_t tag = atomic_load(&view->tags[page]);
        comparison->faults.disorder +=
            tag != TAG_NOBODY && tag != TAG_MARK && !view_is_first(view, page);
    }
}

static void compare_words(struct comparison *comparison)
{
    for (uint64_t i = 0; i < ARENA_WORDS; i++) {
        uint64_t bare = arena.bare[i];
        uint64_t left = comparison->left[i];
        uint32_t used = ~word_free(left);
        uint32_t changed = (uint32_t)(bare ^ left) | (uint32_t)((bare ^ left) >> 32);
        comparison->faults.lost += mask_count(used & word_free(bare));
        comparison->faults.doubled += mask_count(changed & ~word_free(bare));
    }
}

/* Nobody but the living has a slot, and nobody is in the middle of anything. */
static void compare_members(struct comparison *comparison)
{
    const struct view *view = comparison->view;
    for (uint32_t slot = 0; slot < members_slots_mark(view); slot++) {
        uint64_t ident = atomic_load(&view->slots[slot].ident);
        comparison->faults.blocked += ident != 0 && is_dead(NULL, ident);
        comparison->faults.disorder += atomic_load(&view->slots[slot].intent.state) != INTENT_IDLE;
    }
    for (uint32_t row = 1; row <= members_rows_mark(view); row++) {
        comparison->faults.disorder += atomic_load(&view->rows[row].spare.state) != INTENT_IDLE;
        comparison->faults.disorder += atomic_load(&view->rows[row].spare_abandoned) != 0;
    }
    comparison->faults.disorder += atomic_load(&view->header->watch) != 0;
    comparison->faults.disorder += atomic_load(&view->header->lock) != 0;
}

static void complain(const struct faults *faults, const char *where, const char *after)
{
    if (faults_none(faults) || complaints++ >= MOST_COMPLAINTS)
        return;
    fprintf(stderr, "%s, %s: lost=%llu double=%llu blocked=%llu disorder=%llu\n", where, after,
            (unsigned long long)faults->lost, (unsigned long long)faults->doubled,
            (unsigned long long)faults->blocked, (unsigned long long)faults->disorder);
}

/* After a reclaim the dead own nothing. */
static void drop_the_dead(struct allowances *allowances)
{
    int n = 0;
    for (int i = 0; i < allowances->n; i++)
        if (allowances->of[i].owner == OWNER_SHARED || is_alive(allowances->of[i].owner))
            allowances->of[n++] = allowances->of[i];
    allowances->n = n;
}

static struct faults compare(const struct view *view, _Atomic uintptr_t *places, bool reclaimed,
                             const char *where)
{
    struct comparison comparison = {.view = view};
    for (int i = 0; i < players->n; i++)
        role_allow(players->role[i], players->returned[i], places, &comparison.allowances);
    if (reclaimed)
        drop_the_dead(&comparison.allowances);
    for (uint64_t i = 0; i < ARENA_WORDS; i++)
        comparison.left[i] = view_word(view, i);
    compare_blocks(&comparison);
    compare_words(&comparison);
    compare_tags(&comparison);
    compare_members(&comparison);
    complain(&comparison.faults, where, reclaimed ? "after reclaim" : "after recovery");
    return comparison.faults;
}

static void ignore_report(void *unused, enum fault fault, uint64_t a, uint64_t b)
{
    (void)unused;
    (void)fault;
    (void)a;
    (void)b;
}

static struct faults check(const char *where)
{
    struct faults faults = {.disorder = census_check(&copy.view, ignore_report, NULL)};
    complain(&faults, where, "by the check");
    return faults;
}

/* ---- judging ---- */

static struct faults recover_copy(const char *where)
{
    struct faults faults = {0};
    if (!recovery_begin(&copy.view, arena.ident, &world)) {
        faults.blocked++;
    } else {
        faults.blocked += recovery_pass(&copy.view, &world);
        recovery_end(&copy.view);
    }
    complain(&faults, where, "by recovery");
    return faults;
}

static struct faults reclaim_copy(const char *where)
{
    struct faults faults = {0};
    struct actor actor =
        actor_new(&copy.view.slots[0].intent, atomic_load(&copy.view.slots[0].row) << 16);
    faults.blocked += recovery_reclaim(&copy.view, &actor, is_dead_row, NULL) == RECLAIM_PENDING;
    complain(&faults, where, "by reclaim");
    return faults;
}

/* FNV-1a, by 64 bits. */
static void mix(uint64_t value)
{
    outcome = (outcome ^ value) * UINT64_C(0x100000001b3);
}

static void note_outcome(void)
{
    outcome = UINT64_C(0xcbf29ce484222325);
    for (uint64_t i = 0; i < ARENA_WORDS; i++)
        mix(view_word(&copy.view, i));
    for (uint64_t page = 0; page < ARENA_PAGES; page++)
        if (view_is_first(&copy.view, page))
            mix((uint64_t)owner_of(&copy.view, page));
    for (int i = 0; i < ARENA_PLACES; i++)
        mix(copy.places[i]);
}

uint64_t judge_outcome(void)
{
    return outcome;
}

struct faults judge_state(const struct state *state, const struct cast *cast, const char *where)
{
    players = cast;
    copy_fill(&copy, state);
    struct faults faults = recover_copy(where);
    note_outcome();
    faults = faults_sum(faults, compare(&copy.view, copy.places, false, where));
    faults = faults_sum(faults, check(where));
    faults = faults_sum(faults, reclaim_copy(where));
    return faults_sum(faults, compare(&copy.view, copy.places, true, where));
}

struct faults judge_pool(const struct cast *cast, const char *where)
{
    players = cast;
    return compare(arena.view, arena.places, true, where);
}
