#include "core/recovery.h"

#include <string.h>

#include "core/free.h"
#include "core/members.h"

/* Members are numbered: slots first, then each row's spare intent. */
enum { SPARES = LAYOUT_SLOTS, MEMBERS = LAYOUT_SLOTS + LAYOUT_ROWS_LIMIT + 1 };

/* What a pass may look at, members and words together: about a quarter of a second. Tables that
 * somebody damaged can ask for days; what is left over stays pending. */
#define PASS_LOOKS (INT64_C(1) << 26)

struct pass {
    const struct view *view;
    const struct recovery_world *world;
    unsigned pending;
    int64_t looks_left;
    uint64_t dead[MEMBERS / 64 + 1]; /* decided once, for the whole pass */
};

enum orphan { ORPHAN_NO, ORPHAN_YES, ORPHAN_PENDING };

static struct intent_shm *intent_of_member(const struct view *view, uint32_t member)
{
    return member < SPARES ? &view->slots[member].intent : &view->rows[member - SPARES].spare;
}

static uint32_t row_of_member(const struct view *view, uint32_t member)
{
    return member < SPARES ? atomic_load_explicit(&view->slots[member].row, memory_order_relaxed)
                           : member - SPARES;
}

static uint32_t tag_of_member(const struct view *view, uint32_t member)
{
    return row_of_member(view, member) << 16 | (member < SPARES ? member : TAG_SPARE);
}

static int is_dead(const struct pass *pass, uint32_t member)
{
    return (int)(pass->dead[member / 64] >> member % 64 & 1);
}

/* The next member that may be at work, from `member` on; the marks are read anew at each step over
 * them, after the watch or the mark that the caller set before. */
static uint32_t next_member(const struct view *view, uint32_t member)
{
    if (member <= SPARES && member >= members_slots_mark(view))
        member = SPARES + 1;
    if (member > SPARES && member > SPARES + members_rows_mark(view))
        return MEMBERS;
    return member;
}

#define FOR_EACH_MEMBER(view, member)                                                              \
    for (uint32_t member = next_member((view), 0); member < MEMBERS;                               \
         member = next_member((view), member + 1))

static enum intent_operation operation_of(uint64_t state)
{
    return (enum intent_operation)(state & 15);
}

static uint64_t page_of(uint64_t state)
{
    return state >> 4;
}

static int is_longer(enum intent_operation operation)
{
    return operation >= INTENT_CLAIM && operation <= INTENT_RELEASE;
}

static int is_inside(const struct view *view, uint64_t page, uint64_t n)
{
    return page < view->max_pages && n > 0 && n <= view->max_pages - page;
}

/* ---- the lock ---- */

int recovery_begin(const struct view *view, uint64_t ident, const struct recovery_world *world)
{
    uint64_t holder = atomic_load_explicit(&view->header->lock, memory_order_acquire);
    if (holder != 0 && (holder == ident || !world->is_dead(world->context, holder)))
        return 0;
    return atomic_compare_exchange_strong_explicit(&view->header->lock, &holder, ident,
                                                   memory_order_acq_rel, memory_order_relaxed);
}

void recovery_end(const struct view *view)
{
    atomic_store_explicit(&view->header->lock, 0, memory_order_release);
}

/* ---- who is dead ---- */

static int ident_is_dead(const struct pass *pass, uint64_t ident)
{
    return ident == IDENT_ABANDONED || pass->world->is_dead(pass->world->context, ident);
}

static int spare_is_dead(const struct pass *pass, const struct row_shm *row)
{
    if (atomic_load_explicit(&row->spare_abandoned, memory_order_acquire) != 0)
        return 1;
    if (atomic_load_explicit(&row->spare.state, memory_order_acquire) == INTENT_IDLE)
        return 0;
    uint64_t ident = atomic_load_explicit(&row->ident, memory_order_acquire);
    return ident != 0 && ident_is_dead(pass, ident);
}

static int member_is_dead(const struct pass *pass, uint32_t member)
{
    if (member >= SPARES)
        return spare_is_dead(pass, &pass->view->rows[member - SPARES]);
    uint64_t ident = atomic_load_explicit(&pass->view->slots[member].ident, memory_order_acquire);
    return ident != 0 && ident_is_dead(pass, ident);
}

