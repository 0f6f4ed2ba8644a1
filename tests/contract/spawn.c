/* Workers that are another program: shmpool_spawn. */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract/contract.h"
#include "support/random.h"

static const char greeting[] = "hello, program";
static const char self_path[] = "/proc/self/exe";

enum { N_POOLS = 3, N_ARGUMENTS = 24, ARGUMENT_SIZE = 40 };

/* What a program is told of pools, as arguments: of each ID, address, device, inode and right. */
struct told {
    shmpool_id pool;
    char *block;
    struct proc_object object;
    char right; /* '-', 'r' or 'w' */
};

/* ---- the programs ---- */

static struct told *told_by(char **argv)
{
    static struct told told[N_POOLS];
    for (int i = 0; i < N_POOLS; i++, argv += 5) {
        told[i].pool = (shmpool_id)strtol(argv[0], NULL, 10);
        told[i].block = (char *)(uintptr_t)strtoumax(argv[1], NULL, 0);
        told[i].object.device = strtoumax(argv[2], NULL, 0);
        told[i].object.inode = strtoumax(argv[3], NULL, 0);
        told[i].right = argv[4][0];
    }
    return told;
}

static void has_nothing(const struct told *told)
{
    CHILD_FAILS_NULL(shmpool_alloc(told->pool, 1), EACCES);
    CHILD_FAILS(shmpool_of(told->block), ENOENT);
    CHILD_CHECK(proc_count_mappings(told->object, NULL) == 0);
    CHILD_CHECK(proc_descriptors_of(told->object, NULL, 0) == 0);
}

