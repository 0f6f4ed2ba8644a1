/* sysv: names that are keys, who may have one, and what becomes of unfinished segments. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/backends.h"
#include "backend/call.h"
#include "backend_sysv/keys.h"
#include "backend_sysv/segment.h"
#include "support/namespace.h"

static const struct shmpool_backend *sysv(void)
{
    return backend_by_name("sysv", 4);
}

static int try_create(struct shmpool_object *object, const char *name)
{
    return sysv()->create(object, name, pages(N_PAGES), pages(N_PAGES), 0600);
}

/* As the family makes an object complete: the name, and the magic last. */
static void write_beginning(char *mapped, const char *name)
{
    strcpy(mapped + SHMPOOL_OBJECT_NAME, name);
    memcpy(mapped, SHMPOOL_OBJECT_MAGIC, sizeof SHMPOOL_OBJECT_MAGIC);
}

static void finish(struct shmpool_object *object, const char *name)
{
    char *mapped = map(sysv(), object, 0);
    write_beginning(mapped, name);
    ck_ok(sysv()->publish(object, name));
    ck_ok(sysv()->unmap(object, mapped, pages(N_PAGES)));
}

static struct shmpool_object make_finished(const char *name, mode_t mode)
{
    struct shmpool_object object = make(sysv(), name, mode);
    finish(&object, name);
    return object;
}

static void drop(struct shmpool_object *object, const char *name)
{
    ck_ok(sysv()->unlink(object, name));
    sysv()->close(object);
}

static bool opens(const char *name, uint64_t inode)
{
    struct shmpool_object object;
    if (sysv()->open(&object, name, 0) != 0)
        return false;
    bool same = object.inode == inode;
    sysv()->close(&object);
    return same;
}

/* A segment of another program at one of the name's keys. */
static int squat(const char *name, unsigned index)
{
    int id = shmget(key_of(name, index), pages(N_PAGES), IPC_CREAT | IPC_EXCL | 0600);
    ck_assert_int_ge(id, 0);
    return id;
}

/* One that was removed may still be attached, by another test that lists all pools. */
static bool is_there(int id)
{
    struct shmid_ds status;
    return shmctl(id, IPC_STAT, &status) == 0 && (status.shm_perm.mode & SHM_DEST) == 0;
}

static void remove_segment(int id)
{
    ck_assert_int_eq(shmctl(id, IPC_RMID, NULL), 0);
}

/* ---- keys ---- */

/* Pools are found by them after an update of the library. */
START_TEST(the_keys_of_a_name_never_change)
{
    ck_assert_int_eq(key_of("a", 0), (key_t)UINT32_C(0x70772d5a));
    ck_assert_int_eq(key_of("a", 7), (key_t)UINT32_C(0x406e9305));
    for (unsigned i = 0; i < KEYS_PER_NAME; i++)
        for (unsigned j = 0; j < i; j++)
            ck_assert_int_ne(key_of("name", i), key_of("name", j));
}
END_TEST

/* Names "c0", "c1", ... of which the last one has a first key like one before: both numbers. */
static void find_collision(unsigned pair[2])
{
    enum { N_SLOTS = 1 << 20 };
    unsigned *slots = calloc(N_SLOTS, sizeof *slots); /* number + 1 */
    char name[16], other[16];
    ck_assert_ptr_nonnull(slots);
    for (pair[1] = 0;; pair[1]++) {
        snprintf(name, sizeof name, "c%u", pair[1]);
        unsigned *slot = &slots[(uint32_t)key_of(name, 0) % N_SLOTS];
        pair[0] = *slot - 1;
        snprintf(other, sizeof other, "c%u", pair[0]);
        if (*slot != 0 && key_of(name, 0) == key_of(other, 0))
            break;
        *slot = pair[1] + 1;
    }
    free(slots);
}

START_TEST(names_that_meet_in_a_key_are_two_names)
{
    unsigned pair[2];
    char name[2][RUN_NAME_SIZE];
    struct shmpool_object object[2];
    find_collision(pair);
    for (int i = 0; i < 2; i++) {
        snprintf(name[i], sizeof name[i], "c%u", pair[i]);
        object[i] = make_finished(name[i], 0600);
    }
    ck_assert_uint_ne(object[0].inode, object[1].inode);
    ck_assert(opens(name[0], object[0].inode));
    ck_assert(opens(name[1], object[1].inode));
    drop(&object[0], name[0]);
    ck_assert(opens(name[1], object[1].inode));
    ck_fails(try_create(&object[0], name[1]), EEXIST);
    drop(&object[1], name[1]);
}
END_TEST

