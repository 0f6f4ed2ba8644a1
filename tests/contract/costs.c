/* What calls cost, as the manual pages say it: those on blocks and those that look inside make no
 * system call once their thread has its place in the pool. */
#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "contract/contract.h"
#include "support/filter.h"
#include "support/sanitized.h"

static void use_blocks(shmpool_id pool, void *_Atomic *link)
{
    void *small = shmpool_alloc(pool, 1);
    void *longer = shmpool_alloc(pool, pages(100));
    void *aligned = shmpool_alloc_aligned(pool, pages(64), pages(2));
    CHILD_CHECK(small != NULL && longer != NULL && aligned != NULL);
    CHILD_CHECK(shmpool_size_at(pool, longer) == (ssize_t)pages(100));
    CHILD_CHECK(shmpool_of(aligned) == pool);
    CHILD_CHECK(shmpool_publish(pool, small, (void *)link) == 0);
    CHILD_CHECK(shmpool_free(pool, longer) == 0 && shmpool_free(pool, aligned) == 0);
    CHILD_FAILS(shmpool_free(pool, longer), ENOENT);
    atomic_store(link, NULL);
    CHILD_CHECK(shmpool_free(pool, small) == 0);
}

static void look_inside(shmpool_id pool, void *object)
{
    struct shmpool_stats stats;
    CHILD_CHECK(shmpool_set_root(pool, object) == 0 && shmpool_root(pool) == object);
    CHILD_CHECK(shmpool_set_root(pool, NULL) == 0);
    CHILD_CHECK(shmpool_stats(pool, &stats) == 0 && stats.blocks == 1);
    CHILD_CHECK(shmpool_check(pool, NULL) == 0);
    CHILD_CHECK(shmpool_grow(pool, pages(1)) == 0); /* it has more already */
    CHILD_CHECK(shmpool_name(pool) != NULL && shmpool_self() == 0);
    CHILD_CHECK(shmpool_errmsg() != NULL && shmpool_version() != NULL);
}

static int work_without_the_system(void *arg)
{
    shmpool_id pool = *(shmpool_id *)arg;
    void *_Atomic *link = shmpool_alloc(pool, sizeof *link);
    CHILD_CHECK(link != NULL);
    *link = NULL;
    CHILD_CHECK(filter_all_but(SYS_exit_group) == 0);
    for (int i = 0; i < 10; i++) {
        use_blocks(pool, link);
        look_inside(pool, (void *)link);
    }
    syscall(SYS_exit_group, 0); /* _exit of a coverage build writes its counters */
    return 1;
}

START_TEST(calls_on_blocks_and_looks_inside_make_no_system_call)
{
    shmpool_id pool = pool_new(1000);
    ck_child_ok(work_without_the_system, &pool);
    pool_drop(pool);
}
END_TEST

static int make_a_system_call(void *unused)
{
    (void)unused;
    CHILD_CHECK(filter_all_but(SYS_exit_group) == 0);
    getppid();
    _exit(0);
}

START_TEST(a_system_call_would_be_seen)
{
    ck_assert(!child_ok(child_run(make_a_system_call, NULL)));
}
END_TEST

TCase *costs_case(void)
{
    TCase *tcase = contract_case("costs");
    if (SANITIZED) /* sanitizers make system calls of their own */
        return tcase;
    tcase_add_test(tcase, calls_on_blocks_and_looks_inside_make_no_system_call);
    tcase_add_test(tcase, a_system_call_would_be_seen);
    return tcase;
}
