/* What an object may hold when somebody opens it by name: every damage of the tables here, every
 * field of the header by itself in fields.c, what is no pool at all in squats.c. Of the backends
 * posix has objects that anybody can write; of the others sysv has names too, and goes through the
 * mill. What is looked at before the header is tested in tests/backend. */
#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "hostile/mill.h"
#include "hostile/opened.h"
#include "hostile/suites.h"
#include "support/child.h"
#include "support/leftover.h"

enum { CALLS = 8 };

static struct opened objects[VICTIM_KINDS];

static const struct layout *layout(void)
{
    static struct layout layout;
    victim_layout(&layout);
    return &layout;
}

static void begin(void)
{
    for (unsigned i = 0; i < VICTIM_KINDS; i++)
        opened_make(&objects[i], victim_kinds[i]);
}

static void end(void)
{
    for (unsigned i = 0; i < VICTIM_KINDS; i++)
        opened_drop(&objects[i]);
}

static const struct header_shm *header_of(const struct opened *object)
{
    return (const struct header_shm *)(const void *)object->tables;
}

static void use(const struct opened *object, const struct damage *damage)
{
    struct random random = {damage->operations};
    for (unsigned call = 0; call < CALLS; call++) {
        damage_apply(damage, call + 1, &object->victim.layout, object->tables);
        victim_use(&object->victim, &random);
    }
    victim_check_marks(&object->victim);
}

static void meet(const struct damage *damage)
{
    struct opened *object = &objects[victim_kind_for(damage)];
    victim_restore(&object->victim, object->tables);
    damage_apply(damage, 0, &object->victim.layout, object->tables);
    /* A damaged address may be one that is free: then the pool lies there. */
    bool stays = header_of(object)->address == (uintptr_t)object->victim.base;
    object->victim.flags = header_of(object)->flags;
    object->victim.readonly = damage->operations % 8 == 0;
    if (!opened_try(object, object->victim.readonly ? SHMPOOL_RDONLY : 0))
        return;
    if (stays)
        use(object, damage);
    CHILD_CHECK(shmpool_release(object->victim.id) == 0);
}

static const struct mill open_mill = {"hostile-open", CALLS, begin, layout, meet, end};

START_TEST(what_was_found_once_does_no_harm)
{
    ck_assert_uint_eq(mill_replay(&open_mill, HOSTILE_CORPUS "/open.txt"), 0);
}
END_TEST

START_TEST(damage_before_open_neither_crashes_nor_hangs_nor_escapes)
{
    ck_assert_uint_eq(mill_run(&open_mill, random_seed(), 0, 1000), 0);
}
END_TEST

/* ---- the program ---- */

static TCase *mill_case(void)
{
    TCase *tcase = tcase_create("open");
    tcase_add_checked_fixture(tcase, leftover_setup, leftover_teardown);
    tcase_add_test(tcase, what_was_found_once_does_no_harm);
    tcase_add_test(tcase, damage_before_open_neither_crashes_nor_hangs_nor_escapes);
    return tcase;
}

/* The rest writes into files. */
static Suite *hostile_suite(void)
{
    Suite *suite = suite_create("hostile-open");
    suite_add_tcase(suite, mill_case());
    if (victim_on_sysv())
        return suite;
    suite_add_tcase(suite, fields_case());
    suite_add_tcase(suite, squats_case());
    suite_add_tcase(suite, crowd_case());
    return suite;
}

int main(int argc, char **argv)
{
    run_id();
    int status = mill_main(&open_mill, argc, argv);
    if (status >= 0)
        return leftover_sweep() + status;
    random_seed();
    SRunner *runner = srunner_create(hostile_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return leftover_sweep() + failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
