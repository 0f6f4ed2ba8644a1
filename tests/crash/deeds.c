#include "crash/deeds.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/child.h"

enum { SMALL = 10, LARGE = 500, LIMIT = 1000, RESULT = 7 };

static size_t pages(size_t n)
{
    return n * (size_t)sysconf(_SC_PAGESIZE);
}

bool deeds_by_name(void)
{
    const char *backend = getenv("SHMPOOL_BACKEND");
    return backend == NULL || strcmp(backend, "memfd") != 0;
}

static void note(unsigned *count, bool right, const char *what)
{
    if (right)
        return;
    ++*count;
    printf("crash/syscalls: %s: errno %d: %s\n", what, errno, shmpool_errmsg());
}

/* ---- pools ---- */

static shmpool_id make(const char *name, unsigned flags)
{
    const struct shmpool_options options = {.name = name, .max_size = pages(LIMIT), .flags = flags};
    return shmpool_create(pages(SMALL), &options);
}

static bool is_sound(shmpool_id pool)
{
    struct shmpool_stats stats;
    return shmpool_check(pool, stdout) == 0 && shmpool_stats(pool, &stats) == 0 &&
           stats.blocks == 0 && stats.free == stats.total &&
           (stats.total == pages(SMALL) || stats.total == pages(LARGE));
}

/* All of it can be had and given back. */
static bool is_usable(shmpool_id pool)
{
    struct shmpool_stats stats;
    if (shmpool_stats(pool, &stats) != 0)
        return false;
    char *block = shmpool_alloc(pool, stats.total);
    if (block == NULL)
        return false;
    block[0] = block[stats.total - 1] = 1;
    return shmpool_free(pool, block) == 0;
}

static bool is_removed(shmpool_id pool)
{
    return (shmpool_unlink(pool) == 0 || errno == ENOENT) && shmpool_release(pool) == 0;
}

/* The name can be used again at once, for a pool that is as any other. */
static void judge_name(const struct scene *scene, struct faults_seen *seen)
{
    shmpool_id again = make(scene->name, 0);
    note(&seen->left, again > 0, "the name cannot be used again");
    if (again > 0)
        note(&seen->left, is_sound(again) && is_usable(again) && is_removed(again),
             "a later pool of the name");
}

/* Either nobody finds it, or it is complete. */
static void judge_found(const struct scene *scene, struct faults_seen *seen)
{
    if (!deeds_by_name())
        return;
    shmpool_id found = shmpool_open(scene->name, 0);
    note(&seen->halfmade, found > 0 || errno == ENOENT, "what has the name cannot be opened");
    if (found < 0)
        return;
    note(&seen->halfmade, is_sound(found) && is_usable(found), "what was opened is no whole pool");
    note(&seen->left, is_removed(found), "what was opened cannot be removed");
}

static void judge_staged(const struct scene *scene, struct faults_seen *seen)
{
    note(&seen->left, shmpool_recover(scene->pool) == 0, "recover");
    note(&seen->left, shmpool_reclaim(scene->pool, 0) >= 0, "reclaim");
    note(&seen->halfmade, is_sound(scene->pool) && is_usable(scene->pool), "the pool");
}

static void drop_staged(const struct scene *scene, struct faults_seen *seen)
{
    note(&seen->left, is_removed(scene->pool), "the pool cannot be removed");
    judge_name(scene, seen);
}

static void stage_nothing(struct scene *scene)
{
    scene->pool = 0;
}

static void stage_pool(struct scene *scene)
{
    scene->pool = make(scene->name, 0);
    CHILD_CHECK(scene->pool > 0);
}

static void stage_committed(struct scene *scene)
{
    scene->pool = make(scene->name, SHMPOOL_COMMIT);
    CHILD_CHECK(scene->pool > 0);
}

static void prepare_nothing(void *scene)
{
    (void)scene;
}

static void prepare_release(void *scene)
{
    CHILD_CHECK(shmpool_release(((struct scene *)scene)->pool) == 0);
}

static void note_call(struct scene *scene, bool succeeded)
{
    if (!succeeded)
        scene->slate->failed = true;
}

static void create(void *scene)
{
    note_call(scene, make(((struct scene *)scene)->name, 0) > 0);
}

static void create_committed(void *scene)
{
    note_call(scene, make(((struct scene *)scene)->name, SHMPOOL_COMMIT) > 0);
}

static void judge_creation(struct scene *scene, struct faults_seen *seen)
{
    judge_found(scene, seen);
    judge_name(scene, seen);
}

static void open_pool(void *scene)
{
    note_call(scene, shmpool_open(((struct scene *)scene)->name, 0) > 0);
}

static void attach(void *scene)
{
    note_call(scene, shmpool_attach(((struct scene *)scene)->pool, 0) == 0);
}

static void release(void *scene)
{
    note_call(scene, shmpool_release(((struct scene *)scene)->pool) == 0);
}

static void unlink_pool(void *scene)
{
    note_call(scene, shmpool_unlink(((struct scene *)scene)->pool) == 0);
}

static void unlink_name(void *scene)
{
    note_call(scene, shmpool_unlink_name(((struct scene *)scene)->name) == 0);
}

static void allocate(void *scene)
{
    shmpool_id pool = ((struct scene *)scene)->pool;
    note_call(scene, shmpool_free(pool, shmpool_alloc(pool, pages(SMALL))) == 0);
}

static void trim(void *scene)
{
    note_call(scene, shmpool_trim(((struct scene *)scene)->pool) >= 0 || errno == ENOTSUP);
}

static void grow(void *scene)
{
    note_call(scene, shmpool_grow(((struct scene *)scene)->pool, pages(LARGE)) == 0);
}

