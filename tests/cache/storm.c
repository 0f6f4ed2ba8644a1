/* The processes of the cache are killed, and clients notice nothing but lost connections.
 *
 * Each client has keys of its own, so it knows what each GET may give: the last value that was
 * stored, or one whose SET was lost on the way, done or not. Once one of them was seen it is that
 * one. In a full cache it may also be absent, and then stays so. */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cache/client.h"
#include "cache/server.h"
#include "cache/tests.h"
#include "cache/values.h"
#include "support/child.h"
#include "support/proc.h"
#include "support/random.h"

enum { N_CLIENTS = 3, N_KEYS = 40 };

/* What the clients and the test tell each other. */
struct board {
    _Atomic unsigned n_done; /* requests */
    _Atomic bool stop;
    _Atomic unsigned n_stopped;
    _Atomic bool verify; /* the last look at everything */
    _Atomic unsigned n_lost, n_hits;
};

static struct server server;
static struct board *board;

static void setup(void)
{
    leftover_setup();
    server_setup(&server, "storm");
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(board, MAP_FAILED);
}

static void teardown(void)
{
    munmap(board, sizeof *board);
    if (server.pid != 0)
        server_stop(&server);
    server_teardown(&server);
    leftover_teardown();
}

/* What a client knows of a key of its own. Values are numbered in the order of their SETs. */
struct knowledge {
    char key[32];
    unsigned last;   /* the value that the key has, if nothing of what was lost was done; 0: none */
    unsigned sure;   /* of the values up to this one only the last may be there */
    unsigned newest; /* the last one that was sent */
    bool del_was_lost;
};

struct player {
    unsigned number;
    size_t longest;  /* value */
    bool may_vanish; /* the cache is full */
    struct client client;
    struct random random;
    struct knowledge known[N_KEYS];
    char value[LONGEST_VALUE];
};

static void note_lost(enum outcome outcome)
{
    if (outcome == LOST)
        atomic_fetch_add(&board->n_lost, 1);
}

/* Now it is known for certain what the key has. */
static void know(struct knowledge *known, unsigned last)
{
    known->last = last;
    known->sure = known->newest;
    known->del_was_lost = false;
}

static void set(struct player *player, struct knowledge *known)
{
    size_t length = value_make(player->value, known->key, ++known->newest, player->longest);
    enum outcome outcome = client_set(&player->client, known->key, player->value, length);
    CHILD_CHECK(outcome == DONE || outcome == LOST);
    if (outcome == DONE)
        know(known, known->newest);
    note_lost(outcome);
}

static void del(struct player *player, struct knowledge *known)
{
    enum outcome outcome = client_del(&player->client, known->key);
    CHILD_CHECK(outcome != REFUSED);
    known->del_was_lost |= outcome == LOST;
    if (outcome != LOST)
        know(known, 0);
    note_lost(outcome);
}

static void see(const struct player *player, struct knowledge *known, size_t length)
{
    unsigned n = value_number(player->value, length, known->key, player->longest);
    CHILD_CHECK(n != 0);
    CHILD_CHECK(n == known->last || (n > known->sure && n <= known->newest));
    know(known, n);
    atomic_fetch_add(&board->n_hits, 1);
}

static void get(struct player *player, struct knowledge *known)
{
    size_t length = 0;
    enum outcome outcome = client_get(&player->client, known->key, player->value, &length);
    CHILD_CHECK(outcome != REFUSED);
    if (outcome == DONE)
        see(player, known, length);
    if (outcome == NOTHING) {
        CHILD_CHECK(known->last == 0 || known->del_was_lost || player->may_vanish);
        know(known, 0);
    }
    note_lost(outcome);
}

/* Keys that all clients set: whatever one gets is what somebody set. */
static void meet(struct player *player)
{
    char key[32];
    size_t length = 0;
    unsigned n = (unsigned)random_between(&player->random, 1, 1000);
    snprintf(key, sizeof key, "shared-%u", (unsigned)random_between(&player->random, 0, 3));
    if (n % 2 == 0) {
        length = value_make(player->value, key, n, player->longest);
        note_lost(client_set(&player->client, key, player->value, length));
        return;
    }
    enum outcome outcome = client_get(&player->client, key, player->value, &length);
    CHILD_CHECK(outcome != REFUSED);
    if (outcome == DONE)
        CHILD_CHECK(value_number(player->value, length, key, player->longest) % 2 == 0);
    note_lost(outcome);
}

