/* The backends by their contract, verb by verb and each verb's way back; and what serves all of
 * them: the selection, memory without an object, who occupies a range. */
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend/anonymous.h"
#include "backend/backends.h"
#include "backend/occupant.h"
#include "support/filter.h"

enum { N_BACKENDS = 3 };

size_t pages(size_t n)
{
    return n * (size_t)sysconf(_SC_PAGESIZE);
}

static const struct shmpool_backend *posix(void)
{
    return backend_by_name("posix", 5);
}

struct shmpool_object make(const struct shmpool_backend *backend, const char *name, mode_t mode)
{
    struct shmpool_object object;
    ck_ok(backend->create(&object, name, pages(N_PAGES), pages(N_PAGES), mode));
    return object;
}

static struct shmpool_object make_any(const struct shmpool_backend *backend)
{
    char name[RUN_NAME_SIZE];
    return make(backend, run_name(name, "any"), 0600);
}

static struct shmpool_object make_published(const char *name, mode_t mode)
{
    struct shmpool_object object = make(posix(), name, mode);
    ck_ok(posix()->publish(&object, name));
    return object;
}

char *map(const struct shmpool_backend *backend, const struct shmpool_object *object,
          unsigned flags)
{
    char *mapped = backend->map(object, NULL, pages(N_PAGES), flags);
    ck_assert_msg(mapped != NULL, "map: %s", error_sentence());
    return mapped;
}

static bool has_descriptors(const struct shmpool_backend *backend)
{
    return (backend->capabilities & SHMPOOL_BACKEND_DESCRIPTORS) != 0;
}

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "/dev/shm/shmpool.%s", name);
    return path;
}

void refuse_call(int number, int error, unsigned argument, unsigned mask)
{
    CHILD_CHECK((mask == 0 ? filter_syscall(number, error)
                           : filter_syscall_if(number, error, argument, mask)) == 0);
}

static void ck_holds_nothing(const struct shmpool_object *object)
{
    ck_assert_int_eq(object->fd, -1);
    ck_assert_int_eq(object->fd_readonly, -1);
}

/* Every backend. */

START_TEST(a_table_is_complete)
{
    const struct shmpool_backend *backend = backend_at((size_t)_i);
    bool names = (backend->capabilities & SHMPOOL_BACKEND_NAMES) != 0;
    ck_assert_uint_eq(backend->version, SHMPOOL_BACKEND_VERSION);
    ck_assert_int_eq(backend->open != NULL, names);
    ck_assert_int_eq(backend->unlink != NULL, names);
    ck_assert_int_eq(backend->publish != NULL, names);
    ck_assert_int_eq(backend->commit != NULL,
                     (backend->capabilities & SHMPOOL_BACKEND_COMMIT) != 0);
    for (size_t i = 0; i < sizeof backend->reserved / sizeof backend->reserved[0]; i++)
        ck_assert_uint_eq(backend->reserved[i], 0);
}
END_TEST

START_TEST(an_object_is_zeroes_and_shared)
{
    const struct shmpool_backend *backend = backend_at((size_t)_i);
    struct shmpool_object object = make_any(backend);
    char *writable = map(backend, &object, 0);
    const char *readable = map(backend, &object, SHMPOOL_MAP_RDONLY);
    for (size_t i = 0; i < pages(N_PAGES); i++)
        ck_assert_int_eq(writable[i], 0);
    writable[pages(3)] = 7;
    ck_assert_int_eq(readable[pages(3)], 7);
    ck_ok(backend->unmap(&object, writable, pages(N_PAGES)));
    ck_assert(!proc_mapping_at(writable, &(struct proc_mapping){0}));
    munmap((void *)(uintptr_t)readable, pages(N_PAGES));
    backend->close(&object);
    ck_holds_nothing(&object);
    backend->close(&object);
}
END_TEST

START_TEST(descriptors_are_high_and_end_at_exec)
{
    const struct shmpool_backend *backend = backend_at((size_t)_i);
    if (!has_descriptors(backend))
        return;
    struct shmpool_object object = make_any(backend);
    ck_assert_int_gt(object.fd, 100);
    ck_assert_int_gt(object.fd_readonly, 100);
    ck_assert(fcntl(object.fd, F_GETFD) & FD_CLOEXEC);
    ck_assert(fcntl(object.fd_readonly, F_GETFD) & FD_CLOEXEC);
    ck_assert_int_eq(fcntl(object.fd, F_GETFL) & O_ACCMODE, O_RDWR);
    ck_assert_int_eq(fcntl(object.fd_readonly, F_GETFL) & O_ACCMODE, O_RDONLY);
    backend->close(&object);
}
END_TEST

