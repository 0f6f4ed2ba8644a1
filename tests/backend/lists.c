/* list: what each of the library's backends shows of its objects, and what it passes over. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backend/backends.h"
#include "backend/call.h"
#include "backend/held.h"

static const struct shmpool_backend *backends[3];

static void begin(void)
{
    for (size_t i = 0; i < 3; i++)
        backends[i] = backend_at(i);
    leftover_setup();
}

/* The entry of one object, by device and inode. */
struct search {
    uint64_t device;
    uint64_t inode;
    int n;
    char name[SHMPOOL_OBJECT_NAME_SIZE]; /* "": none */
    char where[256];
    struct shmpool_found found;
};

static int note(const struct shmpool_found *found, void *arg)
{
    struct search *search = arg;
    if (found->device != search->device || found->inode != search->inode)
        return 0;
    search->n++;
    search->found = *found;
    snprintf(search->name, sizeof search->name, "%s", found->name != NULL ? found->name : "");
    snprintf(search->where, sizeof search->where, "%s", found->where);
    return 0;
}

static struct search find(const struct shmpool_backend *backend,
                          const struct shmpool_object *object, pid_t holder)
{
    struct search search = {.device = object->device, .inode = object->inode};
    ck_ok(call_list(backend, holder, note, &search));
    return search;
}

/* The entries of an object that is to have n, and no other holder than this process: another test
 * that lists all pools has it too for a moment. */
static struct search find_at_rest(const struct shmpool_backend *backend,
                                  const struct shmpool_object *object, int n)
{
    const struct timespec nap = {.tv_nsec = 10000000};
    struct search search = find(backend, object, 0);
    for (int i = 0; i < 500; i++) {
        pid_t holder = search.found.holder;
        if (search.n == n && (holder == 0 || holder == getpid()) && search.found.mappings <= 1)
            break;
        nanosleep(&nap, NULL);
        search = find(backend, object, 0);
    }
    return search;
}

/* As the family makes an object complete: the name, and the magic last. */
static struct shmpool_object make_complete(const struct shmpool_backend *backend, const char *name)
{
    struct shmpool_object object = make(backend, name, 0640);
    char *mapped = map(backend, &object, 0);
    strcpy(mapped + SHMPOOL_OBJECT_NAME, name);
    memcpy(mapped, SHMPOOL_OBJECT_MAGIC, sizeof SHMPOOL_OBJECT_MAGIC);
    ck_ok(backend->unmap(&object, mapped, pages(N_PAGES)));
    ck_ok(call_publish(backend, &object, name));
    return object;
}

static bool has_names(const struct shmpool_backend *backend)
{
    return (backend->capabilities & SHMPOOL_BACKEND_NAMES) != 0;
}

START_TEST(an_object_is_shown_once_with_what_it_is)
{
    char name[RUN_NAME_SIZE];
    const struct shmpool_backend *backend = backends[_i];
    struct shmpool_object object = make_complete(backend, run_name(name, "list"));
    struct search search = find_at_rest(backend, &object, 1);
    ck_assert_int_eq(search.n, 1);
    ck_assert_str_eq(search.name, name);
    ck_assert_int_eq(search.found.nameless, !has_names(backend));
    ck_assert_int_eq(search.found.holder, has_names(backend) ? 0 : getpid());
    ck_assert_uint_eq(search.found.description.size, pages(N_PAGES));
    ck_assert_uint_eq(search.found.description.mode, 0640);
    ck_assert_uint_eq(search.found.description.uid, geteuid());
    if (has_names(backend))
        ck_ok(backend->unlink(&object, name));
    ck_assert_int_eq(find(backend, &object, 0).n, 1); /* held still */
    ck_assert_int_eq(find(backend, &object, 0).found.nameless, 1);
    ck_assert_int_eq(find(backend, &object, getpid()).n, 1);
    backend->close(&object);
    ck_assert_int_eq(find_at_rest(backend, &object, 0).n, 0);
}
END_TEST

START_TEST(what_a_process_does_not_hold_is_not_found_at_it)
{
    char name[RUN_NAME_SIZE];
    struct shmpool_object object = make_complete(backends[2], run_name(name, "held"));
    struct shmpool_object other;
    struct shmpool_description description;
    ck_assert_int_eq(find(backends[2], &object, getppid()).n, 0);
    ck_fails(held_open(&other, NULL, getppid(), object.device, object.inode), ENOENT);
    ck_fails(held_open(&other, NULL, getpid(), object.device, object.inode + 1), ENOENT);
    ck_ok(held_open(&other, "/proc/self/fd/0", getpid(), object.device, object.inode));
    ck_ok(backends[2]->describe(&other, &description));
    ck_assert_int_eq(other.fd, -1);
    backends[2]->close(&other);
    backends[2]->close(&object);
}
END_TEST

struct held {
    const struct shmpool_backend *backend;
    struct shmpool_object object; /* that the parent holds and no name leads to */
};

static bool is_shortage(int n_left)
{
    return errno == EMFILE && n_left < 4;
}