static void has_it_for_reading(const struct told *told)
{
    int fds[8];
    CHILD_CHECK(shmpool_size_at(told->pool, told->block) == (ssize_t)page());
    CHILD_FAILS_NULL(shmpool_alloc(told->pool, 1), EROFS);
    CHILD_CHECK(strcmp(told->block, greeting) == 0);
    CHILD_CHECK(proc_mapping_has_flag(told->block, " dd"));
    CHILD_CHECK(proc_count_mappings(told->object, "rw-s") == 0);
    int n_fds = proc_descriptors_of(told->object, fds, 8);
    for (int i = 0; i < n_fds; i++) {
        CHILD_CHECK((fcntl(fds[i], F_GETFL) & O_ACCMODE) == O_RDONLY);
        CHILD_CHECK(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
    }
}

static void has_it_in_full(const struct told *told)
{
    void *block = shmpool_alloc(told->pool, pages(2));
    CHILD_CHECK(block != NULL);
    memset(block, 1, pages(2));
    CHILD_CHECK(shmpool_free(told->pool, block) == 0);
    CHILD_CHECK(shmpool_root(told->pool) == told->block);
    CHILD_CHECK(strcmp(told->block, greeting) == 0);
    CHILD_CHECK(proc_mapping_has_flag(told->block, " dd"));
    int fds[8];
    int n_fds = proc_descriptors_of(told->object, fds, 8);
    for (int i = 0; i < n_fds; i++)
        CHILD_CHECK(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
}

static int has_its_rights(const struct told *told)
{
    for (int i = 0; i < N_POOLS; i++)
        if (told[i].right == '-')
            has_nothing(&told[i]);
        else if (told[i].right == 'r')
            has_it_for_reading(&told[i]);
        else
            has_it_in_full(&told[i]);
    return 0;
}

static int forked_has_its_rights(void *told)
{
    return has_its_rights(told);
}

/* Without the words of Check, which has no test here. */
static int status_of(shmpool_worker worker)
{
    int status = -1;
    CHILD_CHECK(worker > 0);
    CHILD_CHECK(shmpool_join(worker, &status, -1) == 0);
    return status;
}

static int program_rights(char **argv)
{
    struct told *told = told_by(argv);
    has_its_rights(told);
    CHILD_CHECK(child_ok(child_run(forked_has_its_rights, told)));
    CHILD_CHECK(child_ok(status_of(shmpool_start(forked_has_its_rights, told, NULL))));
    return 0;
}

/* Something is in the way of the first pool. */
static int program_occupied(char **argv)
{
    struct told *told = told_by(argv);
    void *place = (void *)((uintptr_t)told->block & ~(uintptr_t)0xfffff);
    CHILD_CHECK(mmap(place, 1 << 20, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
                     0) == place);
    CHILD_FAILS_NULL(shmpool_alloc(told->pool, 1), EADDRINUSE);
    CHILD_CHECK(strstr(shmpool_errmsg(), "memory without a name") != NULL);
    CHILD_FAILS(shmpool_attach(told->pool, 0), EADDRINUSE);
    has_it_in_full(&told[1]);
    CHILD_CHECK(munmap(place, 1 << 20) == 0);
    return has_its_rights(told);
}

static int program_self(char **argv)
{
    (void)argv;
    return shmpool_self();
}

/* sleeps FD: says that it is there. */
static int program_sleeps(char **argv)
{
    CHILD_CHECK(write((int)strtol(argv[0], NULL, 10), "r", 1) == 1);
    return child_sleep(NULL);
}

/* write FD, then wait for the end of the starter and tell it. */
static int program_outlives(char **argv)
{
    int fd = (int)strtol(argv[0], NULL, 10);
    pid_t starter = getppid();
    CHILD_CHECK(shmpool_self() > 0);
    CHILD_CHECK(write(fd, "r", 1) == 1);
    while (getppid() == starter)
        usleep(1000);
    CHILD_CHECK(write(fd, "x", 1) == 1);
    exit(33);
}

static int program_environment(char **argv)
{
    CHILD_CHECK(getenv("SPAWN_TEST") != NULL && strcmp(getenv("SPAWN_TEST"), argv[0]) == 0);
    CHILD_CHECK(getenv("SHMPOOL_LETTER") != NULL && strcmp(getenv("SHMPOOL_LETTER"), "77") != 0);
    return shmpool_self() > 0 ? 0 : 1;
}

static int program_signals(char **argv)
{
    struct sigaction action;
    sigset_t mask;
    (void)argv;
    CHILD_CHECK(sigaction(SIGUSR1, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
    CHILD_CHECK(sigaction(SIGUSR2, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
    CHILD_CHECK(sigprocmask(SIG_BLOCK, NULL, &mask) == 0);
    CHILD_CHECK(sigismember(&mask, SIGWINCH) == 1 && sigismember(&mask, SIGTERM) == 0);
    return 0;
}

/* signalfd FD: blocks a signal, says so, and reads it. */
static int program_signalfd(char **argv)
{
    struct signalfd_siginfo info;
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    CHILD_CHECK(sigprocmask(SIG_BLOCK, &mask, NULL) == 0);
    int fd = signalfd(-1, &mask, SFD_CLOEXEC);
    CHILD_CHECK(fd >= 0);
    CHILD_CHECK(write((int)strtol(argv[0], NULL, 10), "r", 1) == 1);
    CHILD_CHECK(read(fd, &info, sizeof info) == sizeof info);
    return info.ssi_signo == SIGTERM ? 0 : 1;
}

/* creates FD: makes a pool and tells its ID. */
static int program_creates(char **argv)
{
    struct shmpool_options options = {.name = argv[1]};
    shmpool_id pool = shmpool_create(pages(10), &options);
    CHILD_CHECK(pool > 0);
    char *block = shmpool_alloc(pool, page());
    strcpy(block, greeting);
    CHILD_CHECK(shmpool_set_root(pool, block) == 0);
    CHILD_CHECK(write((int)strtol(argv[0], NULL, 10), &pool, sizeof pool) == sizeof pool);
    return 0;
}

static int program_attaches(char **argv)
{
    shmpool_id pool = (shmpool_id)strtol(argv[0], NULL, 10);
    if (argv[1][0] == '-') {
        CHILD_FAILS(shmpool_attach(pool, 0), EACCES);
        return 0;
    }
    CHILD_CHECK(shmpool_attach(pool, 0) == 0);
    return strcmp(shmpool_root(pool), greeting) == 0 ? 0 : 1;
}

/* The environment goes on to a program that is nobody's worker. */
static int program_stranger(char **argv)
{
    CHILD_CHECK(shmpool_self() == 0);
    CHILD_FAILS_NULL(shmpool_alloc((shmpool_id)strtol(argv[0], NULL, 10), 1), EBADF);
    shmpool_id own = shmpool_create(pages(1), NULL);
    CHILD_CHECK(own > 0);
    return shmpool_unlink(own);
}

static int program_passes_on(char **argv)
{
    const char *const stranger[] = {"contract", "spawned", "stranger", argv[0], NULL};
    CHILD_CHECK(child_ok(child_exec(stranger)));
    CHILD_CHECK(shmpool_alloc((shmpool_id)strtol(argv[0], NULL, 10), 1) != NULL);
    return child_ok(child_exec(stranger)) ? 0 : 1;
}

static int program_spawns(char **argv)
{
    char *const next[] = {"contract", "spawned", "self", NULL};
    (void)argv;
    shmpool_worker worker = shmpool_spawn(self_path, next, NULL, NULL);
    int status = status_of(worker);
    CHILD_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == (worker & 0xff));
    return 0;
}

/* ---- programs that get falsified letters: whatever comes of it, an end by a signal does not ----
 */

struct falsified {
    struct random random;
    ssize_t size;
    char letter[65536];
};

static struct falsified *falsified_begin(const char *seed)
{
    static struct falsified falsified;
    int fd = (int)strtol(getenv("SHMPOOL_LETTER"), NULL, 10);
    falsified.random = random_stream(strtoumax(seed, NULL, 0), 1);
    falsified.size = pread(fd, falsified.letter, sizeof falsified.letter, 0);
    CHILD_CHECK(falsified.size > 0);
    return &falsified;
}

static int file_with(const void *bytes, size_t size, int seals)
{
    int fd = memfd_create("falsified", MFD_ALLOW_SEALING);
    CHILD_CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    CHILD_CHECK(fcntl(fd, F_ADD_SEALS, seals) == 0);
    return fd;
}

static int uses_what_it_is_told(const struct falsified *falsified, struct told *told)
{
    char number[16];
    int fd = file_with(falsified->letter, (size_t)falsified->size,
                       F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW);
    snprintf(number, sizeof number, "%d", fd);
    setenv("SHMPOOL_LETTER", number, 1);
    for (int i = 0; i < N_POOLS; i++) {
        void *block = shmpool_alloc(told[i].pool, 1);
        if (block != NULL)
            shmpool_free(told[i].pool, block);
        shmpool_attach(told[i].pool, 0);
        shmpool_check(told[i].pool, NULL);
        shmpool_release(told[i].pool);
        shmpool_attach(told[i].pool, SHMPOOL_RDONLY);
    }
    shmpool_join(shmpool_self() + 1, NULL, 0);
    struct shmpool_options options = {.backend = "memfd"};
    shmpool_id own = shmpool_create(page(), &options);
    return own < 0 || shmpool_unlink(own) == 0 ? 0 : 1;
}

/* One bit of the letter is another one. */
static int program_damaged(char **argv)
{
    struct falsified *falsified = falsified_begin(argv[0]);
    size_t at = (size_t)random_between(&falsified->random, 0, (uint64_t)falsified->size - 1);
    falsified->letter[at] ^= (char)(1 << random_between(&falsified->random, 0, 7));
    return uses_what_it_is_told(falsified, told_by(argv + 1));
}

static int registry_descriptor(void)
{
    char path[32], text[64];
    for (int fd = 3; fd < 1024; fd++) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(path, text, sizeof text - 1);
        text[length > 0 ? length : 0] = '\0';
        if (strstr(text, "shmpool-registry") != NULL)
            return fd;
    }
    return -1;
}

/* Of those that are not zero, some are anything; and some of all. */
static void damage_words(uint64_t *words, size_t n, struct random *random)
{
    for (size_t i = 8; i < n; i++)
        if (words[i] != 0 && random_between(random, 0, 7) == 0)
            words[i] = random_between(random, 0, 1) ? random_next(random) : UINT64_MAX;
    for (int i = 0; i < 1000; i++)
        words[random_between(random, 8, n - 1)] = random_next(random);
}

/* The registry is a copy in which many words are others. */
static int program_misled(char **argv)
{
    struct stat before, after;
    struct falsified *falsified = falsified_begin(argv[0]);
    int fd = registry_descriptor();
    CHILD_CHECK(fd >= 0 && fstat(fd, &before) == 0);
    uint64_t *words = malloc((size_t)before.st_size);
    CHILD_CHECK(pread(fd, words, (size_t)before.st_size, 0) == before.st_size);
    damage_words(words, (size_t)before.st_size / 8, &falsified->random);
    int copy = file_with(words, (size_t)before.st_size, F_SEAL_SHRINK | F_SEAL_GROW);
    free(words);
    CHILD_CHECK(fstat(copy, &after) == 0 && dup2(copy, fd) == fd);
    for (char *at = falsified->letter; at < falsified->letter + falsified->size; at += 8)
        if (memcmp(at, &before.st_ino, 8) == 0)
            memcpy(at, &after.st_ino, 8);
    return uses_what_it_is_told(falsified, told_by(argv + 1));
}

/* What the letter says is there was closed, or is something else. */
static int program_robbed(char **argv)
{
    struct told *told = told_by(argv);
    int fds[8];
    int n_fds = proc_descriptors_of(told[0].object, fds, 8);
    int own = open("/dev/null", O_RDWR);
    for (int i = 0; i < n_fds; i++)
        CHILD_CHECK(dup2(own, fds[i]) == fds[i]);
    if (n_fds > 0)
        CHILD_FAILS_NULL(shmpool_alloc(told[0].pool, 1), EBADF);
    has_it_in_full(&told[1]);
    for (int i = 0; i < n_fds; i++)
        CHILD_CHECK(fcntl(fds[i], F_GETFD) >= 0);
    return 0;
}

static const struct program {
    const char *name;
    int n_arguments;
    int (*run)(char **);
} programs[] = {
    {"rights", 5 * N_POOLS, program_rights},
    {"occupied", 5 * N_POOLS, program_occupied},
    {"robbed", 5 * N_POOLS, program_robbed},
    {"damaged", 1 + 5 * N_POOLS, program_damaged},
    {"misled", 1 + 5 * N_POOLS, program_misled},
    {"self", 0, program_self},
    {"sleeps", 1, program_sleeps},
    {"outlives", 1, program_outlives},
    {"environment", 1, program_environment},
    {"signals", 0, program_signals},
    {"signalfd", 1, program_signalfd},
    {"creates", 2, program_creates},
    {"attaches", 2, program_attaches},
    {"stranger", 1, program_stranger},
    {"passes-on", 1, program_passes_on},
    {"spawns", 0, program_spawns},
};

int spawned_main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        if (argc == 3 + programs[i].n_arguments && strcmp(argv[2], programs[i].name) == 0)
            return programs[i].run(argv + 3);
    fprintf(stderr, "unknown: %s\n", argc > 2 ? argv[2] : argv[1]);
    return 2;
}

/* ---- spawning them ---- */

struct arguments {
    char text[N_ARGUMENTS][ARGUMENT_SIZE];
    char *argv[N_ARGUMENTS + 1];
    int n;
};

static void argument(struct arguments *arguments, const char *text)
{
    ck_assert_int_lt(arguments->n, N_ARGUMENTS);
    char *place = arguments->text[arguments->n];
    snprintf(place, ARGUMENT_SIZE, "%s", text);
    arguments->argv[arguments->n++] = place;
    arguments->argv[arguments->n] = NULL;
}

static void argument_number(struct arguments *arguments, uintmax_t number)
{
    char text[ARGUMENT_SIZE];
    snprintf(text, sizeof text, "%ju", number);
    argument(arguments, text);
}

static void arguments_begin(struct arguments *arguments, const char *program)
{
    arguments->n = 0;
    argument(arguments, "contract");
    argument(arguments, "spawned");
    argument(arguments, program);
}

static shmpool_worker spawn(const struct arguments *arguments,
                            const struct shmpool_start_options *options)
{
    shmpool_worker worker = shmpool_spawn(self_path, arguments->argv, NULL, options);
    ck_assert_msg(worker > 0, "spawn: %s", shmpool_errmsg());
    return worker;
}

static void told_new(struct told told[N_POOLS])
{
    for (int i = 0; i < N_POOLS; i++) {
        told[i].pool = pool_new(20);
        told[i].object = pool_object(told[i].pool);
        told[i].block = shmpool_alloc(told[i].pool, page());
        ck_assert_ptr_nonnull(told[i].block);
        strcpy(told[i].block, greeting);
        ck_ok(shmpool_set_root(told[i].pool, told[i].block));
        told[i].right = 'w';
    }
}

static void told_drop(const struct told told[N_POOLS])
{
    for (int i = 0; i < N_POOLS; i++)
        pool_drop(told[i].pool);
}

static void arguments_tell(struct arguments *arguments, const struct told told[N_POOLS])
{
    char right[2] = "";
    for (int i = 0; i < N_POOLS; i++) {
        argument_number(arguments, (uintmax_t)told[i].pool);
        argument_number(arguments, (uintptr_t)told[i].block);
        argument_number(arguments, told[i].object.device);
        argument_number(arguments, told[i].object.inode);
        right[0] = told[i].right;
        argument(arguments, right);
    }
}

static size_t list_of(const struct told told[N_POOLS], struct shmpool_grant list[N_POOLS])
{
    size_t n = 0;
    for (int i = 0; i < N_POOLS; i++)
        if (told[i].right != '-')
            list[n++] =
                (struct shmpool_grant){told[i].pool, told[i].right == 'r' ? SHMPOOL_RDONLY : 0};
    return n;
}

START_TEST(a_program_without_a_list_has_every_pool)
{
    struct told told[N_POOLS];
    struct arguments arguments;
    told_new(told);
    arguments_begin(&arguments, "rights");
    arguments_tell(&arguments, told);
    ck_join_ok(spawn(&arguments, NULL));
    told_drop(told);
}
END_TEST

static const char *const all_rights[] = {"www", "w--", "-r-", "rrr", "---", "r-w"};

START_TEST(a_program_has_exactly_what_the_list_says)
{
    struct told told[N_POOLS];
    struct arguments arguments;
    struct shmpool_grant list[N_POOLS];
    told_new(told);
    for (int i = 0; i < N_POOLS; i++)
        told[i].right = all_rights[_i][i];
    size_t n = list_of(told, list);
    struct shmpool_start_options options = {.inherit = n > 0 ? list : SHMPOOL_INHERIT_NONE,
                                            .n_inherit = n};
    arguments_begin(&arguments, "rights");
    arguments_tell(&arguments, told);
    ck_join_ok(spawn(&arguments, &options));
    told_drop(told);
}
END_TEST

START_TEST(programs_of_every_kind_find_their_grants)
{
    struct told told[N_POOLS];
    struct arguments arguments;
    char path[512];
    char folder[400];
    ssize_t length = readlink(self_path, folder, sizeof folder - 1);
    ck_assert_int_gt(length, 0);
    folder[length] = '\0';
    *strrchr(folder, '/') = '\0';
    told_new(told);
    const struct shmpool_grant list[] = {{told[0].pool, 0}, {told[1].pool, SHMPOOL_RDONLY}};
    struct shmpool_start_options options = {.inherit = list, .n_inherit = 2};
    static const char *const kinds[] = {SPAWNED_KINDS};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        arguments.n = 0;
        argument(&arguments, kinds[i]);
        for (int j = 0; j < N_POOLS; j++) {
            argument_number(&arguments, (uintmax_t)told[j].pool);
            argument_number(&arguments, (uintptr_t)told[j].block);
        }
        snprintf(path, sizeof path, "%s/%s", folder, kinds[i]);
        for (int round = 0; round < 6; round++) {
            options.flags = round % 2 == 0 ? 0 : SHMPOOL_DIE_WITH_STARTER;
            shmpool_worker worker = shmpool_spawn(path, arguments.argv, NULL, &options);
            ck_assert_msg(worker > 0, "%s", shmpool_errmsg());
            ck_join_ok(worker);
        }
    }
    told_drop(told);
}
END_TEST

START_TEST(an_occupied_address_is_told_when_the_pool_is_asked_for)
{
    struct told told[N_POOLS];
    struct arguments arguments;
    told_new(told);
    arguments_begin(&arguments, "occupied");
    arguments_tell(&arguments, told);
    ck_join_ok(spawn(&arguments, NULL));
    told_drop(told);
}
END_TEST

static void fails_and_leaves_nothing(const char *path, char *const *argv, int code)
{
    int descriptors = proc_count_descriptors();
    ck_fails(shmpool_spawn(path, argv, NULL, NULL), code);
    ck_says(path);
    ck_assert_int_eq(proc_count_descriptors(), descriptors);
    ck_assert_int_lt(waitpid(-1, NULL, WNOHANG), 0);
}

START_TEST(what_cannot_be_executed_is_this_calls_error)
{
    char *const argv[] = {"program", NULL};
    char path[] = "/tmp/shmpool-test-XXXXXX";
    shmpool_id pool = pool_new(1);
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    fails_and_leaves_nothing("/nonexistent/program", argv, ENOENT);
    fails_and_leaves_nothing("/", argv, EACCES);
    fails_and_leaves_nothing(path, argv, EACCES);
    ck_assert_int_eq(write(fd, "no program", 10), 10);
    ck_assert_int_eq(fchmod(fd, 0700), 0);
    close(fd);
    fails_and_leaves_nothing(path, argv, ENOEXEC);
    unlink(path);
    ck_fails(shmpool_spawn(NULL, argv, NULL, NULL), EINVAL);
    ck_fails(shmpool_spawn("/bin/true", NULL, NULL, NULL), EINVAL);
    struct shmpool_start_options options = {.flags = 2};
    ck_fails(shmpool_spawn("/bin/true", argv, NULL, &options), EINVAL);
    struct shmpool_grant twice[] = {{pool, 0}, {pool, 0}};
    options = (struct shmpool_start_options){.inherit = twice, .n_inherit = 2};
    ck_fails(shmpool_spawn("/bin/true", argv, NULL, &options), EINVAL);
    pool_drop(pool);
}
END_TEST

START_TEST(a_program_that_knows_nothing_of_us_is_a_worker_too)
{
    char *const argv[] = {"false", NULL};
    int status;
    shmpool_worker worker = shmpool_spawn("/bin/false", argv, NULL, NULL);
    ck_ok(worker);
    ck_ok(shmpool_join(worker, &status, -1));
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    ck_fails(shmpool_join(worker, &status, -1), EBADF);
}
END_TEST

START_TEST(a_program_knows_its_id_and_others_its_pid)
{
    struct arguments arguments;
    int status;
    arguments_begin(&arguments, "self");
    shmpool_worker worker = spawn(&arguments, NULL);
    ck_ok(shmpool_join(worker, &status, -1));
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == (worker & 0xff));
    int nowhere = open("/dev/null", O_WRONLY);
    arguments_begin(&arguments, "sleeps");
    argument_number(&arguments, (uintmax_t)nowhere);
    worker = spawn(&arguments, NULL);
    close(nowhere);
    pid_t pid = shmpool_worker_pid(worker);
    ck_assert_int_gt(pid, 0);
    ck_assert(proc_runs(pid));
    ck_fails(shmpool_join(worker, NULL, 0), EAGAIN);
    ck_ok(shmpool_kill(worker, SIGTERM));
    ck_ok(shmpool_join(worker, &status, -1));
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}
END_TEST

START_TEST(the_environment_is_the_one_that_was_given)
{
    struct arguments arguments;
    char *own[64] = {"SPAWN_TEST=given", "SHMPOOL_LETTER=77"};
    int n = 2;
    for (int i = 0; environ[i] != NULL && n < 60; i++)
        if (strncmp(environ[i], "SHMPOOL_", 8) == 0)
            own[n++] = environ[i];
    arguments_begin(&arguments, "environment");
    argument(&arguments, "given");
    shmpool_worker worker = shmpool_spawn(self_path, arguments.argv, own, NULL);
    ck_ok(worker);
    ck_join_ok(worker);
    setenv("SPAWN_TEST", "inherited", 1);
    setenv("SHMPOOL_LETTER", "77", 1);
    arguments_begin(&arguments, "environment");
    argument(&arguments, "inherited");
    ck_join_ok(spawn(&arguments, NULL));
    unsetenv("SPAWN_TEST");
    unsetenv("SHMPOOL_LETTER");
}
END_TEST

static void handler(int signal)
{
    (void)signal;
}

static int spawns_with_signals(void *unused)
{
    char *const argv[] = {"contract", "spawned", "signals", NULL};
    sigset_t mask;
    (void)unused;
    signal(SIGUSR1, handler);
    signal(SIGUSR2, SIG_IGN);
    sigemptyset(&mask);
    sigaddset(&mask, SIGWINCH);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    shmpool_worker worker = shmpool_spawn(self_path, argv, NULL, NULL);
    return child_ok(status_of(worker)) ? 0 : 1;
}

START_TEST(signals_are_as_after_posix_spawn)
{
    ck_child_ok(spawns_with_signals, NULL);
}
END_TEST

START_TEST(the_environment_makes_no_worker_of_a_stranger)
{
    struct arguments arguments;
    shmpool_id pool = pool_new(10);
    arguments_begin(&arguments, "passes-on");
    argument_number(&arguments, (uintmax_t)pool);
    ck_join_ok(spawn(&arguments, NULL));
    pool_drop(pool);
}
END_TEST

START_TEST(a_program_spawns_programs)
{
    struct arguments arguments;
    arguments_begin(&arguments, "spawns");
    ck_join_ok(spawn(&arguments, NULL));
}
END_TEST

/* Creates a pool in a spawned program; its ID. */
static shmpool_id created_by_program(const char *name, const struct shmpool_start_options *options)
{
    struct arguments arguments;
    shmpool_id pool = -1;
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    arguments_begin(&arguments, "creates");
    argument_number(&arguments, (uintmax_t)ends[1]);
    argument(&arguments, name);
    ck_join_ok(spawn(&arguments, options));
    ck_assert_int_eq(read(ends[0], &pool, sizeof pool), sizeof pool);
    close(ends[0]);
    close(ends[1]);
    return pool;
}

static void attached_by_program(shmpool_id pool, const char *expected,
                                const struct shmpool_start_options *options)
{
    struct arguments arguments;
    arguments_begin(&arguments, "attaches");
    argument_number(&arguments, (uintmax_t)pool);
    argument(&arguments, expected);
    ck_join_ok(spawn(&arguments, options));
}

START_TEST(programs_attach_under_the_rules_of_the_family)
{
    const struct shmpool_start_options none = {.inherit = SHMPOOL_INHERIT_NONE};
    const struct shmpool_start_options *options[] = {NULL, &none};
    char name[RUN_NAME_SIZE];
    for (int i = 0; i < 2; i++) {
        shmpool_id pool = created_by_program(run_name(name, "program"), options[i]);
        attached_by_program(pool, "+", NULL);
        attached_by_program(pool, "-", &none);
        ck_ok(shmpool_attach(pool, 0));
        ck_assert_str_eq(shmpool_root(pool), greeting);
        pool_drop(pool);
    }
}
END_TEST

/* ---- hostile input ---- */

START_TEST(a_number_that_is_no_letter_is_no_letter)
{
    static const char *const numbers[] = {"",   "x",  "-1", "0",           "1",  "2",
                                          "3x", " 3", "10", "99999999999", "+3", "1000000"};
    const char *const argv[] = {"contract", "spawned", "stranger", "1", NULL};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        setenv("SHMPOOL_LETTER", numbers[i], 1);
        ck_status_ok(child_exec(argv));
    }
    unsetenv("SHMPOOL_LETTER");
}
END_TEST

