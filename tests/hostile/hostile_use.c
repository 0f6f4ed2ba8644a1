/* Damage meets the whole library while a pool is in use: between two calls, and from a thread that
 * damages beside them. A moment is the number of a call. */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "hostile/mill.h"
#include "hostile/victim.h"
#include "support/child.h"
#include "support/leftover.h"

enum { CALLS = 16 };

static struct victim victims[VICTIM_KINDS];

static const struct layout *layout(void)
{
    static struct layout layout;
    victim_layout(&layout);
    return &layout;
}

/* Named objects of a child that crashes would stay. */
static void begin(void)
{
    for (unsigned i = 0; i < VICTIM_KINDS; i++) {
        victim_make(&victims[i], NULL, victim_kinds[i]);
        CHILD_CHECK(shmpool_unlink(victims[i].id) == 0);
    }
}

static void end(void)
{
    for (unsigned i = 0; i < VICTIM_KINDS; i++) {
        victim_restore(&victims[i], victims[i].base);
        CHILD_CHECK(shmpool_release(victims[i].id) == 0);
    }
}

/* ---- damage from beside ---- */

struct vandal {
    const struct victim *victim;
    const struct damage *damage;
    _Atomic int stop;
};

static void *damage_on_and_on(void *arg)
{
    struct vandal *vandal = arg;
    for (unsigned moment = 0; atomic_load(&vandal->stop) == 0; moment = (moment + 1) % CALLS)
        damage_apply(vandal->damage, moment, &vandal->victim->layout, vandal->victim->base);
    return NULL;
}

static void use_all(const struct victim *victim, const struct damage *damage, bool alone)
{
    struct random random = {damage->operations};
    for (unsigned call = 0; call < CALLS; call++) {
        if (alone)
            damage_apply(damage, call, &victim->layout, victim->base);
        victim_use(victim, &random);
    }
}

static void use_beside_vandal(const struct victim *victim, const struct damage *damage)
{
    struct vandal vandal = {.victim = victim, .damage = damage};
    pthread_t thread;
    CHILD_CHECK(pthread_create(&thread, NULL, damage_on_and_on, &vandal) == 0);
    use_all(victim, damage, false);
    atomic_store(&vandal.stop, 1);
    pthread_join(thread, NULL);
}

static void meet(const struct damage *damage)
{
    const struct victim *victim = &victims[victim_kind_for(damage)];
    victim_restore(victim, victim->base);
    if (damage->operations % 8 == 0)
        use_beside_vandal(victim, damage);
    else
        use_all(victim, damage, true);
    victim_check_marks(victim);
}

static const struct mill use_mill = {"hostile-use", CALLS - 1, begin, layout, meet, end};

START_TEST(what_was_found_once_does_no_harm)
{
    ck_assert_uint_eq(mill_replay(&use_mill, HOSTILE_CORPUS "/use.txt"), 0);
}
END_TEST

START_TEST(damage_in_use_neither_crashes_nor_hangs_nor_escapes)
{
    ck_assert_uint_eq(mill_run(&use_mill, random_seed(), 0, 1000), 0);
}
END_TEST

int main(int argc, char **argv)
{
    run_id();
    int status = mill_main(&use_mill, argc, argv);
    if (status >= 0)
        return status;
    random_seed();
    Suite *suite = suite_create("hostile-use");
    TCase *tcase = tcase_create("damage");
    tcase_add_checked_fixture(tcase, leftover_setup, leftover_teardown);
    tcase_add_test(tcase, what_was_found_once_does_no_harm);
    tcase_add_test(tcase, damage_in_use_neither_crashes_nor_hangs_nor_escapes);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return leftover_sweep() + failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
