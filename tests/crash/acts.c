#include "crash/acts.h"

#include <errno.h>
#include <shmpool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "family/members.h"
#include "support/child.h"

enum { ALIGN_PAGES = 64 };

/* What stands at the places of the desk: pointers that acts publish to, and blocks. */
enum { PLACE, TAKEN_PLACE, LEGACY_PLACE, FREEING_PLACE, FREED_PLACE };

bool act_is_short(const struct act *act)
{
    return act->n <= LAYOUT_WORD_PAGES && act->scenery != ASTRIDE && act->kind <= ACT_FREE_SHARED;
}

static void *shared_new(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        abort();
    return memory;
}

struct role role_new(const struct act *act)
{
    return (struct role){.act = act,
                         .slate = shared_new(sizeof(struct slate)),
                         .corpse_slate = shared_new(sizeof(struct slate))};
}

void role_drop(struct role *role)
{
    munmap(role->slate, sizeof *role->slate);
    munmap(role->corpse_slate, sizeof *role->corpse_slate);
}

static void *take(uint64_t n)
{
    return shmpool_alloc(arena.id, n * arena.page);
}

/* ---- what the member does ---- */

static void join(shmpool_id pool)
{
    void *block = shmpool_alloc(pool, arena.page);
    CHILD_CHECK(block != NULL);
    CHILD_CHECK(shmpool_free(pool, block) == 0);
}

static void prepare(void *arg)
{
    struct role *role = arg;
    join(role->act->kind == ACT_JOIN ? arena.foyer : arena.id);
    switch (role->act->kind) {
    case ACT_FREE:
    case ACT_PUBLISH:
    case ACT_PUBLISH_RIVAL:
    case ACT_REPLACE:
        role->slate->block = take(role->act->n);
        CHILD_CHECK(role->slate->block != NULL);
        break;
    default:
        break;
    }
}

static void note(struct slate *slate, bool succeeded)
{
    slate->failed = !succeeded;
}

static void note_block(struct slate *slate, void *block)
{
    slate->block = block;
    note(slate, block != NULL);
}

/* Whoever comes too late is refused by that error. */
static void publish(struct slate *slate, void *block, int late)
{
    bool succeeded = shmpool_publish(arena.id, block, (void *)&arena.places[PLACE]) == 0;
    slate->refused = !succeeded && errno == late;
    note(slate, succeeded || slate->refused);
}

static void free_published(struct slate *slate)
{
    uintptr_t block = arena.places[PLACE];
    if (block == 0)
        return;
    arena.places[FREEING_PLACE] = block;
    note(slate, shmpool_free(arena.id, (void *)block) == 0);
    arena.places[FREED_PLACE] = block;
}

static void perform(void *arg)
{
    struct role *role = arg;
    struct slate *slate = role->slate;
    uint64_t n = role->act->n;
    switch (role->act->kind) {
    case ACT_ALLOC:
    case ACT_JOIN:
        note_block(slate, take(n));
        break;
    case ACT_ALLOC_ALIGNED:
        note_block(slate,
                   shmpool_alloc_aligned(arena.id, ALIGN_PAGES * arena.page, n * arena.page));
        break;
    case ACT_FREE:
    case ACT_FREE_FOREIGN:
    case ACT_FREE_SHARED:
        note(slate, shmpool_free(arena.id, slate->block) == 0);
        break;
    case ACT_PUBLISH:
        publish(slate, slate->block, 0);
        break;
    case ACT_PUBLISH_RIVAL:
        publish(slate, slate->block, EEXIST);
        break;
    case ACT_PUBLISH_LEGACY:
        publish(slate, (void *)arena.places[LEGACY_PLACE], ENOENT);
        break;
    case ACT_FREE_PUBLISHED:
        free_published(slate);
        break;
    case ACT_REPLACE:
        if (shmpool_free(arena.id, slate->block) == 0)
            note_block(slate, take(n));
        break;
    case ACT_GROW:
        note(slate, shmpool_grow(arena.id, n * arena.page) == 0);
        break;
    case ACT_TRIM:
        note(slate, shmpool_trim(arena.id) >= 0 || errno == ENOTSUP);
        break;
    case ACT_RECOVER:
        note(slate, shmpool_recover(arena.id) == 0);
        break;
    case ACT_RECLAIM:
        note(slate, shmpool_reclaim(arena.id, 0) > 0);
        break;
    case ACT_LEAVE:
        members_end_thread();
        break;
    case ACT_RELEASE:
        note(slate, shmpool_release(arena.id) == 0);
        break;
    }
}

struct stepper role_start(struct role *role)
{
    struct stepper stepper = stepper_start(prepare, perform, role);
    role->pid = stepper.pid;
    return stepper;
}

bool role_step(const struct role *role, struct stepper *stepper)
{
    return role->act->own ? stepper_step_own(stepper) : stepper_step(stepper);
}

/* ---- what is there before ---- */

static void check(bool right, const char *what)
{
    if (right)
        return;
    fprintf(stderr, "acts: %s: %s\n", what, shmpool_errmsg());
    exit(EXIT_FAILURE);
}

enum { SHORT_LEGACY = 7, LONG_LEGACY = 40 };