static void files_are_no_letter(size_t size, int seals)
{
    const char *const argv[] = {"contract", "spawned", "stranger", "1", NULL};
    char number[16];
    int fd = memfd_create("letter", MFD_ALLOW_SEALING);
    ck_assert_int_ge(fd, 0);
    struct random random = random_stream(random_seed(), size);
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = random_next(&random);
        ck_assert_int_eq(write(fd, &word, 8), 8);
    }
    ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
    snprintf(number, sizeof number, "%d", fd);
    setenv("SHMPOOL_LETTER", number, 1);
    ck_status_ok(child_exec(argv));
    unsetenv("SHMPOOL_LETTER");
    close(fd);
}

START_TEST(a_file_of_anything_is_no_letter)
{
    static const size_t sizes[] = {0, 8, 512, 1024, 4096, 65536};
    const int all = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        files_are_no_letter(sizes[i], all);
        files_are_no_letter(sizes[i], F_SEAL_SEAL);
    }
}
END_TEST

static void falsify(const char *program, unsigned rounds)
{
    struct told told[N_POOLS];
    struct arguments arguments;
    told_new(told);
    for (unsigned i = 0; i < rounds; i++) {
        int status;
        arguments_begin(&arguments, program);
        argument_number(&arguments, (random_seed() ^ i) & INT64_MAX);
        arguments_tell(&arguments, told);
        ck_ok(shmpool_join(spawn(&arguments, NULL), &status, -1));
        ck_assert_msg(child_ok(status), "round %u: %s", i, child_text(status));
    }
    told_drop(told);
}

