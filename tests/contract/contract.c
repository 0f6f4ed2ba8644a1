#include "contract/contract.h"

#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "support/filefolder.h"
#include "support/random.h"
#include "support/segments.h"

static char file_prefix[256]; /* the folder is made by the run */
static size_t file_unit;      /* of that folder; 0: there is none */

static const struct backend_facts all_backends[] = {
    {.name = "posix", .has_names = true, .has_descriptors = true, .prefix = "/dev/shm/shmpool."},
    {.name = "sysv", .has_names = true, .has_descriptors = false, .prefix = NULL},
    {.name = "memfd", .has_names = false, .has_descriptors = true, .prefix = NULL},
    {.name = "file",
     .has_names = true,
     .has_descriptors = true,
     .reads_ahead = true,
     .prefix = file_prefix},
};

const struct backend_facts *backend(void)
{
    const char *name = getenv("SHMPOOL_BACKEND");
    for (size_t i = 0; i < sizeof all_backends / sizeof all_backends[0]; i++)
        if (strcmp(all_backends[i].name, name != NULL ? name : "posix") == 0)
            return &all_backends[i];
    fprintf(stderr, "the suite does not know the backend \"%s\"\n", name);
    exit(2);
}

size_t page(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

size_t pages(size_t n)
{
    return n * page();
}

size_t unit(void)
{
    return file_unit > 0 ? file_unit : page();
}

shmpool_id pool_new(size_t n_pages)
{
    static int counter;
    char name[RUN_NAME_SIZE];
    char subject[16];
    snprintf(subject, sizeof subject, "%d", ++counter);
    return pool_named(run_name(name, subject), n_pages);
}

shmpool_id pool_named(const char *name, size_t n_pages)
{
    struct shmpool_options options = {.name = name};
    shmpool_id pool = shmpool_create(pages(n_pages), &options);
    ck_quiet(pool > 0);
    return pool;
}

void pool_drop(shmpool_id pool)
{
    ck_ok(shmpool_unlink(pool));
    ck_ok(shmpool_release(pool));
}

static void mapping_of(shmpool_id pool, struct proc_mapping *mapping)
{
    void *block = shmpool_alloc(pool, 1);
    ck_quiet(block != NULL);
    ck_quiet(proc_mapping_at(block, mapping));
    ck_ok(shmpool_free(pool, block));
}

struct proc_object pool_object(shmpool_id pool)
{
    struct proc_mapping mapping;
    mapping_of(pool, &mapping);
    return mapping.object;
}

/* The mapping may have been made in parts: the first part that belongs to the object. */
void *pool_base(shmpool_id pool)
{
    struct proc_mapping mapping;
    struct proc_mapping before;
    mapping_of(pool, &mapping);
    while (proc_mapping_at((const char *)mapping.start - 1, &before) &&
           before.object.inode == mapping.object.inode &&
           before.object.device == mapping.object.device)
        mapping = before;
    return (void *)mapping.start;
}

void object_path(char *path, size_t size, const char *name)
{
    ck_quiet(backend()->prefix != NULL);
    snprintf(path, size, "%s%s", backend()->prefix, name);
}

bool object_is_named(const char *name)
{
    char path[256];
    if (backend()->prefix == NULL)
        return segments_find(name, &(struct segment_seen){0});
    object_path(path, sizeof path, name);
    return access(path, F_OK) == 0;
}

static struct object_state state_by_name(const char *name)
{
    struct segment_seen segment = {0};
    ck_quiet(segments_find(name, &segment));
    return (struct object_state){segment.size, segment.resident, segment.mode};
}

static struct object_state state_by_descriptors(struct proc_object object)
{
    struct stat status;
    int fds[8] = {-1};
    mode_t mode = 0;
    int n_fds = proc_descriptors_of(object, fds, 8);
    ck_quiet(n_fds >= 1 && n_fds <= 8);
    for (int i = 0; i < n_fds; i++) {
        ck_quiet(fstat(fds[i], &status) == 0);
        mode = status.st_mode & 07777;
    }
    return (struct object_state){(size_t)status.st_size, (size_t)status.st_blocks * 512, mode};
}

struct object_state object_state(shmpool_id pool)
{
    return backend()->has_descriptors ? state_by_descriptors(pool_object(pool))
                                      : state_by_name(shmpool_name(pool));
}

struct shmpool_stats stats_of(shmpool_id pool)
{
    struct shmpool_stats stats;
    memset(&stats, 0xa5, sizeof stats);
    ck_ok(shmpool_stats(pool, &stats));
    return stats;
}

void ck_pool_is_whole(shmpool_id pool)
{
    struct shmpool_stats stats = stats_of(pool);
    ck_quiet(shmpool_check(pool, stderr) == 0);
    ck_quiet(stats.free == stats.total);
    ck_quiet(stats.contiguous == stats.total);
    ck_quiet(stats.blocks == 0);
}

static FILE *nowhere(void)
{
    static FILE *file;
    if (file == NULL)
        file = tmpfile();
    return file;
}

#define RETURN_UNLESS_FAILS(call)                                                                  \
    do {                                                                                           \
        errno = 0;                                                                                 \
        if ((call) >= 0 || errno != code)                                                          \
            return #call;                                                                          \
    } while (0)

#define RETURN_UNLESS_FAILS_NULL(call)                                                             \
    do {                                                                                           \
        errno = 0;                                                                                 \
        if ((call) != NULL || errno != code)                                                       \
            return #call;                                                                          \
    } while (0)

const char *call_that_does_not_fail(shmpool_id pool, void *block, int code, bool with_name)
{
    struct shmpool_stats stats;
    struct shmpool_grant grant = {pool, 0};
    struct shmpool_start_options options = {.inherit = &grant, .n_inherit = 1};
    RETURN_UNLESS_FAILS_NULL(shmpool_alloc(pool, 1));
    RETURN_UNLESS_FAILS_NULL(shmpool_alloc_aligned(pool, page(), 1));
    RETURN_UNLESS_FAILS(shmpool_free(pool, block));
    RETURN_UNLESS_FAILS(shmpool_size_at(pool, block));
    RETURN_UNLESS_FAILS(shmpool_publish(pool, block, block));
    RETURN_UNLESS_FAILS(shmpool_set_root(pool, block));
    RETURN_UNLESS_FAILS_NULL(shmpool_root(pool));
    RETURN_UNLESS_FAILS(shmpool_stats(pool, &stats));
    RETURN_UNLESS_FAILS(shmpool_check(pool, NULL));
    RETURN_UNLESS_FAILS(shmpool_dump(pool, nowhere()));
    RETURN_UNLESS_FAILS(shmpool_recover(pool));
    RETURN_UNLESS_FAILS(shmpool_reclaim(pool, 0));
    RETURN_UNLESS_FAILS(shmpool_start(child_sleep, NULL, &options));
    RETURN_UNLESS_FAILS(shmpool_unlink(pool));
    RETURN_UNLESS_FAILS(shmpool_release(pool));
    if (with_name)
        RETURN_UNLESS_FAILS_NULL(shmpool_name(pool));
    return NULL;
}

int worker_run(int (*run)(void *), void *arg, const struct shmpool_start_options *options)
{
    shmpool_worker worker = shmpool_start(run, arg, options);
    ck_quiet(worker > 0);
    return worker_join(worker);
}

int worker_join(shmpool_worker worker)
{
    int status = -1;
    ck_ok(shmpool_join(worker, &status, -1));
    return status;
}

void *shared_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_quiet(memory != MAP_FAILED);
    return memory;
}