static void resolve(struct pass *pass, uint32_t member)
{
    const struct view *view = pass->view;
    atomic_store_explicit(&intent_of_member(view, member)->state, INTENT_IDLE,
                          memory_order_release);
    pass->dead[member / 64] &= ~(UINT64_C(1) << member % 64);
    if (member < SPARES)
        members_give_slot(view, (int)member);
    else
        atomic_store_explicit(&view->rows[member - SPARES].spare_abandoned, 0,
                              memory_order_release);
}

static void set_intent(const struct pass *pass, uint32_t member, enum intent_operation operation,
                       uint64_t page)
{
    atomic_exchange_explicit(&intent_of_member(pass->view, member)->state,
                             intent_of(operation, page), memory_order_seq_cst);
}

/* ---- ORPHAN ---- */

/* Whether another member's intent at this page puts the block in doubt. */
static int in_doubt(struct pass *pass, uint32_t self, uint64_t page, int self_is_longer)
{
    FOR_EACH_MEMBER(pass->view, member)
    {
        pass->looks_left--;
        if (member == self)
            continue;
        uint64_t state = atomic_load_explicit(&intent_of_member(pass->view, member)->state,
                                              memory_order_acquire);
        enum intent_operation operation = operation_of(state);
        if (operation == INTENT_IDLE || page_of(state) != page)
            continue;
        if (!is_dead(pass, member) || operation == INTENT_COMMIT || operation == INTENT_DROP ||
            (operation == INTENT_FREEM && !self_is_longer))
            return 1;
    }
    return 0;
}

/* Whether the block at page belongs to nobody: nobody alive has it and nobody will. Any tag that a
 * living member stores destroys the mark. */
static enum orphan find_orphan(struct pass *pass, uint32_t member, uint64_t page, int longer,
                               uint64_t *word)
{
    _Atomic uint32_t *place = &pass->view->tags[page];
    uint32_t tag = atomic_load_explicit(place, memory_order_acquire);
    if (tag != TAG_NOBODY && tag != TAG_MARK && tag != tag_of_member(pass->view, member))
        return ORPHAN_NO;
    if (!atomic_compare_exchange_strong_explicit(place, &tag, TAG_MARK, memory_order_acq_rel,
                                                 memory_order_relaxed))
        return ORPHAN_PENDING;
    if (in_doubt(pass, member, page, longer))
        return ORPHAN_PENDING;
    *word = view_word(pass->view, word_at(page));
    if (!(word_first(*word) >> bit_at(page) & 1))
        return ORPHAN_NO;
    if (in_doubt(pass, member, page, longer))
        return ORPHAN_PENDING;
    return atomic_load_explicit(place, memory_order_acquire) == TAG_MARK ? ORPHAN_YES
                                                                         : ORPHAN_PENDING;
}

/* ---- phases A to D, each for one dead member ---- */

/* The range is the dead member's alone: what is not claimed yet becomes so. */
static void finish_drop(struct pass *pass, uint32_t member, uint64_t page)
{
    const struct view *view = pass->view;
    uint64_t n =
        atomic_load_explicit(&intent_of_member(view, member)->n_pages, memory_order_relaxed);
    if (!is_inside(view, page, n)) {
        resolve(pass, member);
        return;
    }
    for (uint64_t index = word_at(page); index <= word_at(page + n - 1); index++) {
        pass->looks_left--;
        uint32_t mask = mask_in(index, page, n);
        uint64_t change = (view_word(view, index) & bits_both(mask)) ^ bits_claimed(mask);
        if (change != 0)
            atomic_fetch_xor_explicit(&view->words[index], change, memory_order_acq_rel);
    }
    set_intent(pass, member, INTENT_RELEASE, page);
}

static void phase_exclusive(struct pass *pass, uint32_t member, uint64_t state)
{
    uint64_t page = page_of(state);
    if (operation_of(state) == INTENT_COMMIT) {
        if (page < pass->view->max_pages)
            atomic_store_explicit(&pass->view->tags[page], TAG_NOBODY, memory_order_release);
        set_intent(pass, member, INTENT_DROP, page);
        finish_drop(pass, member, page);
    } else if (operation_of(state) == INTENT_DROP) {
        finish_drop(pass, member, page);
    }
}