START_TEST(a_damaged_letter_crashes_nobody)
{
    falsify("damaged", 60);
}
END_TEST

START_TEST(a_damaged_registry_crashes_nobody)
{
    falsify("misled", 40);
}
END_TEST

START_TEST(descriptors_that_were_replaced_are_not_used)
{
    struct told told[N_POOLS];
    struct arguments arguments;
    told_new(told);
    arguments_begin(&arguments, "robbed");
    arguments_tell(&arguments, told);
    ck_join_ok(spawn(&arguments, NULL));
    told_drop(told);
}
END_TEST

/* ---- deaths ---- */

struct notes {
    _Atomic int ready;
    shmpool_worker worker;
    int pipe[2];
    const char *program;
    unsigned flags;
};

static int spawns_and_is_killed(void *arg)
{
    struct notes *notes = arg;
    struct arguments arguments;
    struct shmpool_start_options options = {.flags = notes->flags};
    char byte;
    arguments_begin(&arguments, notes->program);
    argument_number(&arguments, (uintmax_t)notes->pipe[1]);
    notes->worker = spawn(&arguments, &options);
    CHILD_CHECK(read(notes->pipe[0], &byte, 1) == 1 && byte == 'r');
    raise(SIGKILL);
    return 1;
}

/* Reads until the last writer is gone; the number of bytes. */
static int outlived(struct notes *notes)
{
    char byte;
    int n = 0;
    ck_assert_int_eq(pipe(notes->pipe), 0);
    int status = child_run(spawns_and_is_killed, notes);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    close(notes->pipe[1]);
    while (read(notes->pipe[0], &byte, 1) == 1)
        n++;
    close(notes->pipe[0]);
    return n;
}

