#include "core/holder.h"

#include "core/group.h"

/* Of the first HOMES_COMPARED groups with room an own one is taken wherever it is, one of nobody
 * only where few of all groups come before it: it is often one that nobody has used yet, and those
 * who spread over all of a small pool leave no long runs there. */
enum { HOMES_COMPARED = 32, SHARE = 16 };

/* 0: the member has no slot, so that it holds nothing. */
static unsigned number_of(const struct actor *actor)
{
    unsigned slot = actor->tag & 0xFFFF;
    return slot < LAYOUT_SLOTS ? slot + 1 : 0;
}

static unsigned holder_of(const struct view *view, uint64_t group)
{
    return atomic_load_explicit(&view->hints.holder[group], memory_order_relaxed);
}

/* Whether there is a member of that number. */
static int is_member(const struct view *view, unsigned number)
{
    return number != 0 && number <= LAYOUT_SLOTS &&
           atomic_load_explicit(&view->slots[number - 1].ident, memory_order_relaxed) != 0;
}

/* Whether the group is the home of a member, the one of that number. A member has its slot before
 * it says where it is, so that is read first. */
static int is_home_of(const struct view *view, uint64_t group, unsigned number)
{
    if (number == 0 || number > LAYOUT_SLOTS)
        return 0;
    uint64_t home = atomic_load_explicit(&view->slots[number - 1].home, memory_order_seq_cst);
    return home == group + 1 && is_member(view, number);
}

/* Makes a group with this holder the member's home. Two that come at once must not stay in one
 * group, or they are in each other's way until one leaves. So each says first that it comes. Of two
 * that take it from the same holder the swap lets one in; who takes it from a member looks whether
 * that one has come back; who comes back looks whether it is still its own. */
static int take(const struct view *view, const struct actor *actor, uint64_t group, unsigned holder)
{
    uint16_t own = (uint16_t)number_of(actor);
    uint16_t expected = (uint16_t)holder;
    if (own == 0)
        return 1;
    atomic_exchange_explicit(&view->slots[own - 1].home, group + 1, memory_order_seq_cst);
    if (holder == own)
        return atomic_load_explicit(&view->hints.holder[group], memory_order_seq_cst) == own;
    return atomic_compare_exchange_strong_explicit(&view->hints.holder[group], &expected, own,
                                                   memory_order_seq_cst, memory_order_relaxed) &&
           !is_home_of(view, group, holder);
}

static int has_many(const struct view *view, uint64_t number, uint64_t limit)
{
    struct group group;
    unsigned seen = hint_read(&view->hints, number);
    group_load(&group, view, number, limit);
    if (group_count(&group) >= HINT_MANY_PAGES)
        return 1;
    group_lower_hint(view, number, seen, &group);
    return 0;
}

/* The lowest one that is this member's, or nobody's and not far, of the first few from `group` on,
 * or `end`. */
static uint64_t own_home(const struct view *view, const struct actor *actor, uint64_t limit,
                         uint64_t group, uint64_t end)
{
    unsigned own = number_of(actor);
    for (uint64_t i = 0; i < HOMES_COMPARED && group < end; i++) {
        unsigned holder = holder_of(view, group);
        int is_fit = holder == own || (i <= end / SHARE && !is_member(view, holder));
        if (is_fit && has_many(view, group, limit) && take(view, actor, group, holder))
            return group;
        group = hints_find_many(view_hints(view), group + 1);
    }
    return end;
}

/* The lowest one, from `group` on, where no other member takes pages just now. */
static uint64_t any_home(const struct view *view, const struct actor *actor, uint64_t limit,
                         uint64_t group, uint64_t end)
{
    for (; group < end; group = hints_find_many(view_hints(view), group + 1)) {
        unsigned holder = holder_of(view, group);
        if (!is_home_of(view, group, holder) && has_many(view, group, limit) &&
            take(view, actor, group, holder))
            return group;
    }
    return end;
}

uint64_t holder_next_home(const struct view *view, const struct actor *actor, uint64_t limit)
{
    uint64_t end = (limit + LAYOUT_GROUP_PAGES - 1) / LAYOUT_GROUP_PAGES;
    uint64_t first = hints_find_many(view_hints(view), 0);
    uint64_t group = own_home(view, actor, limit, first, end);
    return group < end ? group : any_home(view, actor, limit, first, end);
}

void holder_leave_home(const struct view *view, const struct actor *actor)
{
    if (number_of(actor) != 0)
        atomic_store_explicit(&view->slots[number_of(actor) - 1].home, 0, memory_order_relaxed);
}