static int stays_low(void *arg)
{
    const struct shmpool_backend *backend = arg;
    struct rlimit limit = {60, 60};
    struct shmpool_object object;
    char name[RUN_NAME_SIZE];
    close(STDIN_FILENO);
    CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHILD_CHECK(backend->create(&object, run_name(name, "low"), pages(1), pages(1), 0600) == 0);
    CHILD_CHECK(object.fd > 2 && object.fd < 60 && object.fd_readonly > 2);
    backend->close(&object);
    return 0;
}

static int finds_no_descriptor(void *arg)
{
    const struct shmpool_backend *backend = arg;
    struct shmpool_object object;
    char name[RUN_NAME_SIZE];
    int first = dup(STDERR_FILENO);
    for (int spare = 0; spare < 2; spare++) {
        struct rlimit limit = {(rlim_t)first + 1, 4096};
        close(first);
        CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        if (spare == 0)
            CHILD_CHECK(dup(STDERR_FILENO) == first);
        CHILD_CHECK(backend->create(&object, run_name(name, "none"), pages(1), pages(1), 0600) ==
                    -1);
        CHILD_CHECK(errno == EMFILE);
        CHILD_CHECK(object.fd == -1 && object.fd_readonly == -1);
        if (spare == 1)
            CHILD_CHECK(fcntl(first, F_GETFD) == -1);
    }
    return 0;
}

START_TEST(a_low_limit_of_descriptors_is_met)
{
    union {
        const struct shmpool_backend *in;
        void *out;
    } backend = {backend_at((size_t)_i)};
    if (has_descriptors(backend.in))
        ck_child_ok(stays_low, backend.out);
}
END_TEST

START_TEST(a_lack_of_descriptors_leaves_none_open)
{
    union {
        const struct shmpool_backend *in;
        void *out;
    } backend = {backend_at((size_t)_i)};
    if (has_descriptors(backend.in))
        ck_child_ok(finds_no_descriptor, backend.out);
}
END_TEST

static void publish(const struct shmpool_backend *backend, struct shmpool_object *object,
                    const char *name)
{
    if (backend->publish != NULL)
        ck_ok(backend->publish(object, name));
}

static void drop(const struct shmpool_backend *backend, struct shmpool_object *object,
                 const char *name)
{
    if (backend->unlink != NULL)
        ck_ok(backend->unlink(object, name));
    backend->close(object);
}

START_TEST(modes_are_exact_under_any_umask)
{
    static const mode_t modes[] = {0600, 0660, 0666, 0640, 0400, 0200, 0, 0755};
    static const mode_t masks[] = {0, 077, 0777};
    const struct shmpool_backend *backend = backend_at((size_t)_i);
    struct shmpool_description description;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        for (size_t j = 0; j < sizeof masks / sizeof masks[0]; j++) {
            char name[RUN_NAME_SIZE];
            mode_t before = umask(masks[j]);
            struct shmpool_object object = make(backend, run_name(name, "mode"), modes[i]);
            umask(before);
            publish(backend, &object, name);
            ck_ok(backend->describe(&object, &description));
            ck_assert_uint_eq(description.mode, modes[i]);
            ck_assert_uint_eq(description.uid, geteuid());
            ck_assert_uint_eq(description.gid, getegid());
            ck_assert_uint_eq(description.size, pages(N_PAGES));
            drop(backend, &object, name);
        }
}
END_TEST

