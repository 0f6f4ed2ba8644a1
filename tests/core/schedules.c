/* Members and recoverers in random turns, and death at random accesses.
 *
 * Each actor is a coroutine; before each access to shared memory the dice may let another one go
 * on, or let this one die where it is. A few pages are fought over, so that operations meet at one
 * page again and again. Beside the pool a ledger is kept of who was handed which page: nobody may
 * be handed a page that somebody has, and at rest, when the dead are recovered, there are the
 * blocks of the ledger and nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include "core/core_deaths.h"
#include "core/free.h"
#include "core/scene.h"
#include "support/random.h"
#include "support/sanitized.h"

enum {
    MEMBERS = 4,
    RECOVERERS = 2,
    ACTORS = MEMBERS + RECOVERERS,
    JANITOR = ACTORS + 1, /* a process that comes when all have ended */
    PAGES = 64,
    HELD = 4,
    CALLS = 5,       /* of a member */
    PASSES = 3,      /* of a recoverer */
    TURN = 4,        /* accesses, about, before another one goes on */
    LIFE = 40,       /* accesses, about, before one dies */
    STACK = 1 << 17, /* bytes */
    RUNS = 50000     /* unless SCHEDULES says otherwise */
};

struct block {
    uint64_t page;
    uint64_t n; /* 0: none */
};

struct player {
    ucontext_t context;
    void *stack;
    bool ended; /* came to its end, or is dead */
    bool dead;
    struct actor actor;
    struct block held[HELD];
    struct block in_hand; /* of the call under way */
    bool takes;           /* which is an allocation */
};

static struct bench bench;
static struct random dice;
static struct player players[ACTORS];
static struct player *now; /* who is on; NULL: the director */
static ucontext_t director;
static unsigned ledger[PAGES]; /* player + 1 */

static const struct block palette[] = {{30, 1}, {30, 2}, {31, 1}, {31, 2}, {30, 4}};

static unsigned process_of(const struct player *player)
{
    return (unsigned)(player - players) + 1;
}

static bool one_in(uint64_t n)
{
    return random_between(&dice, 1, n) == 1;
}

/* ---- turns ---- */

static void leave(void)
{
    struct player *player = now;
    now = NULL;
    swapcontext(&player->context, &director);
}

static void end(bool dead)
{
    now->ended = true;
    now->dead = dead;
    bench.is_dead[process_of(now)] = dead;
    leave();
}

static void before_access(bool changes)
{
    (void)changes;
    if (now == NULL)
        return;
    if (one_in(LIFE) && now != &players[ACTORS - 1])
        end(true);
    else if (one_in(TURN))
        leave();
}

/* ---- what members do ---- */

static void enter_into_ledger(const struct player *player, struct block block)
{
    for (uint64_t page = block.page; page < block.page + block.n; page++) {
        ck_quiet(ledger[page] == 0);
        ledger[page] = process_of(player);
    }
}

static void strike_from_ledger(struct block block)
{
    for (uint64_t page = block.page; page < block.page + block.n; page++)
        ledger[page] = 0;
}

static struct block *free_hand(struct player *player)
{
    for (int i = 0; i < HELD; i++)
        if (player->held[i].n == 0)
            return &player->held[i];
    return NULL;
}

/* A block that it took is its own, or it hands it to somebody else, who frees it then. */
static void hold(struct player *player, struct block block)
{
    struct player *other = &players[random_between(&dice, 0, MEMBERS - 1)];
    struct block *hand = one_in(3) && !other->ended ? free_hand(other) : NULL;
    if (hand == NULL)
        hand = free_hand(player);
    *hand = block;
}

static void take(struct player *player)
{
    struct block block = palette[random_between(&dice, 0, sizeof palette / sizeof *palette - 1)];
    player->in_hand = block;
    player->takes = true;
    if (bench_take(&bench, &player->actor, block.page, block.n)) {
        enter_into_ledger(player, block);
        hold(player, block);
    }
    player->in_hand.n = 0;
}

static void give(struct player *player, struct block *held)
{
    struct block block = *held;
    player->in_hand = block;
    player->takes = false;
    held->n = 0;
    strike_from_ledger(block);
    ck_quiet(free_block(&bench.view, &player->actor, block.page) == block.n);
    player->in_hand.n = 0;
}

static void live(void)
{
    struct player *player = now;
    player->actor = bench_join(&bench, process_of(player));
    for (int i = 0; i < CALLS; i++) {
        struct block *held = &player->held[random_between(&dice, 0, HELD - 1)];
        if (held->n != 0)
            give(player, held);
        else if (free_hand(player) != NULL)
            take(player);
    }
    end(false);
}

