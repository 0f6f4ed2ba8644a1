#include "crash/storm.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crash/storm_post.h"
#include "support/filefolder.h"
#include "support/random.h"

enum {
    KILLS = 2000,           /* unless STORM_KILLS says otherwise */
    MOST_AT_ONCE = 6,       /* victims of one blow */
    PROCESSORS = 2,         /* that the storm rages on, at most */
    PATIENCE = 60,          /* seconds without getting on that count as a hang */
    STOP_EVERY = 5,         /* blows, about */
    CHECK_EVERY = 25,       /* blows */
    WAIT_EVERY = 4,         /* blows: there a victim has to get on first */
    MAX_STEPS_BETWEEN = 20, /* of a victim, before it is killed */
    CALM_EVERY = 30,        /* blows: then nobody is killed for a while, for comparison */
    CALM = 50000            /* microseconds */
};

/* Blocks that were allocated and freed again, in that time. */
struct pace {
    double blocks;
    double seconds;
};

struct master {
    struct storm storm;
    shmpool_id ledger;
    struct random random;
    struct post posts[STORM_WORKERS];
    uint32_t n_workers; /* that ever lived */
    int n_kills;
    int n_killed;
    int n_inside; /* of the killed: in a call */
    int n_blows;
    int n_forks; /* of the workers */
    struct pace storming;
    struct pace calm; /* the same workers, without kills */
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
            "crash/storm: backend=%s kills=%d hangs=1: worker %u (process %d): %s for %d seconds\n",
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

static void stay_on(int n_processors)
{
    cpu_set_t allowed, wanted;
    CPU_ZERO(&wanted);
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        give_up("processors");
    for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&wanted) < n_processors; i++)
        if (CPU_ISSET(i, &allowed))
            CPU_SET(i, &wanted);
    if (sched_setaffinity(0, sizeof wanted, &wanted) != 0)
        give_up("processors");
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
    stay_on(PROCESSORS);
}

static void fill(struct post *post)
{
    struct storm_role role = {&master.storm, ++master.n_workers};
    bool by_plain_fork = random_next(&master.random) % 2 == 0;
    post->number = role.number;
    watch("no start", post->number);
    if (!post_start(post, by_plain_fork, storm_work, &role))
        give_up("start");
    master.n_forks += by_plain_fork;
    master.storm.rows[role.number].pid = post->pid;
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
        if (!post_signal(post, 0))
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
    if (!post_join(post, &status))
        give_up("join");
    if (killed)
        master.n_inside += atomic_load(&master.storm.rows[post->number].inside);
    if (killed ? !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL : status != 0) {
        fprintf(stderr, "storm: worker %u: wait status %#x\n", post->number, (unsigned)status);
        master.n_faults++;
    }
    atomic_store(&master.storm.rows[post->number].dead, 1);
}

/* Reclaims what the dead left. Somebody else who is recovering just now is waited out; one that is
 * stopped cannot be, and the debt is left to the next time. whom: 0 is all the dead. */
static void reclaim(pid_t whom, bool somebody_is_stopped)
{
    watch("no reclaim", 0);
    while (shmpool_reclaim(master.storm.arena, master.owing ? 0 : whom) < 0) {
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

static void check_sound(void)
{
    watch("no check", 0);
    master.n_faults += shmpool_check(master.storm.arena, stderr) != 0;
}

/* Those who die of one blow: neighbours in the ring of posts. */
struct victims {
    int first;
    int n;
};

static struct post *post_at(int i)
{
    return &master.posts[i % STORM_WORKERS];
}

static struct victims draw_victims(void)
{
    int left = master.n_kills - master.n_killed;
    struct victims victims = {(int)random_between(&master.random, 0, STORM_WORKERS - 1),
                              (int)random_between(&master.random, 1, MOST_AT_ONCE)};
    victims.n = victims.n < left ? victims.n : left;
    return victims;
}

/* Now and then another worker stands still, wherever it is, while some die and the rest get on. */
static struct post *stop_somebody(const struct victims *victims)
{
    int living = STORM_WORKERS - victims->n;
    int away = (int)random_between(&master.random, 0, (uint64_t)living - 1);
    struct post *post = post_at(victims->first + victims->n + away);
    if (random_next(&master.random) % STOP_EVERY != 0)
        return NULL;
    if (!post_signal(post, SIGSTOP))
        give_up("stop");
    master.n_stops++;
    return post;
}

static void kill_them(const struct victims *victims)
{
    for (int i = 0; i < victims->n; i++)
        if (!post_signal(post_at(victims->first + i), SIGKILL))
            give_up("kill");
    for (int i = 0; i < victims->n; i++)
        join(post_at(victims->first + i), true);
    master.n_killed += victims->n;
}

static void strike(void)
{
    struct victims victims = draw_victims();
    const struct post *stopped = stop_somebody(&victims);
    if (master.n_blows % WAIT_EVERY == 0)
        wait_for_steps(post_at(victims.first));
    wait_a_moment();
    kill_them(&victims);
    reclaim(victims.n == 1 ? post_at(victims.first)->pid : 0, stopped != NULL);
    if (++master.n_blows % CHECK_EVERY == 0)
        check_sound();
    if (stopped != NULL && !post_signal(stopped, SIGCONT))
        give_up("continue");
    for (int i = 0; i < victims.n; i++)
        fill(post_at(victims.first + i));
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

static void measure(struct pace *pace, void (*body)(void))
{
    struct timespec begin, end;
    struct totals before = count();
    clock_gettime(CLOCK_MONOTONIC, &begin);
    body();
    clock_gettime(CLOCK_MONOTONIC, &end);
    struct totals after = count();
    pace->blocks += (double)(after.one_word + after.multi - before.one_word - before.multi);
    pace->seconds +=
        (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
}

static void rage(void)
{
    for (int i = 0; i < CALM_EVERY && master.n_killed < master.n_kills; i++)
        strike();
}

static void be_calm(void)
{
    usleep(CALM);
}

static void storm_run(void)
{
    for (int i = 0; i < STORM_WORKERS; i++)
        fill(&master.posts[i]);
    while (master.n_killed < master.n_kills) {
        measure(&master.storming, rage);
        measure(&master.calm, be_calm);
    }
}

static void storm_end(void)
{
    atomic_store(master.storm.stop, 1);
    for (int i = 0; i < STORM_WORKERS; i++)
        join(&master.posts[i], false);
    reclaim(0, false);
    check_sound();
    alarm(0);
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
    printf("crash/storm: backend=%s kills=%d inside=%d forks=%d starts=%d one_word=%llu "
           "multi_word=%llu "
           "no_room=%llu stops=%d retries=%d faults=%d lost=%llu double=%llu hangs=0 "
           "blocks_per_second=%.0f without_kills=%.0f\n",
           backend(), master.n_killed, master.n_inside, master.n_forks,
           (int)master.n_workers - master.n_forks, (unsigned long long)totals.one_word,
           (unsigned long long)totals.multi, (unsigned long long)totals.no_room, master.n_stops,
           master.n_retries, master.n_faults, (unsigned long long)lost, (unsigned long long)doubles,
           master.storming.blocks / master.storming.seconds,
           master.calm.blocks / master.calm.seconds);
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