START_TEST(a_mapping_never_replaces_another)
{
    const struct shmpool_backend *backend = backend_at((size_t)_i);
    struct shmpool_object object = make_any(backend);
    char *range = proc_free_range(pages(N_PAGES));
    char *taken = mmap(range + pages(2), pages(1), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    ck_assert_ptr_eq(taken, range + pages(2));
    *taken = 42;
    ck_fails_null(backend->map(&object, range, pages(N_PAGES), 0), EEXIST);
    ck_assert_int_eq(*taken, 42);
    ck_assert(!proc_mapping_at(range, &(struct proc_mapping){0}));
    munmap(taken, pages(1));
    ck_assert_ptr_eq(backend->map(&object, range, pages(N_PAGES), 0), range);
    ck_ok(backend->unmap(&object, range, pages(N_PAGES)));
    backend->close(&object);
}
END_TEST

START_TEST(a_mapping_of_its_own_is_replaced)
{
    const struct shmpool_backend *backend = backend_at((size_t)_i);
    struct shmpool_object object = make_any(backend);
    struct proc_mapping mapping;
    char *mapped = map(backend, &object, 0);
    *mapped = 5;
    ck_assert_ptr_eq(
        backend->map(&object, mapped, pages(N_PAGES), SHMPOOL_MAP_REPLACE | SHMPOOL_MAP_RDONLY),
        mapped);
    ck_assert_int_eq(*mapped, 5);
    ck_assert(proc_mapping_at(mapped, &mapping));
    ck_assert_str_eq(mapping.permissions, "r--s");
    ck_ok(backend->unmap(&object, mapped, pages(N_PAGES)));
    backend->close(&object);
}
END_TEST

START_TEST(a_read_only_mapping_stays_so)
{
    const struct shmpool_backend *backend = backend_at((size_t)_i);
    struct shmpool_object object = make_any(backend);
    char *writable = map(backend, &object, 0);
    *writable = 9;
    char *mapped = map(backend, &object, SHMPOOL_MAP_RDONLY);
    ck_assert_int_eq(mprotect(mapped, pages(1), PROT_READ | PROT_WRITE), -1);
    ck_assert_int_eq(errno, EACCES);
    ck_assert_int_eq(madvise(mapped, pages(1), MADV_REMOVE), -1);
    ck_assert_int_eq(errno, EACCES);
    ck_assert_int_eq(*mapped, 9);
    ck_ok(backend->unmap(&object, mapped, pages(N_PAGES)));
    ck_ok(backend->unmap(&object, writable, pages(N_PAGES)));
    backend->close(&object);
}
END_TEST

START_TEST(restricted_access_leaves_reading)
{
    const struct shmpool_backend *backend = backend_at((size_t)_i);
    struct shmpool_object object = make_any(backend);
    struct shmpool_description description;
    int fd = object.fd;
    ck_ok(backend->restrict_access(&object));
    ck_ok(backend->restrict_access(&object));
    if (has_descriptors(backend))
        ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
    ck_fails_null(backend->map(&object, NULL, pages(1), 0), EBADF);
    ck_fails(backend->commit(&object, NULL, pages(1)), EBADF);
    ck_ok(backend->describe(&object, &description));
    char *mapped = map(backend, &object, SHMPOOL_MAP_RDONLY);
    ck_ok(backend->unmap(&object, mapped, pages(N_PAGES)));
    backend->close(&object);
}
END_TEST

/* Puts /dev/null under both numbers, or nothing. */
static void take_numbers(const struct shmpool_object *object, bool replace)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    const int numbers[] = {object->fd, object->fd_readonly};
    for (size_t i = 0; i < 2; i++) {
        if (replace)
            ck_assert_int_eq(dup3(null, numbers[i], O_CLOEXEC), numbers[i]);
        else
            ck_assert_int_eq(close(numbers[i]), 0);
    }
    close(null);
}

static void every_use_says_so(const struct shmpool_backend *backend, struct shmpool_object *object)
{
    struct shmpool_description description;
    char name[RUN_NAME_SIZE];
    ck_fails_null(backend->map(object, NULL, pages(1), 0), EBADF);
    ck_says("descriptor");
    ck_fails_null(backend->map(object, NULL, pages(1), SHMPOOL_MAP_RDONLY), EBADF);
    ck_fails(backend->commit(object, NULL, pages(1)), EBADF);
    ck_fails(backend->describe(object, &description), EBADF);
    if (backend->publish != NULL)
        ck_fails(backend->publish(object, run_name(name, "lost")), EBADF);
}

START_TEST(a_closed_descriptor_is_told)
{
    const struct shmpool_backend *backend = backend_at((size_t)_i);
    if (!has_descriptors(backend))
        return;
    struct shmpool_object object = make_any(backend);
    char *mapped = map(backend, &object, 0);
    take_numbers(&object, false);
    every_use_says_so(backend, &object);
    *mapped = 1;
    ck_ok(backend->unmap(&object, mapped, pages(N_PAGES)));
    backend->close(&object);
    ck_holds_nothing(&object);
}
END_TEST

START_TEST(a_number_used_again_is_neither_used_nor_closed)
{
    const struct shmpool_backend *backend = backend_at((size_t)_i);
    if (!has_descriptors(backend))
        return;
    struct shmpool_object object = make_any(backend);
    const int numbers[] = {object.fd, object.fd_readonly};
    take_numbers(&object, true);
    every_use_says_so(backend, &object);
    ck_ok(backend->restrict_access(&object));
    backend->close(&object);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_ne(fcntl(numbers[i], F_GETFD), -1);
        close(numbers[i]);
    }
}
END_TEST

