/* The contract suite: every promise of the public headers, run once per backend.
 *
 * The backend comes from SHMPOOL_BACKEND. What differs between backends stands in one table in
 * contract.c; tests ask for the property, never for the name. Only the public interface is used,
 * and the kernel's word on what is mapped, open and alive. */
#ifndef TESTS_CONTRACT_CONTRACT_H
#define TESTS_CONTRACT_CONTRACT_H

#include <check.h>
#include <errno.h>
#include <shmpool.h>
#include <stdbool.h>
#include <stddef.h>

#include "support/child.h"
#include "support/leftover.h"
#include "support/proc.h"

struct backend_facts {
    const char *name;
    bool has_names;       /* open and unlink_name find pools, EEXIST says that a name is taken */
    bool has_descriptors; /* objects are files, held by descriptors */
    bool reads_ahead;     /* the system may take memory that nobody touched yet */
    const char *prefix; /* of the object's path; the pool's name follows; NULL: there is no path */
};

const struct backend_facts *backend(void);

/* Bytes of a page, and of n pages. */
size_t page(void);
size_t pages(size_t n);

/* Bytes that objects are whole multiples of: a page, or a huge page, which is given back as a whole
 * or not at all, and stays in core dumps as coredump_filter says. */
size_t unit(void);

/* A pool of n pages with a name of this run. */
shmpool_id pool_new(size_t n_pages);

/* A pool of n pages with this name. */
shmpool_id pool_named(const char *name, size_t n_pages);

/* Unlinks and releases. */
void pool_drop(shmpool_id pool);

/* The object behind a pool that is mapped here, and where its mapping starts. Uses a free page of
 * the pool for a moment. */
struct proc_object pool_object(shmpool_id pool);
void *pool_base(shmpool_id pool);

/* The path of the object of that name in the file system. */
void object_path(char *path, size_t size, const char *name);

/* Whether an object has the name. Only for backends with names. */
bool object_is_named(const char *name);

/* What the kernel says of the object behind a pool that is mapped here and has its name. */
struct object_state {
    size_t size;      /* bytes */
    size_t allocated; /* of memory */
    mode_t mode;
};
struct object_state object_state(shmpool_id pool);

/* Asserts that the pool is sound and wholly free. */
void ck_pool_is_whole(shmpool_id pool);

struct shmpool_stats stats_of(shmpool_id pool);

/* The first public function that does not fail with this errno for this ID; NULL when all do.
 * shmpool_name is left out where names stay readable: pass with_name false. */
const char *call_that_does_not_fail(shmpool_id pool, void *block, int code, bool with_name);

/* Starts a worker and joins it; its wait status. options as for shmpool_start. */
int worker_run(int (*run)(void *), void *arg, const struct shmpool_start_options *options);

/* Joins without a time limit; the wait status. */
int worker_join(shmpool_worker worker);

#define ck_worker_ok(run, arg, options) ck_status_ok(worker_run(run, arg, options))
#define ck_join_ok(worker)              ck_status_ok(worker_join(worker))

/* Memory that forked children share with this process: zeroed, 4 KiB at least; never given back. */
void *shared_memory(size_t size);

/* Waits until the value is reached, by looking; a lost partner is for the test's time limit. */
void wait_for(const _Atomic int *value, int at_least);

/* Check writes to a file of the test for each assertion that holds. These write when one fails
 * only: so they can stand in loops, and in what children call, who share that file with their
 * parent. */
#define ck_quiet(condition)                                                                        \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("%s: %s", #condition, shmpool_errmsg());                                  \
    } while (0)

#define ck_ok(call)                                                                                \
    do {                                                                                           \
        if ((call) < 0)                                                                            \
            ck_abort_msg("%s: %s", #call, shmpool_errmsg());                                       \
    } while (0)

#define ck_fails_if(succeeded, call, code)                                                         \
    do {                                                                                           \
        errno = 0;                                                                                 \
        if (succeeded)                                                                             \
            ck_abort_msg("%s succeeded", #call);                                                   \
        if (errno != (code))                                                                       \
            ck_abort_msg("%s: errno is %d, not %d: %s", #call, errno, (code), shmpool_errmsg());   \
    } while (0)

#define ck_fails(call, code)      ck_fails_if((call) >= 0, call, code)
#define ck_fails_null(call, code) ck_fails_if((call) != NULL, call, code)

#define ck_says(text)                                                                              \
    do {                                                                                           \
        if (strstr(shmpool_errmsg(), (text)) == NULL)                                              \
            ck_abort_msg("\"%s\" is not in: %s", (text), shmpool_errmsg());                        \
    } while (0)

#define CHILD_FAILS(call, code)      CHILD_CHECK((errno = 0, (call) < 0) && errno == (code))
#define CHILD_FAILS_NULL(call, code) CHILD_CHECK((errno = 0, (call) == NULL) && errno == (code))

/* One case a subject; each adds its tests, fixture and time limit. */
TCase *contract_case(const char *subject);
TCase *names_case(void);
TCase *creation_case(void);
TCase *address_case(void);
TCase *opening_case(void);
TCase *attach_case(void);
TCase *ending_case(void);
TCase *beginning_case(void);
TCase *blocks_case(void);
TCase *room_case(void);
TCase *growth_case(void);
TCase *memory_case(void);
TCase *grants_case(void);
TCase *readonly_case(void);
TCase *workers_case(void);
TCase *join_case(void);
TCase *liveness_case(void);
TCase *costs_case(void);
TCase *forks_case(void);
TCase *registry_case(void);
TCase *inside_case(void);
TCase *listing_case(void);
TCase *collecting_case(void);
TCase *threads_case(void);
TCase *reclaim_case(void);
TCase *races_case(void);
TCase *signals_case(void);
TCase *errors_case(void);
TCase *spawn_case(void);
TCase *refusals_case(void);
TCase *stack_case(void);

/* What this program does when it was started by child_exec: argv[1] says what; see opening.c. */
int helper_main(int argc, char **argv);

/* Two of those things; see listing.c. */
int helper_make(char **argv);
int helper_look(char **argv);
int helper_make_family(char **argv);
int helper_open(char **argv);

/* The same for programs that shmpool_spawn started: argv[1] is "spawned"; see spawn.c. */
int spawned_main(int argc, char **argv);

#endif