START_TEST(a_program_outlives_its_starter_and_its_status_is_known)
{
    struct notes *notes = shared_memory(sizeof *notes);
    int status;
    notes->program = "outlives";
    ck_assert_int_eq(outlived(notes), 1);
    ck_ok(shmpool_join(notes->worker, &status, -1));
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 33, "%s", child_text(status));
}
END_TEST

START_TEST(a_bound_program_dies_with_its_starter)
{
    struct notes *notes = shared_memory(sizeof *notes);
    int status;
    notes->program = "sleeps";
    notes->flags = SHMPOOL_DIE_WITH_STARTER;
    ck_assert_int_eq(outlived(notes), 0);
    ck_ok(shmpool_join(notes->worker, &status, -1));
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
END_TEST

START_TEST(a_bound_program_has_its_signals_to_itself)
{
    const struct shmpool_start_options bound = {.flags = SHMPOOL_DIE_WITH_STARTER};
    struct arguments arguments;
    char byte;
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    arguments_begin(&arguments, "signalfd");
    argument_number(&arguments, (uintmax_t)ends[1]);
    shmpool_worker worker = spawn(&arguments, &bound);
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    ck_ok(shmpool_kill(worker, SIGTERM));
    ck_join_ok(worker);
}
END_TEST

static int spawns_again_and_again(void *arg)
{
    struct notes *notes = arg;
    char *const argv[] = {"true", NULL};
    for (;;) {
        shmpool_worker worker = shmpool_spawn("/bin/true", argv, NULL, NULL);
        CHILD_CHECK(worker > 0);
        atomic_fetch_add(&notes->ready, 1);
        CHILD_CHECK(shmpool_join(worker, NULL, -1) == 0);
    }
}

START_TEST(starters_killed_while_they_spawn_hinder_nobody)
{
    struct notes *notes = shared_memory(sizeof *notes);
    struct random random = random_stream(random_seed(), 3);
    struct told told[N_POOLS];
    struct arguments arguments;
    told_new(told);
    for (int i = 0; i < 100; i++) {
        atomic_store(&notes->ready, 0);
        pid_t child = child_start(spawns_again_and_again, notes);
        wait_for(&notes->ready, 1);
        usleep((useconds_t)random_between(&random, 0, 3000));
        ck_assert_int_eq(kill(child, SIGKILL), 0);
        ck_assert(WIFSIGNALED(child_wait(child)));
    }
    arguments_begin(&arguments, "rights");
    arguments_tell(&arguments, told);
    ck_join_ok(spawn(&arguments, NULL));
    told_drop(told);
}
END_TEST

static int exits_with_5(void *arg)
{
    (void)arg;
    return 5;
}

static int spawns_without_files(void *arg)
{
    char *const argv[] = {"true", NULL};
    struct rlimit before;
    (void)arg;
    CHILD_CHECK(shmpool_self() == 0);
    CHILD_CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
    CHILD_CHECK(setrlimit(RLIMIT_FSIZE, &(struct rlimit){100, before.rlim_max}) == 0);
    CHILD_FAILS(shmpool_spawn("/bin/true", argv, NULL, NULL), ENOSPC);
    CHILD_CHECK(strstr(shmpool_errmsg(), "ulimit -f") != NULL);
    CHILD_CHECK(strstr(shmpool_errmsg(), "which pools it has") != NULL);
    CHILD_CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0); /* a coverage build writes its counters */
    return 0;
}