static void play(struct player *player)
{
    struct knowledge *known = &player->known[random_between(&player->random, 0, N_KEYS - 1)];
    uint64_t what = random_between(&player->random, 1, 100);
    if (what <= 15)
        meet(player);
    else if (what <= 55)
        set(player, known);
    else if (what <= 62)
        del(player, known);
    else
        get(player, known);
    atomic_fetch_add(&board->n_done, 1);
}

/* The server is a new one, and lives. */
static void verify(struct player *player)
{
    client_close(&player->client);
    client_open(&player->client, server.socket);
    unsigned n_lost = atomic_load(&board->n_lost);
    for (int i = 0; i < N_KEYS; i++)
        get(player, &player->known[i]);
    CHILD_CHECK(atomic_load(&board->n_lost) == n_lost);
}

static int play_on(void *arg)
{
    struct player *player = arg;
    for (int i = 0; i < N_KEYS; i++)
        snprintf(player->known[i].key, sizeof player->known[i].key, "own-%u-%d", player->number, i);
    player->random = random_stream(random_seed(), player->number);
    client_open(&player->client, server.socket);
    while (!atomic_load(&board->stop))
        play(player);
    atomic_fetch_add(&board->n_stopped, 1);
    while (!atomic_load(&board->verify))
        usleep(1000);
    verify(player);
    client_close(&player->client);
    return 0;
}

static void start_players(pid_t players[N_CLIENTS], size_t longest, bool may_vanish)
{
    static struct player player; /* each child has a copy */
    for (unsigned i = 0; i < N_CLIENTS; i++) {
        player = (struct player){.number = i, .longest = longest, .may_vanish = may_vanish};
        players[i] = child_start(play_on, &player);
    }
}

/* Waits until the clients have done n requests more. */
static void await_requests(unsigned n)
{
    unsigned until = atomic_load(&board->n_done) + n;
    for (int i = 0; i < 120000 && (int)(until - atomic_load(&board->n_done)) > 0; i++)
        usleep(500);
    ck_assert_int_le((int)(until - atomic_load(&board->n_done)), 0);
}

static void kill_some_worker(struct random *random)
{
    pid_t workers[MOST_SERVER_WORKERS];
    int n = server_workers(&server, workers);
    if (n > 0)
        kill(workers[random_between(random, 0, (unsigned)n - 1)], SIGKILL);
}

static void kill_and_start(struct random *random)
{
    server_kill(&server, random_between(random, 0, 1) == 1);
    server_start(&server);
}

/* They all see what they must after an end in order, too. */
static void finish(pid_t players[N_CLIENTS])
{
    atomic_store(&board->stop, true);
    while (atomic_load(&board->n_stopped) < N_CLIENTS)
        for (int i = 0; i < N_CLIENTS; i++) {
            ck_assert_msg(proc_runs(players[i]), "a client has failed");
            usleep(1000);
        }
    server_stop(&server);
    server_start(&server);
    atomic_store(&board->verify, true);
    for (int i = 0; i < N_CLIENTS; i++)
        ck_status_ok(child_wait(players[i]));
}

enum { WORKER_KILLS = 60, KILLS_OF_ALL = 12, BETWEEN = 40 };

static void storm(size_t longest, bool may_vanish)
{
    pid_t players[N_CLIENTS];
    struct random random = random_stream(random_seed(), N_CLIENTS);
    server_start(&server);
    start_players(players, longest, may_vanish);
    for (int i = 0; i < WORKER_KILLS + KILLS_OF_ALL; i++) {
        await_requests(BETWEEN);
        if (i % (WORKER_KILLS / KILLS_OF_ALL + 1) == 0)
            kill_and_start(&random);
        else
            kill_some_worker(&random);
    }
    await_requests(BETWEEN);
    finish(players);
}

