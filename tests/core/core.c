#include "core/core.h"

#include <stdlib.h>

#include "support/random.h"

int main(void)
{
    static TCase *(*const cases[])(void) = {words_case,   layouts_case,  hints_case,   groups_case,
                                            placing_case, trimming_case, members_case, doubts_case,
                                            looks_case,   extents_case,  threads_case};
    random_seed();
    Suite *suite = suite_create("core");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        suite_add_tcase(suite, cases[i]());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
