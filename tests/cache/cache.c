/* The example cache, as a program: what it answers, what it serves when processes of it were
 * killed, and what it refuses. Backends: those whose pools outlive their users. */
#include <stdlib.h>

#include "cache/tests.h"
#include "support/leftover.h"

int main(void)
{
    run_id();
    Suite *suite = suite_create("cache");
    suite_add_tcase(suite, protocol_case());
    suite_add_tcase(suite, storm_case());
    suite_add_tcase(suite, refusals_case());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return leftover_sweep() + failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