static void tell(const char *what, unsigned long long n_evicted)
{
    printf("cache/storm: %s seed=%llu requests=%u lost=%u hits=%u evicted=%llu\n", what,
           (unsigned long long)random_seed(), atomic_load(&board->n_done),
           atomic_load(&board->n_lost), atomic_load(&board->n_hits), n_evicted);
    ck_assert_uint_gt(atomic_load(&board->n_lost), 0);
    ck_assert_uint_gt(atomic_load(&board->n_hits), 0);
}

static unsigned long long stat(const char *name)
{
    struct client client;
    client_open(&client, server.socket);
    unsigned long long number = client_stat(&client, name);
    client_close(&client);
    return number;
}

static void set_options(const char *size)
{
    const char *options[] = {"-j3", "-s", size, "-m", size};
    memcpy(server.options, options, sizeof options);
}

/* Nothing is lost when there is room for everything. */
START_TEST(deaths_lose_nothing)
{
    set_options("24M");
    storm(8000, false);
    ck_assert_uint_eq(stat("evicted"), 0);
    ck_assert_uint_eq(stat("damaged"), 0);
    tell("roomy", 0);
}
END_TEST

/* Nothing old or torn comes out of a cache that makes room all the time. */
START_TEST(deaths_of_who_makes_room)
{
    set_options("4M");
    storm(LONGEST_VALUE, true);
    ck_assert_uint_gt(stat("evicted"), 0);
    ck_assert_uint_eq(stat("damaged"), 0);
    tell("full", stat("evicted"));
}
END_TEST

/* What is asked for again and again stays, what was just set is there, the rest makes room. */
START_TEST(a_full_cache_evicts)
{
    enum { N = 1500, LENGTH = 20000 };
    static char value[LONGEST_VALUE];
    struct client client;
    size_t length;
    char key[32];
    unsigned n_there = 0;
    set_options("8M");
    server.options[0] = "-j2";
    server_start(&server);
    client_open(&client, server.socket);
    ck_assert_int_eq(client_set(&client, "hot", "value", 5), DONE);
    for (int i = 0; i < N; i++) {
        snprintf(key, sizeof key, "cold-%d", i);
        memset(value, i, LENGTH);
        ck_assert_int_eq(client_set(&client, key, value, LENGTH), DONE);
        if (i % 50 == 0)
            ck_assert_int_eq(client_get(&client, key, value, &length), DONE);
        ck_assert_int_eq(client_get(&client, "hot", value, &length), DONE);
    }
    for (int i = 0; i < N; i++) {
        snprintf(key, sizeof key, "cold-%d", i);
        if (client_get(&client, key, value, &length) != DONE)
            continue;
        ck_assert_uint_eq(length, LENGTH);
        ck_assert_int_eq(value[LENGTH - 1], (char)i);
        n_there++;
    }
    ck_assert_uint_gt(n_there, 100);
    ck_assert_uint_ge(client_stat(&client, "evicted"), N - n_there);
    client_close(&client);
}
END_TEST

/* It grows before it evicts. */
START_TEST(a_cache_grows)
{
    enum { N = 400, LENGTH = 20000 };
    static char value[LENGTH];
    struct client client;
    char key[32];
    memcpy(server.options, (const char *[]){"-j1", "-s", "3M", "-m", "16M"}, 5 * sizeof(char *));
    server_start(&server);
    client_open(&client, server.socket);
    ck_assert_uint_lt(client_stat(&client, "pool_size"), 4 << 20);
    for (int i = 0; i < N; i++) {
        snprintf(key, sizeof key, "key-%d", i);
        ck_assert_int_eq(client_set(&client, key, value, LENGTH), DONE);
    }
    ck_assert_uint_eq(client_stat(&client, "evicted"), 0);
    ck_assert_uint_ge(client_stat(&client, "pool_size"), N * LENGTH);
    client_close(&client);
}
END_TEST

TCase *storm_case(void)
{
    TCase *tcase = tcase_create("storm");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, deaths_lose_nothing);
    tcase_add_test(tcase, deaths_of_who_makes_room);
    tcase_add_test(tcase, a_full_cache_evicts);
    tcase_add_test(tcase, a_cache_grows);
    return tcase;
}