/* Also for the calls that find, hold and remove it. */
static void judge_pool(struct scene *scene, struct faults_seen *seen)
{
    judge_staged(scene, seen);
    drop_staged(scene, seen);
}

static void judge_unlinked(struct scene *scene, struct faults_seen *seen)
{
    judge_staged(scene, seen);
    judge_found(scene, seen);
    shmpool_release(scene->pool);
    judge_name(scene, seen);
}

static void judge_growth(struct scene *scene, struct faults_seen *seen)
{
    judge_staged(scene, seen);
    note(&seen->left, shmpool_grow(scene->pool, pages(LARGE)) == 0 && is_usable(scene->pool),
         "the pool grows no more");
    drop_staged(scene, seen);
}

/* ---- workers ---- */

static int work(void *arg)
{
    struct scene *scene = arg;
    void *block = shmpool_alloc(scene->pool, pages(SMALL));
    note_call(scene, block != NULL && shmpool_free(scene->pool, block) == 0);
    return RESULT;
}

static int look(void *arg)
{
    struct scene *scene = arg;
    struct shmpool_stats stats;
    note_call(scene, shmpool_stats(scene->pool, &stats) == 0);
    note_call(scene, shmpool_alloc(scene->pool, 1) == NULL && errno == EROFS);
    note_call(scene, shmpool_stats(scene->other, &stats) < 0 && errno == EACCES);
    return RESULT;
}

static int work_on(void *arg)
{
    work(arg);
    return child_sleep(NULL);
}

static void start_with(struct scene *scene, int (*run)(void *),
                       const struct shmpool_start_options *options)
{
    shmpool_worker worker = shmpool_start(run, scene, options);
    note_call(scene, worker > 0);
    scene->slate->worker = worker;
}

static void start(void *scene)
{
    start_with(scene, work, NULL);
}

static void start_granted(void *scene)
{
    const struct shmpool_grant grant = {((struct scene *)scene)->pool, SHMPOOL_RDONLY};
    start_with(scene, look, &(struct shmpool_start_options){.inherit = &grant, .n_inherit = 1});
}

static void start_bound(void *scene)
{
    start_with(scene, work_on, &(struct shmpool_start_options){.flags = SHMPOOL_DIE_WITH_STARTER});
}

static void join(void *arg)
{
    struct scene *scene = arg;
    int status = -1;
    note_call(scene, shmpool_join(scene->slate->worker, &status, -1) == 0 && status == RESULT << 8);
    scene->slate->joined = true;
}

/* The starter of a worker that dies learns so, from start or from join. */
static void join_dead(struct scene *scene)
{
    int status = -1;
    if (scene->slate->worker > 0)
        note_call(scene, shmpool_join(scene->slate->worker, &status, -1) == 0 &&
                             (status == SIGKILL || status == RESULT << 8));
}

static void start_and_join(void *scene)
{
    start(scene);
    join_dead(scene);
}

static void start_granted_and_join(void *scene)
{
    start_granted(scene);
    join_dead(scene);
}

static bool starts_and_joins(struct scene *scene)
{
    int status = -1;
    shmpool_worker worker = shmpool_start(work, scene, NULL);
    return worker > 0 && shmpool_join(worker, &status, -1) == 0 && status == RESULT << 8;
}

static void judge_started(struct scene *scene, struct faults_seen *seen)
{
    note(&seen->left, starts_and_joins(scene), "another worker");
    note(&seen->left, is_removed(scene->other), "the other pool");
    judge_pool(scene, seen);
}

static void stage_two(struct scene *scene)
{
    const struct shmpool_options options = {.flags = SHMPOOL_PRIVATE};
    stage_pool(scene);
    scene->other = shmpool_create(pages(1), &options);
    CHILD_CHECK(scene->other > 0);
}

/* The result is there for somebody else, or taken: the worker has ended by now. */
static void judge_joined(struct scene *scene, struct faults_seen *seen)
{
    int status = -1;
    int joined = shmpool_join(scene->slate->worker, &status, -1);
    note(&seen->halfmade, joined == 0 ? status == RESULT << 8 : errno == EBADF, "the result");
    note(&seen->left, !scene->slate->joined || joined != 0, "a result that was taken twice");
    judge_started(scene, seen);
}

const struct deed deeds[] = {
    {"create", false, false, stage_nothing, prepare_nothing, create, judge_creation},
    {"create-committed", false, false, stage_nothing, prepare_nothing, create_committed,
     judge_creation},
    {"open", true, false, stage_pool, prepare_release, open_pool, judge_pool},
    {"attach", true, false, stage_pool, prepare_release, attach, judge_pool},
    {"release", false, false, stage_pool, prepare_nothing, release, judge_pool},
    {"unlink", false, false, stage_pool, prepare_nothing, unlink_pool, judge_unlinked},
    {"unlink-name", true, false, stage_pool, prepare_nothing, unlink_name, judge_unlinked},
    {"grow", false, false, stage_pool, prepare_nothing, grow, judge_growth},
    {"grow-committed", false, false, stage_committed, prepare_nothing, grow, judge_growth},
    {"trim", false, false, stage_pool, prepare_nothing, trim, judge_pool},
    {"first-call", false, false, stage_pool, prepare_nothing, allocate, judge_pool},
    {"start", false, false, stage_two, prepare_nothing, start, judge_started},
    {"start-granted", false, false, stage_two, prepare_nothing, start_granted, judge_started},
    {"start-bound", false, false, stage_two, prepare_nothing, start_bound, judge_started},
    {"join", false, false, stage_two, start, join, judge_joined},
    {"worker", false, true, stage_two, prepare_nothing, start_and_join, judge_started},
    {"worker-granted", false, true, stage_two, prepare_nothing, start_granted_and_join,
     judge_started},
};

const int n_deeds = sizeof deeds / sizeof deeds[0];