static void recover(void)
{
    uint64_t ident = bench_ident(process_of(now));
    for (int i = 0; i < PASSES; i++)
        if (recovery_begin(&bench.view, ident, &bench.world)) {
            recovery_pass(&bench.view, &bench.world);
            recovery_end(&bench.view);
        }
    end(false);
}

/* ---- the ledger against the pool ---- */

/* The call in which it died has its effect or none: a block that is left has an owner, which after
 * an allocation is the dead. */
static void believe_last_call(const struct player *player, struct belief *belief)
{
    struct block block = player->in_hand;
    if (block.n == 0 || ledger[block.page] != 0 || belief_has(belief, block.page) ||
        !view_is_first(&bench.view, block.page))
        return;
    uint32_t tag = atomic_load(&bench.view.tags[block.page]);
    if (tag == TAG_NOBODY || tag == TAG_MARK || (player->takes && tag != player->actor.tag))
        return;
    if (view_block_length(&bench.view, block.page) == block.n)
        believe_block(belief, block.page, block.n);
}

static void check_ledger(void)
{
    struct belief belief = {0};
    for (int i = 0; i < MEMBERS; i++)
        for (int k = 0; k < HELD; k++)
            if (players[i].held[k].n != 0)
                believe_block(&belief, players[i].held[k].page, players[i].held[k].n);
    for (int i = 0; i < MEMBERS; i++)
        if (players[i].dead)
            believe_last_call(&players[i], &belief);
    ck_quiet(belief_holds(&belief, &bench));
}

static int is_an_actors(void *context, uint32_t row)
{
    uint64_t ident = atomic_load(&bench.view.rows[row].ident);
    (void)context;
    return ident != 0 && ident_pid(ident) <= ACTORS;
}

/* Were everybody dead, nothing would be left. */
static void check_reclaim(void)
{
    const struct belief nothing = {0};
    struct actor janitor = bench_join(&bench, JANITOR);
    for (unsigned process = 1; process <= ACTORS; process++)
        bench.is_dead[process] = true;
    ck_quiet(bench_recover(&bench, JANITOR) == 0);
    ck_quiet(recovery_reclaim(&bench.view, &janitor, is_an_actors, NULL) != RECLAIM_PENDING);
    ck_quiet(belief_holds(&nothing, &bench));
}

/* ---- one run ---- */

static void set_up(struct player *player, void (*part)(void))
{
    void *stack = player->stack;
    *player = (struct player){.stack = stack};
    getcontext(&player->context);
    player->context.uc_stack.ss_sp = stack;
    player->context.uc_stack.ss_size = STACK;
    makecontext(&player->context, part, 0);
}

static struct player *draw_player(void)
{
    int n = 0;
    struct player *drawn = NULL;
    for (int i = 0; i < ACTORS; i++)
        if (!players[i].ended && one_in((uint64_t)++n))
            drawn = &players[i];
    return drawn;
}

static void run(uint64_t number)
{
    moment = (struct moment){"schedule", (unsigned long)number, 0, 0};
    dice = random_stream(random_seed(), number);
    bench_clear(&bench);
    for (int i = 0; i < ACTORS; i++)
        set_up(&players[i], i < MEMBERS ? live : recover);
    for (int i = 0; i < PAGES; i++)
        ledger[i] = 0;
    steps_hook(before_access);
    for (struct player *next; (next = draw_player()) != NULL;) {
        now = next;
        swapcontext(&director, &next->context);
    }
    steps_hook(NULL);
    ck_quiet(bench_recover(&bench, JANITOR) == 0);
    check_ledger();
    check_reclaim();
}

static void make_players(void)
{
    bench_make(&bench, PAGES, PAGES);
    for (int i = 0; i < ACTORS; i++) {
        players[i].stack = malloc(STACK);
        ck_assert_ptr_nonnull(players[i].stack);
    }
}

static void drop_players(void)
{
    for (int i = 0; i < ACTORS; i++)
        free(players[i].stack);
    bench_drop(&bench);
}

static uint64_t runs_wanted(void)
{
    const char *text = getenv("SCHEDULES");
    return text != NULL ? strtoull(text, NULL, 10) : RUNS;
}

START_TEST(in_random_turns_with_random_deaths_nothing_is_lost_or_given_twice)
{
    uint64_t runs = runs_wanted();
    for (uint64_t i = 0; i < runs; i++)
        run(i);
    printf("core/schedules: runs=%llu\n", (unsigned long long)runs);
}
END_TEST

TCase *schedules_case(void)
{
    TCase *tcase = tcase_create("schedules");
    tcase_add_checked_fixture(tcase, make_players, drop_players);
    if (SANITIZED)
        return tcase; /* it does not follow a change of stacks */
    tcase_add_test(tcase, in_random_turns_with_random_deaths_nothing_is_lost_or_given_twice);
    return tcase;
}
