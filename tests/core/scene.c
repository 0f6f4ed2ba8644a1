#include "core/scene.h"

#include <string.h>

#include "core/claim.h"
#include "core/free.h"
#include "core/publish.h"
#include "core/trim.h"
#include "core/used.h"

const char *const act_names[] = {"claim",        "claim in vain", "free",
                                 "free foreign", "free shared",   "reclaim",
                                 "publish",      "take twice",    "trim"};

void scene_make(struct scene *scene, uint64_t n_pages)
{
    bench_make(&scene->bench, n_pages, n_pages + n_pages / 8);
}

void scene_clear(struct scene *scene)
{
    bench_clear(&scene->bench);
    memset(&scene->around, 0, sizeof scene->around);
    scene->bystander = bench_join(&scene->bench, BYSTANDER);
}

static void have_neighbour(struct scene *scene, uint64_t page)
{
    ck_quiet(bench_take(&scene->bench, &scene->bystander, page, 1));
    believe_block(&scene->around, page, 1);
}

void scene_fence(struct scene *scene, uint64_t page, uint64_t n)
{
    if (page > 0)
        have_neighbour(scene, page - 1);
    have_neighbour(scene, page + n);
}

static void have_block_of(struct performance *performance, unsigned process)
{
    struct actor owner = bench_join(performance->bench, process);
    ck_quiet(bench_take(performance->bench, &owner, performance->act->page, performance->act->n));
    members_give_slot(&performance->bench->view, (int)slot_of(&owner));
    performance->tag_before = owner.tag;
}

static void ignore_run(void *context, uint64_t page, uint64_t n)
{
    (void)context;
    (void)page;
    (void)n;
}

void scene_cast(struct scene *scene, struct performance *performance, const struct act *act,
                unsigned process, bool is_spare)
{
    struct bench *bench = &scene->bench;
    *performance = (struct performance){.bench = bench, .act = act};
    performance->actor = is_spare ? bench_spare(bench, process) : bench_join(bench, process);
    switch (act->kind) {
    case ACT_CLAIM:
    case ACT_TAKE_TWICE:
        break;
    case ACT_CLAIM_IN_VAIN:
        have_neighbour(scene, act->page + act->n - 1);
        break;
    case ACT_FREE:
    case ACT_PUBLISH:
        ck_quiet(bench_take(bench, &performance->actor, act->page, act->n));
        performance->tag_before = performance->actor.tag;
        break;
    case ACT_FREE_FOREIGN:
        have_block_of(performance, BYSTANDER);
        break;
    case ACT_FREE_SHARED:
        have_block_of(performance, OWNER);
        performance->tag_before = TAG_SHARED;
        atomic_store(&bench->view.tags[act->page], TAG_SHARED);
        break;
    case ACT_RECLAIM:
        have_block_of(performance, OWNER);
        bench->is_dead[OWNER] = true;
        break;
    case ACT_TRIM:
        used_set(&bench->view, act->page, act->n, ignore_run, NULL);
        break;
    }
}

/* What is given back is this member's alone, and may not be called fresh yet. */
static int give_back(void *context, uint64_t page, uint64_t n)
{
    const struct view *view = &((struct performance *)context)->bench->view;
    for (uint64_t i = page; i < page + n; i++) {
        ck_quiet(word_claimed(atomic_load(&view->words[word_at(i)])) >> bit_at(i) & 1);
        ck_quiet(atomic_load(&view->used[word_at(i)]) >> bit_at(i) & 1);
    }
    return 0;
}

static void give_free_pages_back(struct performance *performance)
{
    const struct act *act = performance->act;
    struct trim trim = {
        .most = act->n, .used_only = 1, .give_back = give_back, .context = performance};
    uint64_t end = act->page + act->n;
    for (uint64_t page = act->page; page < end;)
        page = trim_next(&performance->bench->view, &performance->actor, &trim, page, end);
}