static size_t count_resident(char *mapped, size_t size)
{
    static unsigned char resident[(65 << 20) / 4096];
    size_t count = 0;
    ck_assert_uint_le(size / pages(1), sizeof resident);
    ck_assert_int_eq(mincore(mapped, size, resident), 0);
    for (size_t i = 0; i < size / pages(1); i++)
        count += resident[i] & 1;
    return count;
}

/* Pages that the system has set aside. Those of a file may never have been touched. */
static size_t count_taken(const struct shmpool_object *object, char *mapped, size_t size)
{
    struct stat status;
    if (object->fd < 0)
        return count_resident(mapped, size);
    ck_assert_int_eq(fstat(object->fd, &status), 0);
    return (size_t)status.st_blocks * 512 / pages(1);
}

START_TEST(committed_memory_is_taken)
{
    const struct shmpool_backend *backend = backend_at((size_t)_i);
    struct shmpool_object object;
    struct shmpool_description description;
    char name[RUN_NAME_SIZE];
    size_t size = ((size_t)64 << 20) + pages(1); /* more than two chunks */
    ck_ok(backend->create(&object, run_name(name, "commit"), size, size, 0600));
    char *mapped = backend->map(&object, NULL, size, 0);
    ck_assert_ptr_nonnull(mapped);
    /* The first page is there when another test, which lists all pools, has read it. */
    ck_assert_uint_le(count_taken(&object, mapped, size), 1);
    ck_ok(backend->commit(&object, mapped, size));
    ck_assert_uint_eq(count_taken(&object, mapped, size), size / pages(1));
    ck_ok(backend->describe(&object, &description));
    ck_assert_uint_eq(description.size, size);
    ck_ok(backend->unmap(&object, mapped, size));
    backend->close(&object);
}
END_TEST

static int bounded(void *arg)
{
    const struct shmpool_backend *backend = arg;
    struct shmpool_object object;
    char name[RUN_NAME_SIZE];
    struct rlimit limit = {pages(4), pages(4)};
    run_name(name, "bounded");
    CHILD_CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHILD_CHECK(backend->create(&object, name, pages(5), pages(5), 0600) == -1 && errno == ENOSPC);
    CHILD_CHECK(strstr(error_sentence(), "RLIMIT_FSIZE") != NULL);
    CHILD_CHECK(object.fd == -1 && object.fd_readonly == -1);
    CHILD_CHECK(backend->create(&object, name, pages(4), pages(4), 0600) == 0);
    CHILD_CHECK(backend->commit(&object, NULL, pages(4)) == 0);
    CHILD_CHECK(backend->commit(&object, NULL, pages(5)) == -1 && errno == ENOSPC);
    CHILD_CHECK(strstr(error_sentence(), "RLIMIT_FSIZE") != NULL);
    backend->close(&object);
    return 0;
}

START_TEST(the_limit_of_file_sizes_is_no_signal)
{
    union {
        const struct shmpool_backend *in;
        void *out;
    } backend = {backend_at((size_t)_i)};
    if (has_descriptors(backend.in))
        ck_child_ok(bounded, backend.out);
}
END_TEST

struct held {
    const struct shmpool_backend *backend;
    struct shmpool_object object;
    char *mapped;
};

static int lets_go(void *arg)
{
    struct held *held = arg;
    CHILD_CHECK(held->mapped[0] == 3);
    CHILD_CHECK(held->backend->unmap(&held->object, held->mapped, pages(N_PAGES)) == 0);
    held->backend->close(&held->object);
    CHILD_CHECK(held->object.fd == -1);
    return 0;
}

START_TEST(a_child_lets_go_for_itself_only)
{
    struct held held = {.backend = backend_at((size_t)_i)};
    char name[RUN_NAME_SIZE];
    held.object = make(held.backend, run_name(name, "child"), 0600);
    held.mapped = map(held.backend, &held.object, 0);
    held.mapped[0] = 3;
    ck_child_ok(lets_go, &held);
    ck_ok(held.backend->commit(&held.object, held.mapped, pages(N_PAGES)));
    ck_ok(held.backend->unmap(&held.object, held.mapped, pages(N_PAGES)));
    held.backend->close(&held.object);
}
END_TEST

START_TEST(a_refused_size_leaves_nothing)
{
    const struct shmpool_backend *backend = backend_at((size_t)_i);
    struct shmpool_object object;
    char name[RUN_NAME_SIZE];
    ck_assert_int_eq(
        backend->create(&object, run_name(name, "huge"), SIZE_MAX / 2 + 1, SIZE_MAX / 2 + 1, 0600),
        -1);
    ck_holds_nothing(&object);
}
END_TEST

/* Names: posix. */