/* ---- a name's life ---- */

START_TEST(a_name_is_there_from_the_magic_to_unlink)
{
    char name[RUN_NAME_SIZE];
    struct shmpool_object other;
    struct shmpool_object object = make(sysv(), run_name(name, "life"), 0600);
    ck_fails(sysv()->open(&other, name, 0), ENOENT);
    ck_says(name);
    ck_fails(sysv()->unlink(NULL, name), ENOENT);
    finish(&object, name);
    ck_ok(sysv()->open(&other, name, SHMPOOL_MAP_RDONLY));
    ck_assert_uint_eq(object.inode, other.inode);
    ck_assert_uint_eq(object.device, other.device);
    ck_fails_null(sysv()->map(&other, NULL, pages(1), 0), EBADF);
    sysv()->close(&other);
    ck_fails(try_create(&other, name), EEXIST);
    ck_says(name);
    ck_ok(sysv()->unlink(NULL, name));
    ck_fails(sysv()->open(&other, name, 0), ENOENT);
    ck_fails(sysv()->unlink(&object, name), ENOENT);
    sysv()->close(&object);
}
END_TEST

START_TEST(what_was_unlinked_can_be_mapped_as_long_as_it_is_held)
{
    char name[RUN_NAME_SIZE];
    struct shmpool_description description;
    struct shmpool_object object = make_finished(run_name(name, "held"), 0600);
    ck_ok(sysv()->unlink(&object, name));
    ck_ok(sysv()->describe(&object, &description));
    char *mapped = map(sysv(), &object, 0);
    ck_assert_str_eq(mapped, SHMPOOL_OBJECT_MAGIC);
    struct shmpool_object next = make_finished(name, 0600);
    ck_assert_uint_ne(next.inode, object.inode);
    ck_fails(sysv()->unlink(&object, name), ENOENT);
    ck_assert(opens(name, next.inode));
    ck_ok(sysv()->unmap(&object, mapped, pages(N_PAGES)));
    sysv()->close(&object);
    ck_fails(sysv()->describe(&object, &description), EBADF);
    drop(&next, name);
}
END_TEST

START_TEST(a_damaged_pool_has_its_name_and_is_not_unlinked_by_it)
{
    char name[RUN_NAME_SIZE];
    struct shmpool_object none;
    struct shmpool_object object = make_finished(run_name(name, "damaged"), 0600);
    char *mapped = map(sysv(), &object, 0);
    *mapped = 'S';
    ck_assert(opens(name, object.inode));
    ck_fails(try_create(&none, name), EEXIST);
    ck_fails(sysv()->unlink(NULL, name), ENOENT);
    ck_says("is not a pool");
    ck_ok(sysv()->unmap(&object, mapped, pages(N_PAGES)));
    drop(&object, name);
}
END_TEST

START_TEST(a_segment_is_as_large_as_it_will_ever_be)
{
    char name[RUN_NAME_SIZE];
    struct shmpool_object object;
    struct shmpool_description description;
    ck_ok(sysv()->create(&object, run_name(name, "max"), pages(2), pages(9), 0600));
    ck_ok(sysv()->describe(&object, &description));
    ck_assert_uint_eq(description.size, pages(9));
    char *mapped = sysv()->map(&object, NULL, pages(9), 0);
    ck_assert_ptr_nonnull(mapped);
    mapped[pages(9) - 1] = 1;
    ck_fails_null(sysv()->map(&object, NULL, pages(10), 0), EUCLEAN);
    ck_fails_null(sysv()->map(&object, mapped, pages(8), SHMPOOL_MAP_REPLACE), EINVAL);
    ck_ok(sysv()->unmap(&object, mapped, pages(9)));
    sysv()->close(&object);
}
END_TEST

/* ---- unfinished segments ---- */

static int closes(void *arg)
{
    sysv()->close(arg);
    return 0;
}

START_TEST(an_unpublished_segment_goes_with_its_maker_only)
{
    char name[RUN_NAME_SIZE];
    struct shmpool_object other;
    struct shmpool_object object = make(sysv(), run_name(name, "maker"), 0600);
    ck_child_ok(closes, &object);
    ck_fails(try_create(&other, name), EEXIST);
    ck_says("is making a pool");
    sysv()->close(&object);
    ck_ok(try_create(&other, name));
    sysv()->close(&other);
}
END_TEST