void perform(void *arg)
{
    struct performance *performance = arg;
    const struct view *view = &performance->bench->view;
    struct actor *actor = &performance->actor;
    const struct act *act = performance->act;
    uint64_t freed = act->n;
    performance->has_block = false;
    switch (act->kind) {
    case ACT_TAKE_TWICE:
        if (bench_take(performance->bench, actor, act->page, act->n))
            freed = free_block(view, actor, act->page);
        /* fall through */
    case ACT_CLAIM:
        performance->has_block = bench_take(performance->bench, actor, act->page, act->n);
        break;
    case ACT_CLAIM_IN_VAIN:
        ck_quiet(!bench_take(performance->bench, actor, act->page, act->n));
        break;
    case ACT_FREE:
    case ACT_FREE_FOREIGN:
    case ACT_FREE_SHARED:
        freed = free_block(view, actor, act->page);
        break;
    case ACT_RECLAIM:
        freed = free_if_tagged(view, actor, act->page, performance->tag_before);
        break;
    case ACT_TRIM:
        give_free_pages_back(performance);
        break;
    case ACT_PUBLISH:
        ck_quiet(publish_block(view, actor, act->page, &performance->bench->places[0]) ==
                 PUBLISHED);
        break;
    }
    ck_quiet(freed == act->n);
    performance->finished = true;
}

bool perform_and_end(struct performance *performance, unsigned k, enum ending ending)
{
    const struct view *view = &performance->bench->view;
    struct actor *actor = &performance->actor;
    bool finished = steps_then_death(k, perform, performance);
    if (ending == DEAD_SLOT || ending == DEAD_SPARE)
        performance->bench->is_dead[ident_pid(atomic_load(&view->rows[actor->tag >> 16].ident))] =
            true;
    else if (ending == LOST_SLOT)
        atomic_store(&view->slots[slot_of(actor)].ident, IDENT_ABANDONED);
    else
        atomic_store(&view->rows[actor->tag >> 16].spare_abandoned, 1);
    return finished;
}

bool is_settled(const struct performance *performance)
{
    const struct view *view = &performance->bench->view;
    const struct actor *actor = &performance->actor;
    return atomic_load(&actor->intent->state) == INTENT_IDLE &&
           (slot_of(actor) == TAG_SPARE || atomic_load(&view->slots[slot_of(actor)].ident) == 0);
}

void believe_outcome(const struct performance *performance, struct belief *belief)
{
    const struct bench *bench = performance->bench;
    const struct act *act = performance->act;
    uint32_t tag = atomic_load(&bench->view.tags[act->page]);
    bool is_there = view_is_first(&bench->view, act->page);
    switch (act->kind) {
    case ACT_CLAIM_IN_VAIN:
    case ACT_TRIM:
        return;
    case ACT_PUBLISH:
        ck_quiet(is_there);
        if (atomic_load(&bench->places[0]) == 0)
            ck_quiet(!performance->finished && tag == performance->tag_before);
        else
            ck_quiet(atomic_load(&bench->places[0]) == view_address_of(&bench->view, act->page) &&
                     tag == TAG_SHARED);
        break;
    case ACT_CLAIM:
        /* Before the call returned nobody has the block. */
        is_there = performance->finished && performance->has_block;
        ck_quiet((tag == performance->actor.tag) == is_there);
        break;
    case ACT_TAKE_TWICE:
        is_there = performance->finished ? performance->has_block
                                         : is_there && tag == performance->actor.tag;
        ck_quiet(!is_there || tag == performance->actor.tag);
        break;
    case ACT_FREE:
    case ACT_FREE_FOREIGN:
    case ACT_FREE_SHARED:
    case ACT_RECLAIM:
        /* Another may have the pages since. */
        is_there = is_there && tag == performance->tag_before;
        ck_quiet(!(performance->finished && is_there));
        break;
    }
    if (is_there)
        believe_block(belief, act->page, act->n);
}
