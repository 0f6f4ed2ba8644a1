/* Workers of the cache die, and stand still, at every instruction of every operation.
 *
 * A child with the first slot is stepped through one operation. At each boundary this process, with
 * the second slot, asks for every key: each has what it had before, or what the operation gives it,
 * and never the former after the latter. Then, in a pool of its own for each time, the child is
 * killed at a boundary; what a master does follows, and a successor that goes on in its place. The
 * structure is compiled into this program, which calls the library as it is delivered: of that one,
 * and of what makes room, each call is one step. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/cache.h"
#include "cache/chain.h"
#include "cache/segment.h"
#include "cache/store.h"
#include "cache/tests.h"
#include "crash/stepper.h"
#include "support/child.h"
#include "support/leftover.h"
#include "support/random.h"

enum { POOL = 3 << 20, CHILD = 0, OTHER = 1, KILLS = 120 };

static const char *const neighbours[] = {"a", "b", "c", "d"};

enum { N_NEIGHBOURS = sizeof neighbours / sizeof neighbours[0] };

static struct store store;
static struct hand other;

static struct key key_of(const char *text)
{
    struct key key = {.length = strlen(text)};
    memcpy(key.bytes, text, key.length);
    key_close(&key);
    return key;
}

static void set(struct hand *hand, const char *text, const char *value)
{
    struct key key = key_of(text);
    CHILD_CHECK(cache_set(hand, &key, value, strlen(value)) == 0);
}

/* The value as a string; NULL: there is none. */
static const char *get(const struct hand *hand, const char *text)
{
    static char value[LONGEST_VALUE + 1];
    struct key key = key_of(text);
    size_t length = 0;
    if (!cache_get(hand, &key, value, &length))
        return NULL;
    value[length] = '\0';
    return value;
}

static bool is(const char *value, const char *expected)
{
    return value == NULL || expected == NULL ? value == expected : strcmp(value, expected) == 0;
}

/* All keys are in one chain. */
static void open_store(void)
{
    char name[RUN_NAME_SIZE];
    struct store_order order = {
        .name = run_name(name, "step"), .size = POOL, .max_size = POOL, .n_workers = 2};
    ck_assert_int_eq(store_open(&store, &order), 0);
    ck_assert_int_eq(shmpool_unlink(store.pool), 0);
    store.cache->n_buckets = 1;
    other = (struct hand){.pool = store.pool, .cache = store.cache, .slot = OTHER};
    for (int i = 0; i < N_NEIGHBOURS; i++)
        set(&other, neighbours[i], neighbours[i]);
}

static void close_store(void)
{
    ck_assert_int_eq(shmpool_release(store.pool), 0);
}

/* Until the next segment must be an old one. */
static void fill_store(void)
{
    static char value[LONGEST_VALUE];
    struct shmpool_stats stats;
    memset(value, 'f', sizeof value - 1);
    for (int i = 0; shmpool_stats(store.pool, &stats) == 0 && stats.contiguous >= SEGMENT_SIZE;
         i++) {
        char key[16];
        snprintf(key, sizeof key, "fill-%d", i);
        set(&other, key, value);
    }
}

/* One operation on the key "k". */
struct scene {
    const char *before; /* NULL: it is not there */
    const char *after;
    bool has_segment; /* when it begins */
    bool is_full;
};

static struct hand child_hand(void)
{
    return (struct hand){.pool = store.pool, .cache = store.cache, .slot = CHILD};
}

static struct hand acting;

static void prepare(void *arg)
{
    const struct scene *scene = arg;
    acting = child_hand();
    segment_inherit(&acting);
    CHILD_CHECK((acting.segment != NULL) == scene->has_segment);
}

static void perform(void *arg)
{
    const struct scene *scene = arg;
    struct key key = key_of("k");
    if (scene->after != NULL)
        set(&acting, "k", scene->after);
    else
        CHILD_CHECK(cache_delete(&acting, &key));
}

static void stage(const struct scene *scene)
{
    open_store();
    struct hand first = child_hand();
    if (scene->has_segment)
        set(&first, "first", "value");
    if (scene->before != NULL)
        set(&other, "k", scene->before);
    if (scene->is_full)
        fill_store();
}

/* What has to make room is gone, or as it was. */
static void check_neighbours(const struct scene *scene)
{
    for (int i = 0; i < N_NEIGHBOURS; i++) {
        const char *value = get(&other, neighbours[i]);
        ck_assert(is(value, neighbours[i]) || (scene->is_full && value == NULL));
    }
}

/* Looking is not asking: nothing gets a second chance by it. */
static void forget_reads(void)
{
    for (size_t i = 0; i < store.cache->n_entries; i++)
        atomic_store(&store.cache->entries[i].recent, false);
}

static void check_key(const struct scene *scene, bool *is_done)
{
    const char *value = get(&other, "k");
    ck_assert_msg(is(value, scene->after) || (is(value, scene->before) && !*is_done),
                  "the value is %s", value == NULL ? "gone" : value);
    *is_done = is(value, scene->after);
}

static bool step(const struct scene *scene, struct stepper *stepper)
{
    return scene->has_segment ? stepper_step(stepper) : stepper_step_own(stepper);
}

/* Beside one that stands still. */
static void go_on_beside(void)
{
    struct key key = key_of("beside");
    set(&other, "beside", "value");
    ck_assert(is(get(&other, "beside"), "value"));
    ck_assert(cache_delete(&other, &key));
}