static int count_hidden(void)
{
    FILE *list = popen("ls -A /dev/shm | grep -c '^\\.shmpool\\.'", "r");
    int count = -1;
    ck_assert_ptr_nonnull(list);
    ck_assert_int_eq(fscanf(list, "%d", &count), 1);
    pclose(list);
    return count;
}

START_TEST(a_name_is_there_from_publish_to_unlink)
{
    char name[RUN_NAME_SIZE];
    struct shmpool_object other;
    struct shmpool_object object = make(posix(), run_name(name, "life"), 0600);
    ck_fails(posix()->open(&other, name, 0), ENOENT);
    ck_says(name);
    ck_holds_nothing(&other);
    ck_ok(posix()->publish(&object, name));
    ck_ok(posix()->open(&other, name, 0));
    ck_assert_uint_eq(object.inode, other.inode);
    ck_assert_uint_eq(object.device, other.device);
    ck_assert_int_gt(other.fd, 100);
    posix()->close(&other);
    ck_ok(posix()->open(&other, name, SHMPOOL_MAP_RDONLY));
    ck_assert_int_eq(other.fd, -1);
    ck_assert_int_eq(fcntl(other.fd_readonly, F_GETFL) & O_ACCMODE, O_RDONLY);
    posix()->close(&other);
    ck_ok(posix()->unlink(&object, name));
    ck_fails(posix()->unlink(&object, name), ENOENT);
    ck_fails(posix()->open(&other, name, 0), ENOENT);
    posix()->close(&object);
}
END_TEST

START_TEST(a_taken_name_stays_with_its_object)
{
    char name[RUN_NAME_SIZE];
    struct shmpool_object none;
    struct shmpool_object late = make(posix(), run_name(name, "taken"), 0600);
    struct shmpool_object first = make_published(name, 0600);
    ck_fails(posix()->publish(&late, name), EEXIST);
    ck_says(name);
    ck_fails(posix()->create(&none, name, pages(1), pages(1), 0600), EEXIST);
    ck_says(name);
    ck_holds_nothing(&none);
    ck_fails(posix()->unlink(&late, name), ENOENT);
    ck_ok(posix()->unlink(&first, name));
    ck_ok(posix()->publish(&late, name));
    ck_ok(posix()->unlink(&late, name));
    posix()->close(&first);
    posix()->close(&late);
}
END_TEST

static void refuse_tmpfile(void)
{
    refuse_call(__NR_openat, EOPNOTSUPP, 2, O_TMPFILE & ~O_DIRECTORY);
}

static int closes(void *arg)
{
    posix()->close(arg);
    return 0;
}

static int works_without_tmpfile(void *arg)
{
    const char *name = arg;
    struct shmpool_object object, late, opened;
    struct rlimit limit = {pages(1), RLIM_INFINITY}, before;
    refuse_tmpfile();
    int hidden = count_hidden();
    CHILD_CHECK(posix()->create(&object, name, pages(2), pages(2), 0640) == 0);
    CHILD_CHECK(posix()->create(&late, name, pages(2), pages(2), 0600) == 0);
    CHILD_CHECK(count_hidden() == hidden + 2);
    CHILD_CHECK(child_ok(child_run(closes, &object)));
    CHILD_CHECK(posix()->publish(&object, name) == 0);
    CHILD_CHECK(count_hidden() == hidden + 1);
    CHILD_CHECK(posix()->publish(&late, name) == -1 && errno == EEXIST);
    posix()->close(&late);
    CHILD_CHECK(count_hidden() == hidden);
    CHILD_CHECK(posix()->open(&opened, name, 0) == 0 && opened.inode == object.inode);
    CHILD_CHECK(posix()->unlink(&object, name) == 0);
    posix()->close(&opened);
    posix()->close(&object);
    getrlimit(RLIMIT_FSIZE, &before);
    limit.rlim_max = before.rlim_max;
    CHILD_CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHILD_CHECK(posix()->create(&object, name, pages(2), pages(2), 0600) == -1 && errno == ENOSPC);
    CHILD_CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    CHILD_CHECK(count_hidden() == hidden);
    return 0;
}

START_TEST(a_temporary_name_serves_where_there_are_no_nameless_files)
{
    char name[RUN_NAME_SIZE];
    run_name(name, "temporary");
    ck_child_ok(works_without_tmpfile, name);
}
END_TEST

static void squat_fifo(const char *path)
{
    ck_assert_int_eq(mkfifo(path, 0666), 0);
}

static void squat_symlink(const char *path)
{
    ck_assert_int_eq(symlink("/etc/passwd", path), 0);
}