void wait_for(const _Atomic int *value, int at_least)
{
    while (atomic_load(value) < at_least)
        sched_yield();
}

/* The runner's handlers are not for workers. The family, and what it keeps open for its life, begin
 * before the fixture counts. */
static void begin(void)
{
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    nowhere();
    pool_drop(pool_new(1));
    leftover_setup();
}

TCase *contract_case(const char *subject)
{
    TCase *tcase = tcase_create(subject);
    tcase_add_checked_fixture(tcase, begin, leftover_teardown);
    return tcase;
}

static Suite *contract_suite(void)
{
    static TCase *(*const cases[])(void) = {
        creation_case, names_case,    address_case,  opening_case,    attach_case,    ending_case,
        blocks_case,   room_case,     growth_case,   memory_case,     inside_case,    listing_case,
        registry_case, workers_case,  grants_case,   readonly_case,   join_case,      forks_case,
        threads_case,  reclaim_case,  liveness_case, signals_case,    errors_case,    spawn_case,
        races_case,    refusals_case, costs_case,    collecting_case, beginning_case, stack_case,
    };
    Suite *suite = suite_create(backend()->name);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        suite_add_tcase(suite, cases[i]());
    return suite;
}

static void begin_file(void)
{
    struct statfs system;
    filefolder_begin();
    if (filefolder_path() == NULL)
        return;
    snprintf(file_prefix, sizeof file_prefix, "%s/shmpool.", filefolder_path());
    if (statfs(filefolder_path(), &system) == 0 && system.f_type == HUGETLBFS_MAGIC)
        file_unit = (size_t)system.f_bsize;
}

int main(int argc, char **argv)
{
    begin_file();
    if (argc > 1)
        return helper_main(argc, argv);
    setenv("CK_DEFAULT_TIMEOUT", "60", 0);
    run_id();
    random_seed();
    child_can_be_others();
    SRunner *runner = srunner_create(contract_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return leftover_sweep() + filefolder_end() + failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