static void recover_publish(struct pass *pass, uint32_t member)
{
    const struct view *view = pass->view;
    const struct intent_shm *intent = intent_of_member(view, member);
    uint64_t page = atomic_load_explicit(&intent->publish_block, memory_order_relaxed);
    uint64_t address = atomic_load_explicit(&intent->publish_where, memory_order_relaxed);
    uint32_t tag = tag_of_member(view, member);
    if (page < view->max_pages) {
        _Atomic uintptr_t *where = pass->world->reach(pass->world->context, address);
        if (where == NULL) {
            pass->pending++;
            return;
        }
        if (atomic_load_explicit(where, memory_order_acquire) == view_address_of(view, page))
            atomic_compare_exchange_strong_explicit(&view->tags[page], &tag, TAG_SHARED,
                                                    memory_order_acq_rel, memory_order_relaxed);
    }
    resolve(pass, member);
}

static void recover_long_free(struct pass *pass, uint32_t member, uint64_t page)
{
    uint64_t word;
    switch (find_orphan(pass, member, page, 1, &word)) {
    case ORPHAN_PENDING:
        pass->pending++;
        return;
    case ORPHAN_NO:
        resolve(pass, member);
        return;
    case ORPHAN_YES:
        atomic_store_explicit(&intent_of_member(pass->view, member)->n_pages,
                              view_block_length(pass->view, page), memory_order_relaxed);
        set_intent(pass, member, INTENT_DROP, page);
        finish_drop(pass, member, page);
    }
}

static void phase_publish_and_long_free(struct pass *pass, uint32_t member, uint64_t state)
{
    if (operation_of(state) == INTENT_PUBLISH)
        recover_publish(pass, member);
    else if (operation_of(state) == INTENT_FREEM && page_of(state) < pass->view->max_pages)
        recover_long_free(pass, member, page_of(state));
    else if (operation_of(state) == INTENT_FREEM)
        resolve(pass, member);
}

static void phase_one_word(struct pass *pass, uint32_t member, uint64_t state)
{
    const struct view *view = pass->view;
    uint64_t page = page_of(state);
    uint64_t word;
    if (operation_of(state) != INTENT_ALLOC1 && operation_of(state) != INTENT_FREE1)
        return;
    if (page < view->max_pages) {
        enum orphan orphan = find_orphan(pass, member, page, 0, &word);
        if (orphan == ORPHAN_PENDING) {
            pass->pending++;
            return;
        }
        if (orphan == ORPHAN_YES) {
            unsigned n = word_block_length(word, bit_at(page));
            atomic_fetch_and_explicit(&view->words[word_at(page)],
                                      ~bits_both(mask_of(bit_at(page), n)), memory_order_acq_rel);
            free_hint(view, page, n);
        }
    }
    resolve(pass, member);
}

/* Pages of a word that other members' longer operations cover: of living ones they are in doubt, of
 * dead ones whose range is theirs alone they are that one's matter. */
static void look_at_others(struct pass *pass, uint32_t self, uint64_t index, uint32_t *doubt,
                           uint32_t *theirs)
{
    const struct view *view = pass->view;
    *doubt = *theirs = 0;
    FOR_EACH_MEMBER(view, member)
    {
        pass->looks_left--;
        if (member == self)
            continue;
        const struct intent_shm *intent = intent_of_member(view, member);
        uint64_t state = atomic_load_explicit(&intent->state, memory_order_seq_cst);
        uint64_t n = atomic_load_explicit(&intent->n_pages, memory_order_seq_cst);
        uint64_t page = page_of(state);
        enum intent_operation operation = operation_of(state);
        if (!is_longer(operation) || !is_inside(view, page, n) || word_at(page) > index ||
            word_at(page + n - 1) < index)
            continue;
        if (!is_dead(pass, member))
            *doubt |= mask_in(index, page, n);
        else if (operation == INTENT_COMMIT || operation == INTENT_DROP)
            *theirs |= mask_in(index, page, n);
    }
}

/* Frees the claimed pages of mask in one word that are the dead member's. 0 when some stay in
 * doubt. Where none is claimed none is the dead one's, whoever else is at work there. */