static void squat_directory(const char *path)
{
    ck_assert_int_eq(mkdir(path, 0777), 0);
}

static void squat_short(const char *path)
{
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
    ck_assert_int_eq(write(fd, "shmpool", 8), 8);
    close(fd);
}

static void squat_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_uint_lt(strlen(path), sizeof address.sun_path);
    strcpy(address.sun_path, path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
}

static void (*const squats[])(const char *) = {squat_fifo, squat_symlink, squat_directory,
                                               squat_short, squat_socket};

START_TEST(a_squatter_is_not_a_pool)
{
    char name[RUN_NAME_SIZE];
    struct shmpool_object object = make(posix(), run_name(name, "squat"), 0600);
    struct shmpool_object none;
    squats[_i](path_of(name));
    ck_fails(posix()->open(&none, name, 0), EUCLEAN);
    ck_says("is not a pool");
    ck_fails(posix()->open(&none, name, SHMPOOL_MAP_RDONLY), EUCLEAN);
    ck_holds_nothing(&none);
    ck_fails(posix()->unlink(NULL, name), ENOENT);
    ck_says("is not a pool");
    ck_fails(posix()->unlink(&object, name), ENOENT);
    ck_fails(posix()->publish(&object, name), EEXIST);
    ck_fails(posix()->create(&none, name, pages(1), pages(1), 0600), EEXIST);
    ck_assert_int_eq(remove(path_of(name)), 0);
    posix()->close(&object);
}
END_TEST

START_TEST(only_a_pool_is_unlinked_by_name)
{
    char name[RUN_NAME_SIZE];
    struct shmpool_object object = make_published(run_name(name, "magic"), 0600);
    char *mapped = map(posix(), &object, 0);
    ck_fails(posix()->unlink(NULL, name), ENOENT);
    ck_says("is not a pool");
    memcpy(mapped, "shmpool", 8);
    ck_ok(posix()->unlink(NULL, name));
    ck_fails(posix()->unlink(NULL, name), ENOENT);
    ck_ok(posix()->unmap(&object, mapped, pages(N_PAGES)));
    posix()->close(&object);
}
END_TEST

struct visit {
    const char *name;
    unsigned flags;
    int open_error;   /* 0: it opens */
    int unlink_error; /* 0: not tried */
};

static int visits(void *arg)
{
    const struct visit *visit = arg;
    struct shmpool_object object;
    int result = posix()->open(&object, visit->name, visit->flags);
    CHILD_CHECK(visit->open_error == 0 ? result == 0 : result == -1 && errno == visit->open_error);
    posix()->close(&object);
    if (visit->unlink_error != 0)
        CHILD_CHECK(posix()->unlink(NULL, visit->name) == -1 && errno == visit->unlink_error);
    return 0;
}

static void visit_as(uid_t uid, gid_t gid, const char *name, unsigned flags, int open_error)
{
    struct visit visit = {name, flags, open_error, 0};
    ck_child_ok_as(uid, gid, visits, &visit);
}

START_TEST(strangers_are_refused)
{
    char name[RUN_NAME_SIZE];
    if (!child_can_be_others())
        return;
    struct shmpool_object object = make_published(run_name(name, "strange"), 0666);
    char *mapped = map(posix(), &object, 0);
    memcpy(mapped, "shmpool", 8);
    struct visit visit = {name, 0, EACCES, EACCES};
    ck_child_ok_as(NOBODY, NOBODY, visits, &visit);
    ck_assert_int_eq(fchmod(object.fd, 0600), 0);
    ck_child_ok_as(NOBODY, NOBODY, visits, &visit);
    ck_ok(posix()->unlink(&object, name));
    ck_ok(posix()->unmap(&object, mapped, pages(N_PAGES)));
    posix()->close(&object);
}
END_TEST

START_TEST(a_group_comes_in_as_the_mode_says)
{
    char name[RUN_NAME_SIZE];
    const gid_t group = 12345;
    if (!child_can_be_others())
        return;
    struct shmpool_object object = make_published(run_name(name, "group"), 0660);
    ck_assert_int_eq(fchown(object.fd, (uid_t)-1, group), 0);
    visit_as(NOBODY, group, name, 0, 0);
    visit_as(NOBODY, NOBODY, name, 0, EACCES);
    ck_assert_int_eq(fchmod(object.fd, 0640), 0);
    visit_as(NOBODY, group, name, 0, EACCES);
    visit_as(NOBODY, group, name, SHMPOOL_MAP_RDONLY, 0);
    ck_assert_int_eq(fchown(object.fd, NOBODY, group), 0);
    visit_as(NOBODY, NOBODY, name, 0, 0);
    visit_as(0, 0, name, 0, 0);
    ck_ok(posix()->unlink(&object, name));
    posix()->close(&object);
}
END_TEST

