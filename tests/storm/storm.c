#include "storm/storm.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/filefolder.h"
#include "support/random.h"

enum {
    KILLS = 1000,           /* unless STORM_KILLS says otherwise */
    PATIENCE = 60,          /* seconds without getting on that count as a hang */
    STOP_EVERY = 5,         /* kills, about */
    CHECK_EVERY = 25,       /* kills */
    MAX_STEPS_BETWEEN = 200 /* of the victim, before it is killed */
};

struct post {
    shmpool_worker worker;
    uint32_t number; /* in the ledger */
};

struct master {
    struct storm storm;
    shmpool_id ledger;
    struct random random;
    struct post posts[STORM_WORKERS];
    uint32_t n_workers; /* that ever lived */
    int n_kills;
    int n_killed;
    int n_faults;
    int n_retries; /* of reclaim: somebody was recovering */
    int n_stops;
    bool owing; /* a reclaim was put off: somebody was stopped in the middle of something */
};

static struct master master;

/* What the master waits for; if for too long, the watchdog says so and ends the storm. */
static struct {
    const char *what;
    uint32_t number;
} waiting;

static const char *backend(void)
{
    const char *name = getenv("SHMPOOL_BACKEND");
    return name != NULL ? name : "posix";
}

static void on_hang(int number)
{
    (void)number;
    dprintf(STDOUT_FILENO,
            "storm: backend=%s kills=%d hangs=1: worker %u (process %d): %s for %d seconds\n",
            backend(), master.n_killed, waiting.number, master.storm.rows[waiting.number].pid,
            waiting.what, PATIENCE);
    _exit(EXIT_FAILURE);
}

static void watch(const char *what, uint32_t number)
{
    waiting.what = what;
    waiting.number = number;
    alarm(PATIENCE);
}

static void give_up(const char *what)
{
    fprintf(stderr, "storm: %s: %s (%s)\n", what, shmpool_errmsg(), strerror(errno));
    exit(EXIT_FAILURE);
}

static int kills_wanted(void)
{
    const char *text = getenv("STORM_KILLS");
    int n = text != NULL ? atoi(text) : KILLS;
    return n > 0 ? n : KILLS;
}

/* Without its name: however the storm ends, nothing is left. */
static shmpool_id pool_new(size_t size)
{
    shmpool_id pool = shmpool_create(size, NULL);
    if (pool < 0 || shmpool_unlink(pool) != 0)
        give_up("create");
    return pool;
}

static void *ledger_part(size_t size)
{
    void *part = shmpool_alloc(master.ledger, size);
    if (part == NULL)
        give_up("ledger");
    memset(part, 0, size);
    return part;
}

/* The arena's first page is where its longest block begins. */
static const char *arena_base(const struct storm *storm)
{
    char *all = shmpool_alloc(storm->arena, STORM_PAGES * storm->page);
    if (all == NULL || shmpool_free(storm->arena, all) != 0)
        give_up("arena");
    return all;
}

static void storm_begin(void)
{
    struct storm *storm = &master.storm;
    master.n_kills = kills_wanted();
    size_t n_rows = (size_t)master.n_kills + STORM_WORKERS + 1;
    size_t size = sizeof(struct storm_row) * n_rows;
    storm->seed = random_seed();
    storm->page = (size_t)sysconf(_SC_PAGESIZE);
    storm->arena = pool_new(STORM_PAGES * storm->page);
    storm->base = arena_base(storm);
    master.random = random_stream(storm->seed, 0);
    master.ledger = pool_new(size + STORM_PAGES * sizeof(uint32_t) + 8 * storm->page);
    storm->rows = ledger_part(size);
    storm->entries = ledger_part(STORM_PAGES * sizeof(uint32_t));
    storm->doubles = ledger_part(sizeof(uint64_t));
    storm->stop = ledger_part(sizeof(int));
    signal(SIGALRM, on_hang);
}

static void post_start(struct post *post)
{
    const struct shmpool_start_options options = {.flags = SHMPOOL_DIE_WITH_STARTER};
    struct storm_role role = {&master.storm, ++master.n_workers};
    post->number = role.number;
    watch("no start", post->number);
    post->worker = shmpool_start(storm_work, &role, &options);
    if (post->worker < 0)
        give_up("start");
    master.storm.rows[role.number].pid = shmpool_worker_pid(post->worker);
}

/* Waits until the victim made some more steps: it gets on, beside the dead. A random number, so
 * that workers die young and old. */
static void wait_for_steps(const struct post *post)
{
    const struct storm_row *row = &master.storm.rows[post->number];
    uint64_t wanted =
        atomic_load(&row->steps) + random_between(&master.random, 0, MAX_STEPS_BETWEEN);
    watch("no step", post->number);
    while (atomic_load(&row->steps) < wanted) {
        if (shmpool_kill(post->worker, 0) != 0)
            give_up("a worker ended by itself");
        usleep(50);
    }
}