START_TEST(the_limit_of_file_sizes_is_told)
{
    ck_child_ok(spawns_without_files, NULL);
}
END_TEST

static void *spawns_and_starts(void *arg)
{
    char *const argv[] = {"true", NULL};
    for (int i = 0; i < 50; i++) {
        int by_fork = 0;
        int by_exec = 0;
        shmpool_worker forked = shmpool_start(exits_with_5, NULL, NULL);
        shmpool_worker spawned = shmpool_spawn("/bin/true", argv, NULL, NULL);
        if (forked <= 0 || spawned <= 0 || shmpool_join(spawned, &by_exec, -1) != 0 ||
            shmpool_join(forked, &by_fork, -1) != 0 || by_exec != 0 || WEXITSTATUS(by_fork) != 5)
            atomic_fetch_add((_Atomic int *)arg, 1);
    }
    return NULL;
}

START_TEST(threads_spawn_and_start_beside_each_other)
{
    pthread_t threads[4];
    _Atomic int failed = 0;
    shmpool_id pool = pool_new(10);
    int descriptors = proc_count_descriptors();
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, spawns_and_starts, &failed), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(atomic_load(&failed), 0);
    ck_assert_int_eq(proc_count_descriptors(), descriptors);
    pool_drop(pool);
}
END_TEST

