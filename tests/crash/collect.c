/* A collector stands still, or dies, at every system call of shmpool_collect.
 *
 * Where it dies, the pool that was left over is there as before, or it is gone. Where it stands
 * still, another process opens the pool, for reading or in full, creates one of its name, or
 * removes it by its name and creates another one: what that gets stays, by its name, when the
 * collector goes on; or it finds the pool gone. The same when the other stands still, and the
 * collector runs and ends, and when a user of the pool that removes its name stands in the
 * collector's place. A collector that stands still between its claim and the end keeps others out
 * for a moment only.
 *
 * The pool, the collector and who meets it are of families of their own: this program makes no call
 * into the library itself. CRASH_COMPLETE: all of them at all stops, not each at every third. */
#include <errno.h>
#include <shmpool.h>
#include <shmpool/inspect.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crash/sysstop.h"
#include "support/child.h"
#include "support/filefolder.h"
#include "support/leftover.h"

enum { PATIENCE = 100, SKIPPED = 77, GLANCE_MS = 20, CROSSINGS = 100, MARK = 0x5eed };

enum meeting { OPENING, READING, CREATING, REPLACING, MEETINGS };

/* What the processes tell each other. */
struct slate {
    _Atomic int met;       /* 0: not yet; 1: has a pool; else minus errno */
    _Atomic int go_on;     /* the collector has come to its end */
    _Atomic int collected; /* 1, or minus errno */
    _Atomic int was_its;   /* the pool that it had got still had the name */
};

/* In memory that all processes share. */
struct scene {
    char name[RUN_NAME_SIZE];
    enum meeting meeting;
    bool by_user; /* not by a collector */
    bool is_made;
    shmpool_id used; /* by the user */
    struct shmpool_listed listed;
    struct slate slate;
};

