#include "commit/commit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/random.h"

struct tally *tally;

const char *backend(void)
{
    const char *name = getenv("SHMPOOL_BACKEND");
    return name != NULL ? name : "posix";
}

bool has_files(void)
{
    return strcmp(backend(), "posix") == 0;
}

bool has_descriptors(void)
{
    return strcmp(backend(), "sysv") != 0;
}

size_t page(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

size_t pages(size_t n)
{
    return n * page();
}

static Suite *commit_suite(void)
{
    TCase *cases[] = {folder_case(), limits_case(), memory_case(), cgroup_case(), holding_case()};
    Suite *suite = suite_create("commit");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tcase_add_checked_fixture(cases[i], leftover_setup, leftover_teardown);
        suite_add_tcase(suite, cases[i]);
    }
    return suite;
}

int main(void)
{
    setenv("CK_DEFAULT_TIMEOUT", "60", 0);
    run_id();
    random_seed();
    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tally == MAP_FAILED)
        return EXIT_FAILURE;
    SRunner *runner = srunner_create(commit_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    printf("commit: backend=%s made=%" PRIu64 " refused=%" PRIu64 "\n", backend(), tally->made,
           tally->refused);
    return leftover_sweep() + failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