static int dies_unfinished(void *arg)
{
    struct shmpool_object object;
    CHILD_CHECK(try_create(&object, arg) == 0);
    _exit(0);
}

START_TEST(what_a_dead_maker_left_is_removed)
{
    char name[RUN_NAME_SIZE];
    struct shmpool_object object;
    run_name(name, "dead");
    ck_child_ok(dies_unfinished, name);
    ck_fails(sysv()->open(&object, name, 0), ENOENT);
    ck_ok(try_create(&object, name));
    sysv()->close(&object);
}
END_TEST

START_TEST(what_a_dead_maker_left_stays_while_somebody_has_it_attached)
{
    char name[RUN_NAME_SIZE];
    struct shmpool_object object;
    run_name(name, "attached");
    ck_child_ok(dies_unfinished, name);
    int id = shmget(key_of(name, 0), 0, 0);
    void *attached = shmat(id, NULL, 0);
    ck_fails(try_create(&object, name), EEXIST);
    ck_says("ended");
    ck_says("ipcrm -m");
    ck_assert_int_eq(shmdt(attached), 0);
    ck_ok(try_create(&object, name));
    ck_assert(!is_there(id));
    sysv()->close(&object);
}
END_TEST

/* A zombie is dead. */
START_TEST(a_zombie_makes_no_pool)
{
    char name[RUN_NAME_SIZE];
    struct shmpool_object object;
    siginfo_t info;
    run_name(name, "zombie");
    pid_t child = child_start(dies_unfinished, name);
    ck_assert_int_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    ck_ok(try_create(&object, name));
    sysv()->close(&object);
    ck_status_ok(child_wait(child));
}
END_TEST

/* A maker in steps: it makes the segment, waits for the word to go on, finishes the pool, and ends
 * with nobody left who has it attached. */
struct maker {
    char name[RUN_NAME_SIZE];
    _Atomic int made;
    _Atomic int go;
};

static int finishes_when_told(void *arg)
{
    struct maker *maker = arg;
    struct shmpool_object object;
    CHILD_CHECK(try_create(&object, maker->name) == 0);
    atomic_store(&maker->made, 1);
    while (atomic_load(&maker->go) == 0)
        sched_yield();
    finish(&object, maker->name);
    sysv()->close(&object);
    return 0;
}