/* Where this may not be done there is nothing to test: 0. */
static int fills_a_small_folder(void *arg)
{
    const char *name = arg;
    struct shmpool_object object;
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=40m") != 0) {
        printf("no mounts of its own: a full /dev/shm was not tried\n");
        return 0;
    }
    CHILD_CHECK(posix()->create(&object, name, (size_t)64 << 20, (size_t)64 << 20, 0600) == 0);
    CHILD_CHECK(posix()->commit(&object, NULL, (size_t)64 << 20) == -1 && errno == ENOSPC);
    static const char *const parts[] = {"/dev/shm", "67108864 bytes", "41943040 bytes", "free",
                                        "remount"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr(error_sentence(), parts[i]) == NULL)
            child_fail(__FILE__, __LINE__, error_sentence());
    CHILD_CHECK(posix()->commit(&object, NULL, (size_t)8 << 20) == 0);
    posix()->close(&object);
    CHILD_CHECK(posix()->create(&object, name, (size_t)32 << 20, (size_t)32 << 20, 0600) == 0);
    CHILD_CHECK(posix()->commit(&object, NULL, (size_t)32 << 20) == 0);
    posix()->close(&object);
    return 0;
}

START_TEST(a_full_folder_is_told_with_sizes_and_remedy)
{
    char name[RUN_NAME_SIZE];
    if (!child_can_be_others())
        return;
    run_name(name, "full");
    ck_child_ok(fills_a_small_folder, name);
}
END_TEST

/* What serves all. */

static int meets_strict_account(void *arg)
{
    struct shmpool_object object;
    CHILD_CHECK(posix()->create(&object, arg, pages(N_PAGES), pages(N_PAGES), 0600) == 0);
    refuse_call(__NR_fallocate, ENOSPC, 0, 0);
    CHILD_CHECK(posix()->commit(&object, NULL, pages(N_PAGES)) == -1 && errno == ENOSPC);
    CHILD_CHECK(strstr(error_sentence(), "overcommit_memory") != NULL);
    CHILD_CHECK(strstr(error_sentence(), "--shm-size") == NULL);
    posix()->close(&object);
    return 0;
}

START_TEST(a_folder_with_room_is_not_called_full)
{
    char name[RUN_NAME_SIZE];
    run_name(name, "strict");
    ck_child_ok(meets_strict_account, name);
}
END_TEST

START_TEST(the_choice_is_option_then_environment_then_posix)
{
    unsetenv("SHMPOOL_BACKEND");
    ck_assert_ptr_eq(backend_choose(NULL), posix());
    ck_assert_str_eq(backend_choose("memfd")->name, "memfd");
    setenv("SHMPOOL_BACKEND", "", 1);
    ck_assert_ptr_eq(backend_choose(NULL), posix());
    setenv("SHMPOOL_BACKEND", "memfd", 1);
    ck_assert_str_eq(backend_choose(NULL)->name, "memfd");
    ck_assert_ptr_eq(backend_choose("posix"), posix());
    setenv("SHMPOOL_BACKEND", "sysvv", 1);
    ck_fails_null(backend_choose(NULL), EINVAL);
    ck_says("sysvv");
    ck_says("posix, sysv, memfd");
    ck_says("SHMPOOL_BACKEND");
    ck_fails_null(backend_choose("nosuch"), EINVAL);
    ck_says("\"nosuch\"; the known ones");
    ck_fails_null(backend_choose(""), EINVAL);
}
END_TEST

START_TEST(backends_are_counted_and_found)
{
    ck_assert_uint_eq(backend_count(), N_BACKENDS);
    ck_assert_ptr_eq(backend_at(0), posix());
    ck_assert_ptr_null(backend_at(N_BACKENDS));
    ck_assert_ptr_eq(backend_by_name("posix:x", 5), posix());
    ck_assert_ptr_null(backend_by_name("posix", 4));
    ck_assert_ptr_null(backend_by_name("", 0));
}
END_TEST

struct family {
    int *shared;
    int *private;
};

static int sees(void *arg)
{
    struct family *family = arg;
    CHILD_CHECK(*family->shared == 1);
    CHILD_CHECK(*family->private == 0);
    *family->shared = 2;
    return 0;
}

