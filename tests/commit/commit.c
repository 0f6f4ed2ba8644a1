#include "commit/commit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/random.h"
#include "support/sanitized.h"

struct tally *tally;
enum part part;

/* What each part makes at least where it runs whole. */
static const struct {
    const char *name;
    unsigned least;
} parts[N_PARTS] = {[PART_FOLDER] = {"folder", 6800},
                    [PART_LIMITS] = {"limits", 1800},
                    [PART_MEMORY] = {"memory", 1200},
                    [PART_CGROUP] = {"cgroup", 400},
                    [PART_HOLDING] = {"holding", 0}};

uint64_t tally_creations(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < N_PARTS; i++)
        sum += atomic_load(&tally->creations[i]);
    return sum;
}

void not_run(const char *why)
{
    printf("%s: not run\n", why);
    atomic_store(&tally->not_run[part], why);
}

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
    TCase *cases[] = {folder_case(),  limits_case(), memory_case(), cgroup_case(),
                      holding_case(), growth_case(), rest_case()};
    Suite *suite = suite_create("commit");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tcase_add_checked_fixture(cases[i], leftover_setup, leftover_teardown);
        suite_add_tcase(suite, cases[i]);
    }
    return suite;
}

/* A part makes its creations or has said why not. How many did neither. */
static int count_silent_parts(void)
{
    int silent = 0;
    for (int i = 0; i < N_PARTS; i++) {
        uint64_t n = atomic_load(&tally->creations[i]);
        const char *why = atomic_load(&tally->not_run[i]);
        printf(" %s=%" PRIu64, parts[i].name, n);
        if (why != NULL)
            printf(" (%s)", why);
        silent += n < parts[i].least && why == NULL;
    }
    printf("\n");
    return silent;
}

/* Of all parts together. A sanitizer's own memory keeps some of them from running, so that each one
 * that runs answers for itself alone. */
static bool is_short(void)
{
    return !SANITIZED && tally_creations() < CREATIONS;
}

/* The figures; 0 when they are what they have to be. A single case has others. */
static int report(int failed, int left)
{
    printf("commit: backend=%s creations=%" PRIu64 " made=%" PRIu64 " refused=%" PRIu64
           " failed=%d left=%d:",
           backend(), tally_creations(), tally->made, tally->refused, failed, left);
    int silent = count_silent_parts();
    if (getenv("CK_RUN_CASE") != NULL)
        return failed + left;
    if (silent > 0)
        printf("commit: %d parts made too few creations and did not say why\n", silent);
    if (is_short())
        printf("commit: fewer than %d creations\n", CREATIONS);
    return failed + left + silent + is_short();
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
    return report(failed, leftover_sweep()) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