static const char *backend(void)
{
    return getenv("SHMPOOL_BACKEND");
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* ---- the pool ---- */

static int make(void *arg)
{
    const struct scene *scene = arg;
    const struct shmpool_options options = {.name = scene->name};
    shmpool_id pool = shmpool_create(100000, &options);
    int *block = shmpool_alloc(pool, 5000);
    CHILD_CHECK(block != NULL);
    *block = MARK;
    CHILD_CHECK(shmpool_set_root(pool, block) == 0);
    return 0;
}

static bool is_whole(shmpool_id pool)
{
    const int *block = shmpool_root(pool);
    return block != NULL && *block == MARK && shmpool_check(pool, stderr) == 0;
}

/* ---- the collector ---- */

/* One of that name that was removed before is listed as long as somebody looks at it. */
static int note(const struct shmpool_listed *listed, void *arg)
{
    struct scene *scene = arg;
    if (listed->name == NULL || strcmp(listed->name, scene->name) != 0 || listed->handle == NULL ||
        strchr(listed->handle, '@') != NULL)
        return 0;
    scene->listed = *listed;
    scene->listed.name = scene->name;
    scene->listed.backend = backend();
    scene->listed.where = "the object";
    return 1;
}

static int look(void *scene)
{
    return shmpool_list(note, scene) == 1 ? 0 : 1;
}

/* Its family begins here. */
static void prepare(void *arg)
{
    struct scene *scene = arg;
    CHILD_CHECK(shmpool_unlink_name("nothing-has-this-name") != 0);
    if (scene->by_user)
        scene->used = shmpool_open(scene->name, SHMPOOL_RDONLY);
}

static void collect(void *arg)
{
    struct scene *scene = arg;
    int failed = scene->by_user ? shmpool_unlink(scene->used) : shmpool_collect(&scene->listed, 0);
    scene->slate.collected = failed == 0 ? 1 : -errno;
}

static int find(void *arg)
{
    const struct scene *scene = arg;
    shmpool_id pool = shmpool_open(scene->name, SHMPOOL_RDONLY);
    CHILD_CHECK(pool > 0 || errno == ENOENT);
    return pool > 0 ? 0 : 2;
}

static bool is_there(struct scene *scene)
{
    int status = child_run(find, scene);
    CHILD_CHECK(WIFEXITED(status) && WEXITSTATUS(status) != 1);
    return child_ok(status);
}

/* The system takes a moment to take down what the dead had mapped. */
static int collect_at_last(void *arg)
{
    struct scene *scene = arg;
    scene->slate.collected = -EBUSY;
    for (int i = 0; i < 1000 && scene->slate.collected == -EBUSY; i++, nap())
        collect(scene);
    CHILD_CHECK(scene->slate.collected == 1);
    return 0;
}

/* ---- who meets it ---- */

static shmpool_id meet(const struct scene *scene)
{
    const struct shmpool_options options = {.name = scene->name};
    if (scene->meeting == REPLACING && shmpool_unlink_name(scene->name) != 0 && errno != ENOENT)
        return -1;
    if (scene->meeting >= CREATING)
        return shmpool_create(1, &options);
    return shmpool_open(scene->name, scene->meeting == READING ? SHMPOOL_RDONLY : 0);
}

static int meet_and_keep(void *arg)
{
    struct scene *scene = arg;
    shmpool_id pool = meet(scene);
    scene->slate.met = pool > 0 ? 1 : -errno;
    while (pool > 0 && !scene->slate.go_on)
        nap();
    CHILD_CHECK(pool < 0 || scene->meeting >= CREATING || is_whole(pool));
    CHILD_CHECK(pool < 0 || shmpool_unlink(pool) == 0); /* ENOENT when the name is lost */
    return 0;
}

static void meet_and_unlink(void *arg)
{
    struct scene *scene = arg;
    shmpool_id pool = meet(scene);
    scene->slate.met = pool > 0 ? 1 : -errno;
    scene->slate.was_its = pool > 0 && shmpool_unlink(pool) == 0;
}

static int collect_once(void *scene)
{
    collect(scene);
    return 0;
}

/* ---- stops ---- */

struct figures {
    size_t stops;
    unsigned got, gone, again, faults;
};

static void fault(struct figures *figures, const struct scene *scene, size_t n, const char *what)
{
    figures->faults++;
    printf("crash/collect: backend=%s stop=%zu meeting=%d: %s: met %d, collected %d\n", backend(),
           n, (int)scene->meeting, what, scene->slate.met, scene->slate.collected);
}

static void make_ready(struct scene *scene)
{
    alarm(PATIENCE);
    memset(&scene->slate, 0, sizeof scene->slate);
    if (!scene->is_made)
        CHILD_CHECK(child_ok(child_run(make, scene)) && child_ok(child_run(look, scene)));
    scene->is_made = true;
}

static pid_t start(struct scene *scene)
{
    make_ready(scene);
    return sysstop_start(prepare, collect, scene);
}

/* One that finds the name and nothing else right tells so itself. */
static int judge_death(void *arg)
{
    const struct scene *scene = arg;
    shmpool_id pool = shmpool_open(scene->name, 0);
    CHILD_CHECK(pool > 0 && is_whole(pool));
    return 0;
}

static bool die_at(struct scene *scene, size_t n, struct figures *figures)
{
    pid_t collector = start(scene);
    bool lasted = sysstop_follow(collector, n);
    sysstop_kill(collector);
    scene->is_made = is_there(scene);
    figures->gone += !scene->is_made;
    figures->got += scene->is_made;
    if (scene->is_made && !child_ok(child_run(judge_death, scene)))
        fault(figures, scene, n, "what a dead collector left");
    return lasted;
}

/* Each of the outcomes must fit what the collector says and what is there then. */
static void judge_meeting(struct scene *scene, size_t n, struct figures *figures)
{
    int met = scene->slate.met;
    int collected = scene->slate.collected;
    figures->got += met == 1;
    figures->gone += met == -ENOENT || met == -EEXIST;
    figures->again += met == -EAGAIN;
    if (met != 1 && met != -EAGAIN && met != (scene->meeting == CREATING ? -EEXIST : -ENOENT))
        fault(figures, scene, n, "who met it got neither");
    if (collected != 1 && collected != -EBUSY && (met != 1 || collected != -ENOENT))
        fault(figures, scene, n, "the collector failed");
    if (met == -ENOENT && collected != 1)
        fault(figures, scene, n, "gone, and not collected");
    if (met == 1 && scene->meeting < CREATING && collected == 1)
        fault(figures, scene, n, "got, and collected");
}

static bool meet_at(struct scene *scene, size_t n, bool to_the_end, struct figures *figures)
{
    pid_t collector = start(scene);
    bool lasted = sysstop_follow(collector, n);
    pid_t other = child_start(meet_and_keep, scene);
    for (int i = 0; (to_the_end || i < GLANCE_MS) && scene->slate.met == 0; i++)
        nap();
    if (lasted)
        sysstop_follow(collector, SIZE_MAX);
    sysstop_kill(collector);
    scene->slate.go_on = 1;
    if (!child_ok(child_wait(other)))
        fault(figures, scene, n, "who met it");
    judge_meeting(scene, n, figures);
    scene->is_made = is_there(scene);
    if (scene->is_made != (scene->slate.collected != 1 && scene->slate.met != 1))
        fault(figures, scene, n, "what is there");
    return lasted;
}

/* The other way round: who meets the collector stands still while that runs and ends. */
static bool collect_at(struct scene *scene, size_t n, struct figures *figures)
{
    make_ready(scene);
    pid_t other = sysstop_start(prepare, meet_and_unlink, scene);
    bool lasted = sysstop_follow(other, n);
    CHILD_CHECK(child_ok(child_run(collect_once, scene)));
    if (lasted)
        sysstop_follow(other, SIZE_MAX);
    sysstop_kill(other);
    if (scene->slate.met == 1 && !scene->slate.was_its)
        fault(figures, scene, n, "the name was lost");
    judge_meeting(scene, n, figures);
    scene->is_made = is_there(scene);
    return lasted;
}

/* Both stand still: the collector at its n-th stop, then an opener at its m-th, and the collector
 * comes to its end first. */
static void cross_at(struct scene *scene, size_t n, size_t m, struct figures *figures)
{
    pid_t collector = start(scene);
    sysstop_follow(collector, n);
    pid_t other = sysstop_start(prepare, meet_and_unlink, scene);
    bool lasted = sysstop_follow(other, m);
    sysstop_follow(collector, SIZE_MAX);
    sysstop_kill(collector);
    if (lasted)
        sysstop_follow(other, SIZE_MAX);
    sysstop_kill(other);
    if (scene->slate.met == 1 && !scene->slate.was_its)
        fault(figures, scene, m, "the name was lost");
    judge_meeting(scene, m, figures);
    scene->is_made = is_there(scene);
}

/* ---- rounds ---- */

static bool say(const char *what, const struct figures *figures)
{
    printf("crash/collect: backend=%s %s stops=%zu got=%u gone=%u again=%u faults=%u\n", backend(),
           what, figures->stops, figures->got, figures->gone, figures->again, figures->faults);
    fflush(stdout);
    return figures->faults == 0 && figures->got > 0 && figures->gone > 0;
}

static bool deaths(struct scene *scene)
{
    struct figures figures = {0};
    while (die_at(scene, figures.stops, &figures))
        figures.stops++;
    if (scene->is_made && !child_ok(child_run(collect_at_last, scene)))
        fault(&figures, scene, figures.stops, "what the dead left cannot be collected");
    scene->is_made = false;
    return say("deaths", &figures);
}

static bool standing_still(struct scene *scene)
{
    bool complete = getenv("CRASH_COMPLETE") != NULL;
    struct figures figures = {0};
    bool lasted = true;
    for (size_t n = 0; lasted; figures.stops = n++) {
        lasted = false;
        for (unsigned meeting = 0; meeting < MEETINGS; meeting++) {
            scene->meeting = meeting;
            if (complete || n % 2 == meeting % 2)
                lasted = collect_at(scene, n, &figures) || lasted;
        }
    }
    return say("standing still", &figures);
}

/* Stores the last stop at which an opener found nothing. */
static bool meetings(struct scene *scene, size_t *last)
{
    bool complete = getenv("CRASH_COMPLETE") != NULL;
    struct figures figures = {0};
    bool lasted = true;
    for (size_t n = 0; lasted; figures.stops = n++)
        for (unsigned meeting = 0; meeting < MEETINGS; meeting++) {
            scene->meeting = meeting;
            if (complete || n % REPLACING == meeting || meeting == REPLACING)
                lasted = meet_at(scene, n, false, &figures) && lasted;
            if (scene->meeting == OPENING && scene->slate.met == -ENOENT)
                *last = n;
        }
    return say("meetings", &figures);
}

/* Who removes the pool's name is one of its users. */
static bool users(struct scene *scene)
{
    struct figures figures = {0};
    scene->by_user = true;
    scene->meeting = REPLACING;
    while (meet_at(scene, figures.stops, false, &figures))
        figures.stops++;
    scene->by_user = false;
    say("users", &figures);
    return figures.faults == 0 && figures.got > 0;
}

/* The collector stands between its claim and the end until the other gives up: at one of the stops
 * up to *n at which an opener found nothing, which is stored. */
static bool a_long_stop(struct scene *scene, size_t *n)
{
    struct figures figures = {.stops = *n + 1};
    scene->meeting = OPENING;
    while (figures.stops > 0 && figures.again == 0)
        meet_at(scene, --figures.stops, true, &figures);
    *n = figures.stops;
    say("a long stop", &figures);
    return figures.faults == 0 && figures.again == 1;
}

/* The collector stands there, and an opener at each stop of its first attempt. */
static bool crossings(struct scene *scene, size_t n)
{
    struct figures figures = {0};
    for (figures.stops = 0; figures.stops < CROSSINGS; figures.stops++) {
        scene->meeting = figures.stops % CREATING;
        cross_at(scene, n, figures.stops, &figures);
    }
    say("crossings", &figures);
    return figures.faults == 0;
}

static void begin(void)
{
    const char *refusal = sysstop_refusal();
    if (refusal != NULL) {
        printf("crash/collect: skipped: %s\n", refusal);
        exit(SKIPPED);
    }
    setenv("TMPDIR", "/dev/shm", 1); /* no overlay, where nobody can tell who uses a file */
    filefolder_begin();
}

int main(void)
{
    begin();
    struct scene *scene =
        mmap(NULL, sizeof *scene, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (scene == MAP_FAILED)
        return EXIT_FAILURE;
    run_name(scene->name, "collect");
    size_t last = 0;
    bool right = deaths(scene);
    right = meetings(scene, &last) && right;
    right = users(scene) && right;
    right = standing_still(scene) && right;
    right = a_long_stop(scene, &last) && right;
    right = crossings(scene, last) && right;
    int left = leftover_sweep();
    return filefolder_end() == 0 && left == 0 && right ? EXIT_SUCCESS : EXIT_FAILURE;
}