START_TEST(anonymous_memory_is_shared_or_wiped)
{
    struct family family = {anonymous_shared(pages(1)), anonymous_fork_page()};
    ck_assert_ptr_nonnull(family.shared);
    ck_assert_ptr_nonnull(family.private);
    *family.shared = *family.private = 1;
    ck_child_ok(sees, &family);
    ck_assert_int_eq(*family.shared, 2);
    ck_assert_int_eq(*family.private, 1);
    ck_ok(mapping_keep_out_of_dumps(family.shared, pages(1)));
    ck_assert(proc_mapping_has_flag(family.shared, "dd"));
    anonymous_unmap(family.private, pages(1));
    anonymous_unmap(family.shared, pages(1));
    ck_fails(mapping_keep_out_of_dumps(family.shared, pages(1)), ENOMEM);
    ck_fails_null(anonymous_shared(SIZE_MAX / 4 * 3), ENOMEM);
}
END_TEST

static const char *occupant(const void *address, size_t length)
{
    static char text[300];
    return occupant_of((uintptr_t)address, length, text, sizeof text);
}

START_TEST(an_occupant_is_named)
{
    char expected[64];
    char *range = proc_free_range(pages(8));
    char *middle = mmap(range + pages(4), pages(1), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_eq(middle, range + pages(4));
    snprintf(expected, sizeof expected, "memory without a name at %p-%p", (void *)middle,
             (void *)(middle + pages(1)));
    ck_assert_str_eq(occupant(range, pages(8)), expected);
    ck_assert_str_eq(occupant(middle, 1), expected);
    ck_assert_str_eq(occupant(range, pages(4)), "something");
    ck_assert_str_eq(occupant(middle + pages(1), pages(3)), "something");
    ck_assert_ptr_nonnull(strstr(occupant(&expected, 1), "[stack]"));
    ck_assert_ptr_nonnull(strstr(occupant((const void *)(uintptr_t)&puts, 1), ".so"));
    char little[24];
    ck_assert_uint_lt(strlen(occupant_of((uintptr_t)middle, 1, little, sizeof little)),
                      sizeof little);
    munmap(middle, pages(1));
}
END_TEST

TCase *add_case(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, leftover_setup, leftover_teardown);
    suite_add_tcase(suite, tcase);
    return tcase;
}

static void add_every(Suite *suite)
{
    const TTest *const tests[] = {
        a_table_is_complete,
        an_object_is_zeroes_and_shared,
        descriptors_are_high_and_end_at_exec,
        a_low_limit_of_descriptors_is_met,
        a_lack_of_descriptors_leaves_none_open,
        modes_are_exact_under_any_umask,
        a_mapping_never_replaces_another,
        a_mapping_of_its_own_is_replaced,
        a_read_only_mapping_stays_so,
        restricted_access_leaves_reading,
        a_closed_descriptor_is_told,
        a_number_used_again_is_neither_used_nor_closed,
        committed_memory_is_taken,
        the_limit_of_file_sizes_is_no_signal,
        a_child_lets_go_for_itself_only,
        a_refused_size_leaves_nothing,
    };
    TCase *tcase = add_case(suite, "every");
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_loop_test(tcase, tests[i], 0, N_BACKENDS);
}

static void add_names(Suite *suite)
{
    TCase *tcase = add_case(suite, "names");
    tcase_add_test(tcase, a_name_is_there_from_publish_to_unlink);
    tcase_add_test(tcase, a_taken_name_stays_with_its_object);
    tcase_add_test(tcase, a_temporary_name_serves_where_there_are_no_nameless_files);
    tcase_add_loop_test(tcase, a_squatter_is_not_a_pool, 0, sizeof squats / sizeof squats[0]);
    tcase_add_test(tcase, only_a_pool_is_unlinked_by_name);
    tcase_add_test(tcase, strangers_are_refused);
    tcase_add_test(tcase, a_group_comes_in_as_the_mode_says);
    tcase_add_test(tcase, a_full_folder_is_told_with_sizes_and_remedy);
    tcase_add_test(tcase, a_folder_with_room_is_not_called_full);
}

static void add_rest(Suite *suite)
{
    TCase *tcase = add_case(suite, "rest");
    tcase_add_test(tcase, the_choice_is_option_then_environment_then_posix);
    tcase_add_test(tcase, backends_are_counted_and_found);
    tcase_add_test(tcase, anonymous_memory_is_shared_or_wiped);
    tcase_add_test(tcase, an_occupant_is_named);
}

int main(void)
{
    setenv("CK_DEFAULT_TIMEOUT", "60", 0);
    run_id();
    child_can_be_others();
    Suite *suite = suite_create("backends");
    add_every(suite);
    add_names(suite);
    add_sysv(suite);
    add_memfd(suite);
    add_lists(suite);
    add_rest(suite);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return leftover_sweep() + failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