static void step_through(struct scene *scene, struct track *track)
{
    bool is_done = false;
    stage(scene);
    track->own = !scene->has_segment;
    struct stepper stepper = stepper_start(prepare, perform, scene);
    do {
        track_add(track, &stepper);
        check_key(scene, &is_done);
        check_neighbours(scene);
        forget_reads();
        if (track->n % 64 == 0 && !scene->is_full)
            go_on_beside();
    } while (step(scene, &stepper));
    check_key(scene, &is_done);
    ck_assert(is_done);
    stepper_kill(&stepper);
    close_store();
}

/* What the master does after a death, and then a worker in the same slot. */
static void succeed(const struct scene *scene, pid_t pid)
{
    struct hand next = child_hand();
    bool is_done = false;
    ck_assert_int_eq(shmpool_recover(store.pool), 0);
    store_settle(&store, CHILD, pid);
    check_key(scene, &is_done);
    segment_inherit(&next);
    set(&next, "k", "next");
    ck_assert(is(get(&next, "k"), "next"));
    check_neighbours(scene);
    struct key key = key_of("k");
    ck_assert(cache_delete(&other, &key));
    ck_assert(get(&next, "k") == NULL);
    ck_assert_int_eq(shmpool_check(store.pool, stderr), 0);
}

static void kill_at(struct scene *scene, const struct track *track, size_t k)
{
    stage(scene);
    struct stepper stepper = stepper_start(prepare, perform, scene);
    stepper_follow(&stepper, track, k);
    stepper_kill(&stepper);
    succeed(scene, stepper.pid);
    close_store();
}

static void go_through(struct scene *scene, const char *name)
{
    struct track track = {0};
    step_through(scene, &track);
    struct random random = random_stream(random_seed(), 1);
    size_t stride = getenv("CRASH_COMPLETE") != NULL ? 1 : track.n / KILLS + 1;
    for (size_t k = random_between(&random, 0, stride - 1); k < track.n; k += stride)
        kill_at(scene, &track, k);
    printf("cache/step: %s boundaries=%zu killed_at_each=%zu\n", name, track.n, stride);
    track_drop(&track);
}

START_TEST(a_key_is_inserted)
{
    go_through(&(struct scene){NULL, "new", true, false}, "insert");
}
END_TEST

START_TEST(a_key_is_replaced)
{
    go_through(&(struct scene){"old", "new", true, false}, "replace");
}
END_TEST

START_TEST(a_key_is_removed)
{
    go_through(&(struct scene){"old", NULL, true, false}, "remove");
}
END_TEST

START_TEST(a_segment_is_made)
{
    go_through(&(struct scene){"old", "new", false, false}, "make a segment");
}
END_TEST

START_TEST(a_segment_is_emptied)
{
    go_through(&(struct scene){NULL, "new", false, true}, "empty a segment");
}
END_TEST

/* What the child looks into, and may find gone. */
static void read_neighbour(void *arg)
{
    (void)arg;
    const char *value = get(&acting, neighbours[0]);
    CHILD_CHECK(value == NULL || is(value, neighbours[0]));
    CHILD_CHECK(cache_count(store.cache, COUNT_DAMAGED) == 0);
}

/* Every segment makes room, but one that is looked into. */
static void use_all_again(void)
{
    static char value[LONGEST_VALUE];
    memset(value, 'r', sizeof value - 1);
    for (size_t i = 0; i < 2 * store.cache->n_entries; i++)
        set(&other, "round", value);
    ck_assert(get(&other, neighbours[0]) == NULL);
}

/* The pool is full, and the reader has come to boundary k. */
static void stop_reader(struct scene *scene, const struct track *track, size_t k)
{
    stage(scene);
    struct stepper stepper = stepper_start(prepare, read_neighbour, scene);
    if (stepper_follow(&stepper, track, k))
        use_all_again();
    stepper_finish(&stepper);
    stepper_kill(&stepper);
    close_store();
}

START_TEST(a_reader_stands_still)
{
    struct scene scene = {NULL, NULL, false, true};
    struct track track = {0};
    stage(&scene);
    struct stepper stepper = stepper_start(prepare, read_neighbour, &scene);
    do {
        track_add(&track, &stepper);
    } while (stepper_step(&stepper));
    stepper_kill(&stepper);
    close_store();
    size_t stride = getenv("CRASH_COMPLETE") != NULL ? 1 : track.n / KILLS + 1;
    for (size_t k = 0; k < track.n; k += stride)
        stop_reader(&scene, &track, k);
    printf("cache/step: read boundaries=%zu stopped_at_each=%zu\n", track.n, stride);
    track_drop(&track);
}
END_TEST

int main(void)
{
    const char *refusal = stepper_refusal();
    if (refusal != NULL) {
        printf("skipped: %s\n", refusal);
        return 77;
    }
    run_id();
    TCase *tcase = tcase_create("step");
    tcase_add_checked_fixture(tcase, leftover_setup, leftover_teardown);
    tcase_add_test(tcase, a_key_is_inserted);
    tcase_add_test(tcase, a_key_is_replaced);
    tcase_add_test(tcase, a_key_is_removed);
    tcase_add_test(tcase, a_segment_is_made);
    tcase_add_test(tcase, a_segment_is_emptied);
    tcase_add_test(tcase, a_reader_stands_still);
    Suite *suite = suite_create("cache-step");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return leftover_sweep() + failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