static int release_word(struct pass *pass, uint32_t member, uint64_t index, uint32_t mask)
{
    const struct view *view = pass->view;
    _Atomic uint64_t *watch = &view->header->watch;
    pass->looks_left--;
    if ((word_claimed(view_word(view, index)) & mask) == 0)
        return 1;
    for (int look = 0; look < 2 && pass->looks_left > 0; look++) {
        uint32_t doubt;
        uint32_t theirs;
        atomic_exchange_explicit(watch, index + 1, memory_order_seq_cst);
        look_at_others(pass, member, index, &doubt, &theirs);
        uint32_t claimed = word_claimed(view_word(view, index)) & mask & ~theirs;
        uint32_t act = claimed & ~doubt;
        if (act != 0 && atomic_load_explicit(watch, memory_order_acquire) != index + 1)
            continue;
        if (act != 0)
            atomic_fetch_and_explicit(&view->words[index], ~bits_claimed(act),
                                      memory_order_acq_rel);
        atomic_store_explicit(watch, 0, memory_order_release);
        return (claimed & doubt) == 0;
    }
    atomic_store_explicit(watch, 0, memory_order_release);
    return 0;
}

static void phase_claims(struct pass *pass, uint32_t member, uint64_t state)
{
    const struct view *view = pass->view;
    uint64_t page = page_of(state);
    uint64_t n =
        atomic_load_explicit(&intent_of_member(view, member)->n_pages, memory_order_relaxed);
    enum intent_operation operation = operation_of(state);
    int settled = 1;
    if (operation != INTENT_IDLE && operation != INTENT_CLAIM && operation != INTENT_RELEASE)
        return;
    if (operation != INTENT_IDLE && is_inside(view, page, n)) {
        for (uint64_t index = word_at(page); index <= word_at(page + n - 1); index++)
            settled &= release_word(pass, member, index, mask_in(index, page, n));
        free_hint(view, page, n);
    }
    if (settled)
        resolve(pass, member);
    else
        pass->pending++;
}

/* ---- the pass ---- */

static void run_phase(struct pass *pass,
                      void (*phase)(struct pass *pass, uint32_t member, uint64_t state))
{
    FOR_EACH_MEMBER(pass->view, member)
    {
        if (!is_dead(pass, member))
            continue;
        if (pass->looks_left > 0)
            phase(pass, member,
                  atomic_load_explicit(&intent_of_member(pass->view, member)->state,
                                       memory_order_acquire));
        else
            pass->pending++;
    }
}

/* An operation that no version knows: bytes that somebody damaged. There is nothing to undo. */
static void phase_unknown(struct pass *pass, uint32_t member, uint64_t state)
{
    if (operation_of(state) > INTENT_PUBLISH)
        resolve(pass, member);
}

unsigned recovery_pass(const struct view *view, const struct recovery_world *world)
{
    struct pass pass = {.view = view, .world = world, .looks_left = PASS_LOOKS};
    int any = 0;
    FOR_EACH_MEMBER(view, member)
    {
        if (member_is_dead(&pass, member)) {
            pass.dead[member / 64] |= UINT64_C(1) << member % 64;
            any = 1;
        }
    }
    if (!any)
        return 0;
    /* A recoverer that died left it, on a word that may need no look any more. */
    atomic_store_explicit(&view->header->watch, 0, memory_order_release);
    run_phase(&pass, phase_unknown);
    run_phase(&pass, phase_exclusive);
    run_phase(&pass, phase_publish_and_long_free);
    run_phase(&pass, phase_one_word);
    run_phase(&pass, phase_claims);
    return pass.pending;
}

/* ---- blocks and rows of the dead ---- */

static int row_is_settled(const struct view *view, uint32_t row)
{
    uint32_t mark = members_slots_mark(view);
    for (uint32_t slot = 0; slot < mark; slot++)
        if (atomic_load_explicit(&view->slots[slot].ident, memory_order_acquire) != 0 &&
            atomic_load_explicit(&view->slots[slot].row, memory_order_relaxed) == row)
            return 0;
    return atomic_load_explicit(&view->rows[row].spare.state, memory_order_acquire) ==
               INTENT_IDLE &&
           atomic_load_explicit(&view->rows[row].spare_abandoned, memory_order_acquire) == 0;
}

