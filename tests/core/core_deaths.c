#include "core/core_deaths.h"

#include <stdlib.h>

#include "support/random.h"

int main(void)
{
    random_seed();
    Suite *suite = suite_create("core-deaths");
    suite_add_tcase(suite, deaths_case());
    suite_add_tcase(suite, between_case());
    suite_add_tcase(suite, schedules_case());
    suite_add_tcase(suite, lost_case());
    suite_add_tcase(suite, again_case());
    suite_add_tcase(suite, homes_case());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