static int own_and_end(void *unused)
{
    (void)unused;
    void *block = take(SHORT_LEGACY);
    arena.places[LEGACY_PLACE] = (uintptr_t)block;
    _exit(block != NULL && take(LONG_LEGACY) != NULL ? 0 : 1);
}

static void leave_a_legacy(struct role *role)
{
    role->corpse = child_start(own_and_end, NULL);
    check(child_ok(child_wait(role->corpse)), "blocks of a process that is dead");
}

static void leave_a_corpse(struct role *role)
{
    struct role corpse = {.act = role->act->corpse, .slate = role->corpse_slate};
    struct stepper stepper = role_start(&corpse);
    struct state *before = state_new();
    unsigned change = role->act->change;
    for (state_take(before); change > 0 && stepper_step(&stepper);)
        if (!state_stands(before)) {
            state_take(before);
            change--;
        }
    stepper_kill(&stepper);
    free(before);
    role->corpse = corpse.pid;
}

void role_stage(struct role *role)
{
    const struct act *act = role->act;
    struct slate *slate = role->slate;
    arena_build(act->scenery, act->n);
    *slate = (struct slate){0};
    if (act->kind == ACT_FREE_FOREIGN || act->kind == ACT_FREE_SHARED)
        check((slate->block = take(act->n)) != NULL, "a block");
    if (act->kind == ACT_FREE_SHARED)
        check(shmpool_publish(arena.id, slate->block, (void *)&arena.places[TAKEN_PLACE]) == 0,
              "publish");
    if (act->kind == ACT_RECLAIM)
        leave_a_legacy(role);
    if (act->corpse != NULL)
        leave_a_corpse(role);
    if (act->crowded)
        arena_crowd();
}

/* ---- what there may be ---- */

static void allow(struct allowances *allowances, pid_t owner, uint64_t n, uint64_t page, bool must)
{
    if (allowances->n == MOST_ALLOWANCES)
        abort();
    allowances->of[allowances->n++] = (struct allowance){owner, n, page, must};
}

static void allow_freed(const struct role *role, pid_t owner, bool returned,
                        struct allowances *allowances)
{
    if (!returned)
        allow(allowances, owner, role->act->n, arena_page_of(role->slate->block), false);
}

/* It is the publisher's until it is linked, and gone if another one has freed it since. */
static void allow_published(const struct role *role, bool returned, _Atomic uintptr_t *places,
                            struct allowances *allowances)
{
    uintptr_t block = (uintptr_t)role->slate->block;
    bool shared = places[PLACE] == block || (returned && !role->slate->refused);
    if (places[FREED_PLACE] != block)
        allow(allowances, shared ? OWNER_SHARED : role->pid, role->act->n,
              arena_page_of(role->slate->block), places[FREEING_PLACE] != block);
}

/* It is the dead one's, which is allowed there, or the publisher's until it is linked. */
static void allow_published_legacy(const struct role *role, bool returned,
                                   _Atomic uintptr_t *places, struct allowances *allowances)
{
    uintptr_t block = places[LEGACY_PLACE];
    bool shared = places[PLACE] == block || (returned && !role->slate->refused);
    allow(allowances, shared ? OWNER_SHARED : role->pid, role->act->n, arena_page_of((void *)block),
          shared);
}

static void allow_corpse(const struct role *role, bool returned, _Atomic uintptr_t *places,
                         struct allowances *allowances)
{
    const struct role corpse = {
        .act = role->act->corpse, .slate = role->corpse_slate, .pid = role->corpse};
    if (role->act->corpse != NULL) {
        role_allow(&corpse, false, places, allowances);
    } else if (role->act->kind == ACT_RECLAIM && !returned) {
        allow(allowances, role->corpse, SHORT_LEGACY, NO_PAGE, false);
        allow(allowances, role->corpse, LONG_LEGACY, NO_PAGE, false);
    }
}

void role_allow(const struct role *role, bool returned, _Atomic uintptr_t *places,
                struct allowances *allowances)
{
    const struct act *act = role->act;
    allow_corpse(role, returned, places, allowances);
    switch (act->kind) {
    case ACT_ALLOC:
    case ACT_ALLOC_ALIGNED:
    case ACT_JOIN:
    case ACT_REPLACE:
        allow(allowances, role->pid, act->n, returned ? arena_page_of(role->slate->block) : NO_PAGE,
              returned);
        break;
    case ACT_FREE:
        allow_freed(role, role->pid, returned, allowances);
        break;
    case ACT_FREE_FOREIGN:
        allow_freed(role, getpid(), returned, allowances);
        break;
    case ACT_FREE_SHARED:
        allow_freed(role, OWNER_SHARED, returned, allowances);
        break;
    case ACT_PUBLISH:
    case ACT_PUBLISH_RIVAL:
        allow_published(role, returned, places, allowances);
        break;
    case ACT_PUBLISH_LEGACY:
        allow_published_legacy(role, returned, places, allowances);
        break;
    case ACT_FREE_PUBLISHED:
    case ACT_GROW:
    case ACT_TRIM:
    case ACT_RECOVER:
    case ACT_RECLAIM:
    case ACT_LEAVE:
    case ACT_RELEASE:
        break;
    }
}