/* Calls visit for the first page of each block, with its tag. */
static void for_each_block(const struct view *view,
                           void (*visit)(void *context, uint64_t page, uint32_t tag), void *context)
{
    uint64_t limit = view_limit_of_tables(view);
    uint64_t extent = view_extent(view);
    if (limit > extent)
        limit = extent;
    for (uint64_t index = 0; index * LAYOUT_WORD_PAGES < limit; index++) {
        uint32_t first = word_first(view_word(view, index)) & mask_below(index, limit);
        for (; first != 0; first &= first - 1) {
            uint64_t page = index * LAYOUT_WORD_PAGES + mask_lowest(first);
            visit(context, page, atomic_load_explicit(&view->tags[page], memory_order_acquire));
        }
    }
}

static uint32_t owner_row(const struct view *view, uint32_t tag)
{
    uint32_t row = tag >> 16;
    return tag == TAG_MARK || tag == TAG_SHARED || row > view->n_rows ? 0 : row;
}

struct reclaim {
    const struct view *view;
    const struct actor *actor;
    uint64_t wanted[LAYOUT_ROWS_LIMIT / 64 + 1];
    int64_t freed;
};

/* The root is how others find their way in: its block is shared, if not published. */
static int holds_root(const struct view *view, uint64_t page)
{
    uint64_t root = atomic_load_explicit(&view->header->root, memory_order_acquire);
    uint64_t start = view_address_of(view, page) - (uintptr_t)view->header;
    return root >= start && (root - start) >> view->page_shift < view_block_length(view, page);
}

static void reclaim_block(void *context, uint64_t page, uint32_t tag)
{
    struct reclaim *reclaim = context;
    uint32_t row = owner_row(reclaim->view, tag);
    if (row != 0 && reclaim->wanted[row / 64] >> row % 64 & 1 && !holds_root(reclaim->view, page))
        reclaim->freed += (int64_t)free_if_tagged(reclaim->view, reclaim->actor, page, tag);
}

int64_t recovery_reclaim(const struct view *view, const struct actor *actor,
                         int (*wanted)(void *context, uint32_t row), void *context)
{
    struct reclaim reclaim = {.view = view, .actor = actor};
    uint32_t mark = members_rows_mark(view);
    int any = 0;
    for (uint32_t row = 1; row <= mark; row++) {
        if (!wanted(context, row))
            continue;
        if (!row_is_settled(view, row))
            return RECLAIM_PENDING;
        reclaim.wanted[row / 64] |= UINT64_C(1) << row % 64;
        any = 1;
    }
    if (any)
        for_each_block(view, reclaim_block, &reclaim);
    return reclaim.freed;
}

struct sweep {
    const struct view *view;
    uint64_t used[LAYOUT_ROWS_LIMIT / 64 + 1];
};

static void note_row(void *context, uint64_t page, uint32_t tag)
{
    struct sweep *sweep = context;
    uint32_t row = owner_row(sweep->view, tag);
    (void)page;
    sweep->used[row / 64] |= UINT64_C(1) << row % 64;
}

unsigned recovery_sweep_rows(const struct view *view, const struct recovery_world *world)
{
    struct sweep sweep = {.view = view};
    uint64_t dead[LAYOUT_ROWS_LIMIT / 64 + 1];
    uint32_t mark = members_rows_mark(view);
    unsigned given_back = 0;
    memset(dead, 0, sizeof dead);
    /* Dead before the scan: afterwards no tag with the row's number can appear. */
    for (uint32_t row = 1; row <= mark; row++) {
        uint64_t ident = atomic_load_explicit(&view->rows[row].ident, memory_order_acquire);
        if (ident != 0 && world->is_dead(world->context, ident) && row_is_settled(view, row))
            dead[row / 64] |= UINT64_C(1) << row % 64;
    }
    for_each_block(view, note_row, &sweep);
    for (uint32_t row = 1; row <= mark; row++)
        if ((dead[row / 64] & ~sweep.used[row / 64]) >> row % 64 & 1) {
            atomic_store_explicit(&view->rows[row].ident, 0, memory_order_release);
            given_back++;
        }
    return given_back;
}
