/* /dev/shm is tiny, full, raced for by others, under a storm of signals. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <unistd.h>

#include "commit/commit.h"
#include "support/random.h"

/* Sizes from a page, which with its tables takes half of what /dev/shm holds, to all of it. */
static int create_in_tiny_folder(void *arg)
{
    (void)arg;
    unsigned n[2] = {0, 0};
    if (!own_folder("size=512k"))
        return 0;
    struct random random = random_stream(random_seed(), 1);
    CHILD_CHECK(attempt(page(), 0, NULL) == MADE);
    struct state before = state_now(true);
    for (int i = 0; i < 4000; i++)
        n[attempt(random_between(&random, 1, 512 << 10), ENOSPC, "/dev/shm has no room for ")]++;
    CHILD_CHECK(n[MADE] > 0 && (n[REFUSED] > 0) == has_files());
    check_same(&before, true);
    return 0;
}

START_TEST(a_tiny_folder_is_an_error)
{
    ck_child_ok(create_in_tiny_folder, NULL);
}
END_TEST

static void take_blocks(int fd, size_t n)
{
    CHILD_CHECK(ftruncate(fd, 0) == 0);
    CHILD_CHECK(n == 0 || fallocate(fd, 0, 0, (off_t)pages(n)) == 0);
}

static size_t free_pages(void)
{
    struct statvfs system;
    CHILD_CHECK(statvfs("/dev/shm", &system) == 0);
    return system.f_bfree * system.f_frsize / page();
}

/* A pool is made if and only if all of its pages fit: there is one number of free pages from which
 * on it is. */
static int create_in_full_folder(void *arg)
{
    size_t size = pages(*(const size_t *)arg);
    bool made_before = false;
    if (!own_folder("size=1536k"))
        return 0;
    int fd = open("/dev/shm/filling", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHILD_CHECK(fd >= 0 && attempt(page(), 0, NULL) == MADE);
    for (size_t taken = free_pages() + 1; taken-- > 0;) {
        take_blocks(fd, taken);
        struct state before = state_now(true);
        size_t unused = free_pages();
        bool made = attempt(size, ENOSPC, "remount,size=") == MADE;
        CHILD_CHECK(made || !made_before);
        CHILD_CHECK(!made || !has_files() || unused > size / page());
        check_same(&before, true);
        made_before = made;
    }
    CHILD_CHECK(made_before);
    close(fd);
    return 0;
}

START_TEST(a_full_folder_is_an_error_until_all_fits)
{
    static size_t sizes[] = {1, 33, 200};
    ck_child_ok(create_in_full_folder, &sizes[_i]);
}
END_TEST

static int create_without_files_left(void *arg)
{
    (void)arg;
    if (!has_files() || !own_folder("size=1m,nr_inodes=2"))
        return 0;
    CHILD_CHECK(attempt(page(), 0, NULL) == MADE);
    CHILD_CHECK(close(open("/dev/shm/last", O_CREAT | O_RDWR | O_CLOEXEC, 0600)) == 0);
    struct state before = state_now(true);
    for (int i = 0; i < 100; i++)
        CHILD_CHECK(attempt(page(), ENOSPC, "no room for another file") == REFUSED);
    check_same(&before, true);
    return 0;
}

START_TEST(a_folder_without_room_for_a_file_is_an_error)
{
    ck_child_ok(create_without_files_left, NULL);
}
END_TEST

enum { RACERS = 3, ROUNDS = 800 };

static int race(void *arg)
{
    struct random random = random_stream(random_seed(), (uint64_t)(uintptr_t)arg);
    for (int i = 0; i < ROUNDS; i++)
        attempt(random_between(&random, 1, 512 << 10), ENOSPC, "/dev/shm has no room for ");
    return 0;
}

static int race_for_folder(void *arg)
{
    (void)arg;
    pid_t racers[RACERS];
    if (!own_folder("size=1m"))
        return 0;
    struct state before = state_now(true);
    for (uintptr_t i = 0; i < RACERS; i++)
        racers[i] = child_start(race, (void *)(i + 2));
    for (int i = 0; i < RACERS; i++)
        CHILD_CHECK(child_ok(child_wait(racers[i])));
    check_same(&before, true);
    return 0;
}

START_TEST(processes_that_race_for_room_get_it_or_an_error)
{
    ck_child_ok(race_for_folder, NULL);
}
END_TEST

static volatile sig_atomic_t n_ticks;

static void tick(int number)
{
    (void)number;
    n_ticks++;
}

static void start_storm(void)
{
    struct sigaction action = {.sa_handler = tick};
    struct itimerval often = {{0, 100}, {0, 100}};
    CHILD_CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    CHILD_CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
}

static void end_storm(void)
{
    struct itimerval never = {{0, 0}, {0, 0}};
    CHILD_CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
}

static int create_in_storm(void *arg)
{
    (void)arg;
    if (!own_folder("size=3m"))
        return 0;
    CHILD_CHECK(attempt(page(), 0, NULL) == MADE);
    struct state before = state_now(true);
    struct random random = random_stream(random_seed(), 6);
    start_storm();
    for (int i = 0; i < 400; i++)
        attempt(random_between(&random, 1, 4 << 20), ENOSPC, "/dev/shm has no room for ");
    end_storm();
    CHILD_CHECK(n_ticks > 0);
    check_same(&before, true);
    return 0;
}

START_TEST(signals_neither_interrupt_nor_spoil)
{
    ck_child_ok(create_in_storm, NULL);
}
END_TEST

static void constrain(void)
{
    part = PART_FOLDER;
}

TCase *folder_case(void)
{
    TCase *tcase = tcase_create("folder");
    tcase_add_checked_fixture(tcase, constrain, NULL);
    tcase_add_test(tcase, a_tiny_folder_is_an_error);
    tcase_add_loop_test(tcase, a_full_folder_is_an_error_until_all_fits, 0, 3);
    tcase_add_test(tcase, a_folder_without_room_for_a_file_is_an_error);
    tcase_add_test(tcase, processes_that_race_for_room_get_it_or_an_error);
    tcase_add_test(tcase, signals_neither_interrupt_nor_spoil);
    return tcase;
}