/* Whoever saw the segment unfinished, and was slow, finds the maker dead. */
START_TEST(a_pool_that_was_finished_meanwhile_is_not_abandoned)
{
    struct maker *maker =
        mmap(NULL, sizeof *maker, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    run_name(maker->name, "slow");
    pid_t child = child_start(finishes_when_told, maker);
    while (atomic_load(&maker->made) == 0)
        sched_yield();
    struct segment seen = segment_inspect(key_of(maker->name, 0), maker->name);
    atomic_store(&maker->go, 1);
    ck_status_ok(child_wait(child));
    ck_assert_int_eq(seen.kind, SEGMENT_UNFINISHED);
    ck_assert(!segment_is_abandoned(&seen));
    ck_ok(sysv()->unlink(NULL, maker->name));
    munmap(maker, sizeof *maker);
}
END_TEST

static int removes_without_pidfds(void *arg)
{
    struct shmpool_object object;
    refuse_call(__NR_pidfd_open, EPERM, 0, 0);
    CHILD_CHECK(try_create(&object, arg) == 0);
    sysv()->close(&object);
    return 0;
}

/* As older container managers answer for what they do not know. */
START_TEST(what_a_dead_maker_left_is_removed_also_where_pidfds_are_filtered)
{
    char name[RUN_NAME_SIZE];
    run_name(name, "filtered");
    ck_child_ok(dies_unfinished, name);
    ck_child_ok(removes_without_pidfds, name);
}
END_TEST

static void *waits_to_be_joined(void *arg)
{
    _Atomic int *thread = arg;
    atomic_store(thread, gettid());
    while (atomic_load(thread) != 0)
        sched_yield();
    return NULL;
}

/* The number of a process that is gone comes to anybody, also to a thread. */
START_TEST(a_maker_whose_number_is_a_threads_is_dead)
{
    char name[RUN_NAME_SIZE];
    pthread_t other;
    _Atomic int thread = 0;
    run_name(name, "thread");
    ck_child_ok(dies_unfinished, name);
    struct segment seen = segment_inspect(key_of(name, 0), name);
    ck_assert_int_eq(pthread_create(&other, NULL, waits_to_be_joined, &thread), 0);
    while (atomic_load(&thread) == 0)
        sched_yield();
    seen.status.shm_cpid = atomic_load(&thread);
    bool is_abandoned = segment_is_abandoned(&seen);
    atomic_store(&thread, 0);
    pthread_join(other, NULL);
    ck_assert(is_abandoned);
    ck_assert_int_eq(segment_remove(seen.id, seen.key), 0);
}
END_TEST

/* ---- other programs ---- */

static int squats_and_ends(void *arg)
{
    int id = shmget(key_of(arg, 0), pages(N_PAGES), IPC_CREAT | IPC_EXCL | 0600);
    CHILD_CHECK(id >= 0);
    return 0;
}

/* Zeroes of a dead process that nobody has attached: another program's data all the same. */
START_TEST(segments_of_other_programs_are_never_touched)
{
    char name[RUN_NAME_SIZE];
    struct shmpool_object object, none;
    run_name(name, "foreign");
    ck_child_ok(squats_and_ends, name);
    int id = shmget(key_of(name, 0), 0, 0);
    ck_assert_int_ge(id, 0);
    ck_fails(sysv()->open(&none, name, 0), ENOENT);
    ck_fails(sysv()->unlink(NULL, name), ENOENT);
    object = make_finished(name, 0600);
    ck_assert_int_eq(shmget(key_of(name, 1), 0, 0), (int)object.inode);
    ck_assert(opens(name, object.inode));
    ck_assert(is_there(id));
    remove_segment(id);
    ck_fails(try_create(&none, name), EEXIST);
    ck_says(name);
    ck_assert_int_eq(shmget(key_of(name, 0), 0, 0), -1);
    ck_assert(opens(name, object.inode));
    drop(&object, name);
}
END_TEST

enum { SHORT_OF_PAGES = 1877 }; /* as in src/backend_sysv/segment.c */

static int makes_a_private_one(void *arg)
{
    int *id = arg;
    *id = shmget(IPC_PRIVATE, pages(N_PAGES) - SHORT_OF_PAGES, IPC_CREAT | 0600);
    CHILD_CHECK(*id >= 0);
    return 0;
}

static int finds(const struct shmpool_found *found, void *arg)
{
    const int *id = arg;
    return found->inode == (uint64_t)*id;
}

/* Zeroes of a dead process again, and of the size that tells pools: but those have a key. */
START_TEST(a_segment_without_a_key_is_another_programs)
{
    int *id = mmap(NULL, sizeof *id, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_child_ok(makes_a_private_one, id);
    int is_listed = sysv()->list(0, finds, id);
    int removed = sysv()->remove_unfinished(segment_namespace(), (uint64_t)*id, 0);
    int code = errno;
    shmctl(*id, IPC_RMID, NULL);
    ck_assert_int_eq(is_listed, 0);
    ck_assert_int_eq(removed, -1);
    ck_assert_int_eq(code, ENOENT);
    munmap(id, sizeof *id);
}
END_TEST

START_TEST(a_name_whose_keys_are_all_held_is_refused)
{
    char name[RUN_NAME_SIZE];
    int ids[KEYS_PER_NAME];
    struct shmpool_object none;
    run_name(name, "full");
    for (unsigned i = 0; i < KEYS_PER_NAME; i++)
        ids[i] = squat(name, i);
    ck_fails(try_create(&none, name), EEXIST);
    ck_says("choose another name");
    for (unsigned i = 0; i < KEYS_PER_NAME; i++)
        remove_segment(ids[i]);
}
END_TEST

/* ---- many at once ---- */

enum { RACERS = 4, ROUNDS = 100 };

struct race {
    char name[RUN_NAME_SIZE];
    _Atomic int round; /* odd: run */
    _Atomic int n_done;
    _Atomic int n_winners;
    _Atomic int n_refused;
};

static void race_once(struct race *race)
{
    struct shmpool_object object;
    if (try_create(&object, race->name) != 0) {
        CHILD_CHECK(errno == EEXIST);
        atomic_fetch_add(&race->n_refused, 1);
        return;
    }
    char *mapped = sysv()->map(&object, NULL, pages(N_PAGES), 0);
    CHILD_CHECK(mapped != NULL);
    write_beginning(mapped, race->name);
    CHILD_CHECK(sysv()->publish(&object, race->name) == 0);
    CHILD_CHECK(sysv()->unmap(&object, mapped, pages(N_PAGES)) == 0);
    sysv()->close(&object);
    atomic_fetch_add(&race->n_winners, 1);
}

static int races(void *arg)
{
    struct race *race = arg;
    for (int round = 0; round < ROUNDS; round++) {
        while (atomic_load(&race->round) <= round)
            sched_yield();
        race_once(race);
        atomic_fetch_add(&race->n_done, 1);
    }
    return 0;
}

/* A stranger holds the first key and lets go of it meanwhile: then there may be no winner. */
static void run_round(struct race *race, int round, bool stranger)
{
    int id = stranger ? squat(race->name, 0) : -1;
    atomic_store(&race->n_done, 0);
    atomic_store(&race->n_winners, 0);
    atomic_store(&race->round, round + 1);
    for (int i = 0; stranger && i < round; i++)
        sched_yield();
    if (stranger)
        remove_segment(id);
    while (atomic_load(&race->n_done) < RACERS)
        sched_yield();
    int n_winners = atomic_load(&race->n_winners);
    ck_assert(n_winners == 1 || (stranger && n_winners == 0));
    ck_assert_int_eq(sysv()->unlink(NULL, race->name), n_winners == 1 ? 0 : -1);
    ck_fails(sysv()->unlink(NULL, race->name), ENOENT);
}

START_TEST(of_many_who_take_a_name_one_gets_it)
{
    struct race *race =
        mmap(NULL, sizeof *race, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child[RACERS];
    run_name(race->name, "race");
    for (int i = 0; i < RACERS; i++)
        child[i] = child_start(races, race);
    for (int round = 0; round < ROUNDS; round++)
        run_round(race, round, round % 2 != 0);
    for (int i = 0; i < RACERS; i++)
        ck_status_ok(child_wait(child[i]));
    ck_assert_int_ge(atomic_load(&race->n_refused), ROUNDS);
    munmap(race, sizeof *race);
}
END_TEST

/* All of them find the same leftover in the way. */
START_TEST(of_many_who_remove_a_leftover_one_gets_the_name)
{
    struct race *race =
        mmap(NULL, sizeof *race, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child[RACERS];
    run_name(race->name, "leftover");
    for (int i = 0; i < RACERS; i++)
        child[i] = child_start(races, race);
    for (int round = 0; round < ROUNDS; round++) {
        ck_child_ok(dies_unfinished, race->name);
        run_round(race, round, false);
    }
    for (int i = 0; i < RACERS; i++)
        ck_status_ok(child_wait(child[i]));
    munmap(race, sizeof *race);
}
END_TEST

/* ---- other users ---- */

enum { OTHER = 12345, GROUP = 23456 };

struct visit {
    char name[RUN_NAME_SIZE];
    unsigned flags;
    int open_error; /* 0: it opens */
    mode_t mode;
    uid_t give_to; /* (uid_t)-1: nobody */
};

static int visits(void *arg)
{
    const struct visit *visit = arg;
    struct shmpool_object object;
    int result = sysv()->open(&object, visit->name, visit->flags);
    CHILD_CHECK(visit->open_error == 0 ? result == 0 : result == -1 && errno == visit->open_error);
    sysv()->close(&object);
    if (visit->open_error != 0 && geteuid() != OTHER)
        CHILD_CHECK(sysv()->unlink(NULL, visit->name) == -1 && errno == EACCES);
    CHILD_CHECK(try_create(&object, visit->name) == -1 && errno == EEXIST);
    return 0;
}

static int makes_for_others(void *arg)
{
    const struct visit *visit = arg;
    struct shmpool_object object = make_finished(visit->name, visit->mode);
    struct shmid_ds status;
    CHILD_CHECK(shmctl((int)object.inode, IPC_STAT, &status) == 0);
    if (visit->give_to != (uid_t)-1) {
        status.shm_perm.uid = visit->give_to;
        status.shm_perm.gid = visit->give_to;
        CHILD_CHECK(shmctl((int)object.inode, IPC_SET, &status) == 0);
    }
    sysv()->close(&object);
    return 0;
}

/* The pool that OTHER of GROUP made; who: its visitor. */
static void visit_as(uid_t uid, gid_t gid, struct visit visit)
{
    run_name(visit.name, "visit");
    ck_child_ok_as(OTHER, GROUP, makes_for_others, &visit);
    ck_child_ok_as(uid, gid, visits, &visit);
    ck_ok(sysv()->unlink(NULL, visit.name));
}

START_TEST(strangers_are_refused_also_when_they_give_their_segment_away)
{
    const uid_t nobody = (uid_t)-1;
    const unsigned readonly = SHMPOOL_MAP_RDONLY;
    if (!child_can_be_others())
        return;
    visit_as(NOBODY, NOBODY, (struct visit){.mode = 0600, .open_error = EACCES, .give_to = nobody});
    visit_as(NOBODY, NOBODY, (struct visit){.mode = 0666, .open_error = EACCES, .give_to = nobody});
    visit_as(NOBODY, NOBODY, (struct visit){.mode = 0666, .open_error = EACCES, .give_to = NOBODY});
    visit_as(NOBODY, GROUP, (struct visit){.mode = 0660, .give_to = nobody});
    visit_as(NOBODY, GROUP, (struct visit){.mode = 0640, .open_error = EACCES, .give_to = nobody});
    visit_as(NOBODY, GROUP, (struct visit){.mode = 0640, .flags = readonly, .give_to = nobody});
    visit_as(OTHER, NOBODY, (struct visit){.mode = 0600, .give_to = nobody});
    visit_as(OTHER, NOBODY, (struct visit){.mode = 0400, .open_error = EACCES, .give_to = nobody});
    visit_as(OTHER, NOBODY, (struct visit){.mode = 0400, .flags = readonly, .give_to = nobody});
    visit_as(0, 0, (struct visit){.mode = 0600, .give_to = nobody});
}
END_TEST

static int unlinks_by_name(void *arg)
{
    char *name = arg;
    struct shmpool_object object = make_finished(name, 0400);
    sysv()->close(&object);
    CHILD_CHECK(sysv()->unlink(NULL, name) == 0);
    CHILD_CHECK(sysv()->open(&object, name, SHMPOOL_MAP_RDONLY) == -1 && errno == ENOENT);
    return 0;
}

/* As the tool's rm does. The mode is about the contents. */
START_TEST(who_made_a_pool_that_it_may_only_read_removes_its_name)
{
    char name[RUN_NAME_SIZE];
    run_name(name, "readable");
    if (child_can_be_others())
        ck_child_ok_as(OTHER, GROUP, unlinks_by_name, name);
    else
        ck_child_ok(unlinks_by_name, name);
}
END_TEST

/* ---- what the system refuses ---- */

static int meets_no_system_v(void *arg)
{
    struct shmpool_object object;
    refuse_call(__NR_shmget, ENOSYS, 0, 0);
    CHILD_CHECK(try_create(&object, arg) == -1 && errno == ENOTSUP);
    CHILD_CHECK(sysv()->open(&object, arg, 0) == -1 && errno == ENOENT);
    CHILD_CHECK(sysv()->unlink(NULL, arg) == -1 && errno == ENOENT);
    return 0;
}

static int meets_a_full_table(void *arg)
{
    struct shmpool_object object;
    refuse_call(__NR_shmget, ENOSPC, 2, IPC_CREAT);
    CHILD_CHECK(try_create(&object, arg) == -1 && errno == ENOSPC);
    CHILD_CHECK(strstr(error_sentence(), "sysctl kernel.shm") != NULL);
    return 0;
}

static int meets_strict_account(void *arg)
{
    struct shmpool_object object;
    refuse_call(__NR_shmget, ENOMEM, 2, IPC_CREAT);
    CHILD_CHECK(sysv()->create(&object, arg, pages(1), (size_t)1 << 40, 0600) == -1);
    CHILD_CHECK(errno == ENOMEM && strstr(error_sentence(), "1099511627776 bytes") != NULL);
    CHILD_CHECK(strstr(error_sentence(), "overcommit_memory") != NULL);
    return 0;
}

static int cannot_attach(void *arg)
{
    struct shmpool_object object;
    refuse_call(__NR_shmat, ENOMEM, 0, 0);
    CHILD_CHECK(try_create(&object, arg) == -1 && errno == ENOMEM);
    CHILD_CHECK(shmget(key_of(arg, 0), 0, 0) == -1 && errno == ENOENT);
    return 0;
}

static int cannot_set_the_mode(void *arg)
{
    struct shmpool_object object;
    CHILD_CHECK(sysv()->create(&object, arg, pages(1), pages(1), 0400) == 0);
    refuse_call(__NR_shmctl, EPERM, 1, IPC_SET);
    CHILD_CHECK(sysv()->publish(&object, arg) == -1 && errno == EPERM);
    sysv()->close(&object);
    CHILD_CHECK(shmget(key_of(arg, 0), 0, 0) == -1 && errno == ENOENT);
    return 0;
}

static int cannot_commit(void *arg)
{
    struct shmpool_object object;
    CHILD_CHECK(try_create(&object, arg) == 0);
    char *mapped = sysv()->map(&object, NULL, pages(N_PAGES), 0);
    CHILD_CHECK(mapped != NULL && sysv()->commit(&object, mapped, pages(N_PAGES)) == 0);
    refuse_call(__NR_madvise, EFAULT, 1, (uint32_t)pages(N_PAGES));
    CHILD_CHECK(sysv()->commit(&object, mapped, pages(N_PAGES)) == -1 && errno == ENOMEM);
    CHILD_CHECK(strstr(error_sentence(), "memory has no room for") != NULL);
    sysv()->close(&object);
    return 0;
}

static int meets_an_old_kernel(void *arg)
{
    struct shmpool_object object;
    CHILD_CHECK(try_create(&object, arg) == 0);
    char *mapped = sysv()->map(&object, NULL, pages(N_PAGES), 0);
    refuse_call(__NR_madvise, EINVAL, 0, 0);
    CHILD_CHECK(mapped != NULL);
    CHILD_CHECK(sysv()->commit(&object, mapped, pages(N_PAGES)) == 0);
    sysv()->close(&object);
    return 0;
}

static child_body *const refusals[] = {
    meets_no_system_v,   meets_a_full_table, meets_strict_account, cannot_attach,
    cannot_set_the_mode, cannot_commit,      meets_an_old_kernel};

START_TEST(a_step_that_fails_leaves_nothing)
{
    char name[RUN_NAME_SIZE];
    run_name(name, "step");
    ck_child_ok(refusals[_i], name);
    for (unsigned i = 0; i < KEYS_PER_NAME; i++)
        ck_assert_int_eq(shmget(key_of(name, i), 0, 0), -1);
}
END_TEST

static bool set_limit(const char *limit, const char *value)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/sys/kernel/%s", limit);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool set = fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value);
    if (fd >= 0)
        close(fd);
    return set;
}

/* In an IPC namespace of its own; where limits cannot be set there, nothing is tried: 0. */
static int meets_limits(void *arg)
{
    static const char *const limits[][2] = {{"shmmax", "4096"}, {"shmall", "2"}, {"shmmni", "1"}};
    struct shmpool_object first, second;
    if (unshare(CLONE_NEWIPC) != 0 && unshare(CLONE_NEWIPC | CLONE_NEWUSER) != 0)
        return printf("no IPC namespace of its own: limits were not tried\n"), 0;
    CHILD_CHECK(sysv()->create(&first, arg, pages(1), pages(1), 0600) == 0);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        if (!set_limit(limits[i][0], limits[i][1]))
            return printf("%s cannot be set: limits were not tried\n", limits[i][0]), 0;
        CHILD_CHECK(try_create(&second, "second") == -1 && errno == ENOSPC);
        if (strstr(error_sentence(), limits[i][0]) == NULL)
            child_fail(__FILE__, __LINE__, error_sentence());
        CHILD_CHECK(set_limit(limits[i][0], i == 2 ? "4096" : "1000000"));
    }
    sysv()->close(&first);
    return 0;
}

START_TEST(limits_are_told_with_their_remedy)
{
    char name[RUN_NAME_SIZE];
    run_name(name, "limits");
    ck_child_ok(meets_limits, name);
}
END_TEST

static int leaves_the_namespace(void *arg)
{
    struct shmpool_object object, other;
    struct shmpool_description description;
    CHILD_CHECK(sysv()->open(&object, arg, 0) == 0);
    if (unshare(CLONE_NEWIPC) != 0 && unshare(CLONE_NEWIPC | CLONE_NEWUSER) != 0)
        return printf("no IPC namespace of its own: leaving one was not tried\n"), 0;
    CHILD_CHECK(try_create(&other, arg) == 0); /* as likely as not with the same id */
    CHILD_CHECK(sysv()->describe(&object, &description) == -1 && errno == EBADF);
    CHILD_CHECK(sysv()->map(&object, NULL, pages(1), 0) == NULL && errno == EBADF);
    CHILD_CHECK(sysv()->unlink(&object, arg) == -1 && errno == EBADF);
    sysv()->close(&object);
    sysv()->close(&other);
    return 0;
}

/* The id of the one is that of the other in the thread's namespace. */
static void *leaves_in_a_thread(void *object)
{
    struct shmpool_object other;
    struct shmpool_description description;
    CHILD_CHECK(unshare(CLONE_NEWIPC) == 0);
    CHILD_CHECK(try_create(&other, "other") == 0);
    CHILD_CHECK(sysv()->describe(object, &description) == -1 && errno == EBADF);
    CHILD_CHECK(sysv()->map(object, NULL, pages(1), 0) == NULL && errno == EBADF);
    sysv()->close(&other);
    return NULL;
}

static int one_thread_leaves(void *arg)
{
    pthread_t thread;
    struct shmpool_object object;
    struct shmpool_description description;
    if (!namespace_enter(CLONE_NEWIPC))
        return printf("no IPC namespace of its own: leaving one was not tried\n"), 0;
    CHILD_CHECK(try_create(&object, arg) == 0);
    CHILD_CHECK(pthread_create(&thread, NULL, leaves_in_a_thread, &object) == 0);
    CHILD_CHECK(pthread_join(thread, NULL) == 0);
    CHILD_CHECK(sysv()->describe(&object, &description) == 0);
    sysv()->close(&object);
    return 0;
}

START_TEST(an_id_means_nothing_in_another_namespace)
{
    char name[RUN_NAME_SIZE];
    struct shmpool_object object = make_finished(run_name(name, "namespace"), 0600);
    ck_child_ok(leaves_the_namespace, name);
    ck_child_ok(one_thread_leaves, name);
    drop(&object, name);
}
END_TEST

static int makes_the_first_segment(void *arg)
{
    struct shmpool_object object;
    if (!namespace_enter(CLONE_NEWIPC))
        return printf("no namespaces of its own: being without /proc was not tried\n"), 0;
    CHILD_CHECK(mount("none", "/proc", "tmpfs", 0, NULL) == 0);
    CHILD_CHECK(call_create(sysv(), &object, arg, pages(1), pages(1), 0600) == 0);
    CHILD_CHECK(object.inode == 0);
    sysv()->close(&object);
    return 0;
}

/* Ids begin with 0, which a namespace that cannot be told makes no less of an identity. */
START_TEST(the_first_segment_can_be_made_without_proc)
{
    char name[RUN_NAME_SIZE];
    run_name(name, "first");
    ck_child_ok(makes_the_first_segment, name);
}
END_TEST

void add_sysv(Suite *suite)
{
    TCase *tcase = add_case(suite, "sysv");
    tcase_add_test(tcase, the_keys_of_a_name_never_change);
    tcase_add_test(tcase, names_that_meet_in_a_key_are_two_names);
    tcase_add_test(tcase, a_name_is_there_from_the_magic_to_unlink);
    tcase_add_test(tcase, what_was_unlinked_can_be_mapped_as_long_as_it_is_held);
    tcase_add_test(tcase, a_damaged_pool_has_its_name_and_is_not_unlinked_by_it);
    tcase_add_test(tcase, a_segment_is_as_large_as_it_will_ever_be);
    tcase_add_test(tcase, an_unpublished_segment_goes_with_its_maker_only);
    tcase_add_test(tcase, what_a_dead_maker_left_is_removed);
    tcase_add_test(tcase, what_a_dead_maker_left_stays_while_somebody_has_it_attached);
    tcase_add_test(tcase, a_zombie_makes_no_pool);
    tcase_add_test(tcase, a_pool_that_was_finished_meanwhile_is_not_abandoned);
    tcase_add_test(tcase, what_a_dead_maker_left_is_removed_also_where_pidfds_are_filtered);
    tcase_add_test(tcase, a_maker_whose_number_is_a_threads_is_dead);
    tcase_add_test(tcase, segments_of_other_programs_are_never_touched);
    tcase_add_test(tcase, a_segment_without_a_key_is_another_programs);
    tcase_add_test(tcase, a_name_whose_keys_are_all_held_is_refused);
    tcase_add_test(tcase, of_many_who_take_a_name_one_gets_it);
    tcase_add_test(tcase, of_many_who_remove_a_leftover_one_gets_the_name);
    tcase_add_test(tcase, strangers_are_refused_also_when_they_give_their_segment_away);
    tcase_add_test(tcase, who_made_a_pool_that_it_may_only_read_removes_its_name);
    tcase_add_loop_test(tcase, a_step_that_fails_leaves_nothing, 0,
                        sizeof refusals / sizeof refusals[0]);
    tcase_add_test(tcase, limits_are_told_with_their_remedy);
    tcase_add_test(tcase, an_id_means_nothing_in_another_namespace);
    tcase_add_test(tcase, the_first_segment_can_be_made_without_proc);
}