/* With each number of descriptors that are left: nothing is left out as if it were not there. */
static int looks_with_few_descriptors(void *arg)
{
    const struct held *held = arg;
    struct shmpool_object other;
    struct rlimit few;
    int lowest = dup(STDIN_FILENO);
    close(lowest);
    CHILD_CHECK(getrlimit(RLIMIT_NOFILE, &few) == 0);
    for (int n = 0; n < 8; n++) {
        struct search search = {.device = held->object.device, .inode = held->object.inode};
        few.rlim_cur = (rlim_t)(lowest + n);
        CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
        if (call_list(held->backend, 0, note, &search) == 0)
            CHILD_CHECK(search.n == 1);
        else
            CHILD_CHECK(is_shortage(n));
        if (held_open(&other, NULL, getppid(), held->object.device, held->object.inode) == 0)
            held->backend->close(&other);
        else
            CHILD_CHECK(is_shortage(n));
    }
    return 0;
}

START_TEST(a_want_of_descriptors_is_a_failure)
{
    char name[RUN_NAME_SIZE];
    struct held held = {.backend = backends[_i]};
    held.object = make_complete(held.backend, run_name(name, "few"));
    if (has_names(held.backend))
        ck_ok(held.backend->unlink(&held.object, name));
    ck_child_ok(looks_with_few_descriptors, &held);
    held.backend->close(&held.object);
}
END_TEST

static int give_seven(const struct shmpool_found *found, void *arg)
{
    (void)found;
    ++*(int *)arg;
    return 7;
}

START_TEST(a_visitor_ends_the_list)
{
    int n = 0;
    char name[RUN_NAME_SIZE];
    struct shmpool_object object = make_complete(backends[_i], run_name(name, "end"));
    ck_assert_int_eq(call_list(backends[_i], 0, give_seven, &n), 7);
    ck_assert_int_eq(n, 1);
    if (has_names(backends[_i]))
        ck_ok(backends[_i]->unlink(&object, name));
    backends[_i]->close(&object);
}
END_TEST

/* ---- posix ---- */

static int fails_on(const struct shmpool_found *found, void *part)
{
    return found->where != NULL && strstr(found->where, part) != NULL;
}

START_TEST(what_is_no_file_is_passed_over)
{
    char name[RUN_NAME_SIZE], path[128];
    snprintf(path, sizeof path, "/dev/shm/shmpool.%s", run_name(name, "nofile"));
    ck_ok(mkfifo(path, 0600));
    ck_ok(call_list(backends[0], 0, fails_on, name));
    ck_ok(unlink(path));
    ck_ok(mkdir(path, 0700));
    ck_ok(call_list(backends[0], 0, fails_on, name));
    ck_ok(rmdir(path));
    ck_ok(symlink("/proc/self/exe", path));
    ck_ok(call_list(backends[0], 0, fails_on, name));
    ck_ok(unlink(path));
}
END_TEST

START_TEST(a_file_that_waits_for_its_name_has_none)
{
    static const char path[] = "/dev/shm/.shmpool.00112233445566ff";
    struct stat status;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_ok(fstat(fd, &status));
    struct shmpool_object object = {.device = status.st_dev, .inode = status.st_ino};
    struct search search = find(backends[0], &object, 0);
    ck_ok(unlink(path));
    close(fd);
    ck_assert_int_eq(search.n, 1);
    ck_assert_str_eq(search.name, "");
    ck_assert_str_eq(search.where, path);
    ck_assert_int_eq(search.found.nameless, 1);
}
END_TEST

/* ---- sysv ---- */

START_TEST(an_unfinished_segment_has_no_name_and_a_maker)
{
    char name[RUN_NAME_SIZE];
    struct shmpool_object object = make(backends[1], run_name(name, "unfinished"), 0600);
    struct search search = find_at_rest(backends[1], &object, 1);
    ck_assert_int_eq(search.n, 1);
    ck_assert_str_eq(search.name, "");
    ck_assert_int_eq(search.found.nameless, 1);
    ck_assert_int_eq(search.found.maker, getpid());
    ck_assert_int_eq(search.found.mappings, 1); /* its first page, by which it is held */
    backends[1]->close(&object);
}
END_TEST

START_TEST(segments_of_other_programs_are_passed_over)
{
    struct shmpool_object object = make(backends[1], "any", 0600);
    int id = shmget(IPC_PRIVATE, pages(N_PAGES), 0600);
    ck_assert_int_ge(id, 0);
    struct search search = {.device = object.device, .inode = (uint64_t)id};
    ck_ok(call_list(backends[1], 0, note, &search));
    ck_ok(shmctl(id, IPC_RMID, NULL));
    backends[1]->close(&object);
    ck_assert_int_eq(search.n, 0);
}
END_TEST

void add_lists(Suite *suite)
{
    TCase *tcase = tcase_create("lists");
    tcase_add_checked_fixture(tcase, begin, leftover_teardown);
    tcase_add_loop_test(tcase, an_object_is_shown_once_with_what_it_is, 0, 3);
    tcase_add_test(tcase, what_a_process_does_not_hold_is_not_found_at_it);
    tcase_add_loop_test(tcase, a_want_of_descriptors_is_a_failure, 0, 1); /* posix */
    tcase_add_loop_test(tcase, a_want_of_descriptors_is_a_failure, 2, 3); /* memfd */
    tcase_add_loop_test(tcase, a_visitor_ends_the_list, 0, 3);
    tcase_add_test(tcase, what_is_no_file_is_passed_over);
    tcase_add_test(tcase, a_file_that_waits_for_its_name_has_none);
    tcase_add_test(tcase, an_unfinished_segment_has_no_name_and_a_maker);
    tcase_add_test(tcase, segments_of_other_programs_are_passed_over);
    suite_add_tcase(suite, tcase);
}
