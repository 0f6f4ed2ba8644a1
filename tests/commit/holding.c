/* What was committed stays so. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commit/commit.h"
#include "support/proc.h"
#include "support/random.h"

static uint64_t taken_by(shmpool_id pool)
{
    struct proc_mapping mapping;
    struct stat status;
    int fd;
    void *block = shmpool_alloc(pool, 1);
    CHILD_CHECK(block != NULL && proc_mapping_at(block, &mapping));
    CHILD_CHECK(shmpool_free(pool, block) == 0);
    CHILD_CHECK(proc_descriptors_of(mapping.object, &fd, 1) > 0 && fstat(fd, &status) == 0);
    CHILD_CHECK((uint64_t)status.st_blocks * 512 >= (uint64_t)status.st_size);
    return (uint64_t)status.st_blocks * 512;
}

static int use(void *arg)
{
    shmpool_id pool = *(const shmpool_id *)arg;
    struct random random = random_stream(random_seed(), 40);
    for (int i = 0; i < 300; i++) {
        void *block = shmpool_alloc(pool, pages(random_between(&random, 1, 100)));
        CHILD_CHECK(block != NULL && shmpool_free(pool, block) == 0);
    }
    CHILD_CHECK(shmpool_recover(pool) == 0);
    return 0;
}

static int die_holding(void *arg)
{
    CHILD_CHECK(shmpool_alloc(*(const shmpool_id *)arg, pages(50)) != NULL);
    return 0;
}

static int use_and_look(void *arg)
{
    (void)arg;
    int status;
    shmpool_id pool = create_or_refuse(pages(500), SHMPOOL_COMMIT, 0, NULL);
    CHILD_CHECK(pool > 0);
    uint64_t taken = taken_by(pool);
    CHILD_CHECK(use(&pool) == 0);
    CHILD_CHECK(child_ok(child_run(use, &pool)));
    shmpool_worker worker = shmpool_start(die_holding, &pool, NULL);
    CHILD_CHECK(worker > 0 && shmpool_join(worker, &status, -1) == 0 && status == 0);
    CHILD_CHECK(shmpool_reclaim(pool, 0) == (ssize_t)pages(50));
    CHILD_CHECK(taken_by(pool) == taken);
    touch_all_of(pool);
    drop(pool);
    return 0;
}

START_TEST(what_is_committed_stays_committed)
{
    ck_child_ok(use_and_look, NULL);
}
END_TEST

static void constrain(void)
{
    part = PART_HOLDING;
}

TCase *holding_case(void)
{
    TCase *tcase = tcase_create("holding");
    tcase_add_checked_fixture(tcase, constrain, NULL);
    if (has_descriptors()) /* the file tells what it holds */
        tcase_add_test(tcase, what_is_committed_stays_committed);
    return tcase;
}