/* So that the kill falls anywhere between two steps. */
static void wait_a_moment(void)
{
    uint64_t turns = random_between(&master.random, 0, 20000);
    for (volatile uint64_t i = 0; i < turns; i++)
        ;
}

static void join(const struct post *post, bool killed)
{
    int status = 0;
    watch("no end", post->number);
    if (shmpool_join(post->worker, &status, -1) != 0)
        give_up("join");
    if (killed ? !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL : status != 0) {
        fprintf(stderr, "storm: worker %u: wait status %#x\n", post->number, (unsigned)status);
        master.n_faults++;
    }
    atomic_store(&master.storm.rows[post->number].dead, 1);
}

/* Reclaims what the dead one left. Somebody else who is recovering just now is waited out; one that
 * is stopped cannot be, and the debt is left to the next time. */
static void reclaim(const struct post *post, bool somebody_is_stopped)
{
    pid_t whom = master.owing ? 0 : master.storm.rows[post->number].pid;
    watch("no reclaim", post->number);
    while (shmpool_reclaim(master.storm.arena, whom) < 0) {
        if (errno != EAGAIN)
            give_up("reclaim");
        if (somebody_is_stopped) {
            master.owing = true;
            return;
        }
        master.n_retries++;
        sched_yield();
    }
    master.owing = false;
}

static void check_sound(const struct post *post)
{
    watch("no check", post->number);
    master.n_faults += shmpool_check(master.storm.arena, stderr) != 0;
}

/* Now and then another worker stands still, wherever it is, while one dies and the rest get on. */
static struct post *stop_somebody(const struct post *victim)
{
    struct post *post = &master.posts[random_between(&master.random, 0, STORM_WORKERS - 1)];
    if (post == victim || random_next(&master.random) % STOP_EVERY != 0)
        return NULL;
    if (shmpool_kill(post->worker, SIGSTOP) != 0)
        give_up("stop");
    master.n_stops++;
    return post;
}

static void kill_one(struct post *victim)
{
    const struct post *stopped = stop_somebody(victim);
    wait_for_steps(victim);
    wait_a_moment();
    if (shmpool_kill(victim->worker, SIGKILL) != 0)
        give_up("kill");
    join(victim, true);
    reclaim(victim, stopped != NULL);
    if (++master.n_killed % CHECK_EVERY == 0)
        check_sound(victim);
    if (stopped != NULL && shmpool_kill(stopped->worker, SIGCONT) != 0)
        give_up("continue");
}

static void storm_run(void)
{
    for (int i = 0; i < STORM_WORKERS; i++)
        post_start(&master.posts[i]);
    while (master.n_killed < master.n_kills) {
        struct post *post = &master.posts[random_between(&master.random, 0, STORM_WORKERS - 1)];
        kill_one(post);
        post_start(post);
    }
}

static void storm_end(void)
{
    atomic_store(master.storm.stop, 1);
    for (int i = 0; i < STORM_WORKERS; i++)
        join(&master.posts[i], false);
    master.owing = true;
    reclaim(&master.posts[0], false);
    check_sound(&master.posts[0]);
    alarm(0);
}

struct totals {
    uint64_t one_word, multi, no_room;
};

static struct totals count(void)
{
    struct totals totals = {0};
    for (uint32_t i = 1; i <= master.n_workers; i++) {
        totals.one_word += atomic_load(&master.storm.rows[i].one_word);
        totals.multi += atomic_load(&master.storm.rows[i].multi);
        totals.no_room += atomic_load(&master.storm.rows[i].no_room);
    }
    return totals;
}

/* The result line; whether it is a good one. */
static bool tell(void)
{
    struct totals totals = count();
    struct shmpool_stats stats;
    if (shmpool_stats(master.storm.arena, &stats) != 0)
        give_up("stats");
    uint64_t lost = (stats.total - stats.free) / stats.page_size;
    uint64_t doubles = atomic_load(master.storm.doubles);
    printf("storm: backend=%s kills=%d one_word=%llu multi_word=%llu no_room=%llu stops=%d "
           "retries=%d faults=%d lost=%llu double=%llu hangs=0\n",
           backend(), master.n_killed, (unsigned long long)totals.one_word,
           (unsigned long long)totals.multi, (unsigned long long)totals.no_room, master.n_stops,
           master.n_retries, master.n_faults, (unsigned long long)lost,
           (unsigned long long)doubles);
    return totals.one_word > 0 && totals.multi > 0 && lost == 0 && doubles == 0 &&
           master.n_faults == 0;
}

int main(void)
{
    filefolder_begin();
    storm_begin();
    storm_run();
    storm_end();
    return tell() && filefolder_end() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