TCase *spawn_case(void)
{
    TCase *tcase = contract_case("spawn");
    tcase_add_test(tcase, a_program_without_a_list_has_every_pool);
    tcase_add_loop_test(tcase, a_program_has_exactly_what_the_list_says, 0,
                        sizeof all_rights / sizeof all_rights[0]);
    tcase_add_test(tcase, programs_of_every_kind_find_their_grants);
    tcase_add_test(tcase, an_occupied_address_is_told_when_the_pool_is_asked_for);
    tcase_add_test(tcase, what_cannot_be_executed_is_this_calls_error);
    tcase_add_test(tcase, a_program_that_knows_nothing_of_us_is_a_worker_too);
    tcase_add_test(tcase, a_program_knows_its_id_and_others_its_pid);
    tcase_add_test(tcase, the_environment_is_the_one_that_was_given);
    tcase_add_test(tcase, signals_are_as_after_posix_spawn);
    tcase_add_test(tcase, the_environment_makes_no_worker_of_a_stranger);
    tcase_add_test(tcase, a_program_spawns_programs);
    tcase_add_test(tcase, programs_attach_under_the_rules_of_the_family);
    tcase_add_test(tcase, a_number_that_is_no_letter_is_no_letter);
    tcase_add_test(tcase, a_file_of_anything_is_no_letter);
    tcase_add_test(tcase, a_damaged_letter_crashes_nobody);
    tcase_add_test(tcase, a_damaged_registry_crashes_nobody);
    tcase_add_test(tcase, descriptors_that_were_replaced_are_not_used);
    tcase_add_test(tcase, a_program_outlives_its_starter_and_its_status_is_known);
    tcase_add_test(tcase, a_bound_program_dies_with_its_starter);
    tcase_add_test(tcase, a_bound_program_has_its_signals_to_itself);
    tcase_add_test(tcase, starters_killed_while_they_spawn_hinder_nobody);
    tcase_add_test(tcase, the_limit_of_file_sizes_is_told);
    tcase_add_test(tcase, threads_spawn_and_start_beside_each_other);
    return tcase;
}
