#include "own/own.h"

#include <stdlib.h>

#include "support/leftover.h"

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return helper_main();
    setenv("CK_DEFAULT_TIMEOUT", "60", 0);
    run_id();
    file_begin();
    Suite *suite = suite_create("own");
    suite_add_tcase(suite, tables_case());
    suite_add_tcase(suite, faults_case());
    suite_add_tcase(suite, file_case());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return leftover_sweep() + file_end() + failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
