/* Makes happen what README.md tells under "What happens when".
 *
 *   happens LIST           the rows that this program knows, as "WHEN|CALL"
 *   happens WHEN CALL      makes it happen; "GIVES|SAYS" as the row has it
 *
 * Run by happens.sh, which sees to a small /dev/shm. Only the public interface is used. */
#include <errno.h>
#include <fcntl.h>
#include <shmpool.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child.h"

enum { MIB = 1 << 20, BIG = 100 * MIB };

static char name[64];
static char *block; /* of the pool that a worker is to store to */

/* ---- the words of the table ---- */

static int row(const char *gives, const char *says)
{
    printf("%s|%s\n", gives, says);
    return 0;
}

/* Only a failure has something to say. */
static int row_of(long result, const char *success)
{
    char gives[64];
    if (result >= 0)
        return row(success, "");
    snprintf(gives, sizeof gives, "-1, %s", strerrorname_np(errno));
    return row(gives, shmpool_errmsg());
}

static int row_of_pointer(const void *result)
{
    char gives[64];
    if (result != NULL)
        return row("a block", "");
    snprintf(gives, sizeof gives, "NULL, %s", strerrorname_np(errno));
    return row(gives, shmpool_errmsg());
}

static int row_of_status(int joined, int status, const char *says)
{
    char gives[64];
    if (joined != 0 || !WIFSIGNALED(status))
        return row_of(joined, "0, and an exit status");
    snprintf(gives, sizeof gives, "0, and the status of SIG%s", sigabbrev_np(WTERMSIG(status)));
    return row(gives, says);
}

static void expect(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "happens: %s: %s\n", what, shmpool_errmsg());
        exit(1);
    }
}

/* ---- pools and workers ---- */

static shmpool_id create(size_t size, const char *backend, unsigned flags)
{
    struct shmpool_options options = {.name = name, .backend = backend, .flags = flags};
    return shmpool_create(size, &options);
}

static shmpool_id pool_of(size_t size)
{
    shmpool_id pool = create(size, NULL, 0);
    expect(pool > 0, "create");
    return pool;
}

static void remove_pool(void)
{
    shmpool_unlink_name(name);
}

static int owns_a_block(void *arg)
{
    if (shmpool_alloc(*(shmpool_id *)arg, 1) == NULL)
        return 1;
    raise(SIGSTOP);
    return 0;
}

static int sleeps(void *arg)
{
    (void)arg;
    pause();
    return 0;
}

static shmpool_worker killed_worker(int (*run)(void *), shmpool_id *pool, pid_t *pid)
{
    int status;
    shmpool_worker worker = shmpool_start(run, pool, NULL);
    expect(worker > 0, "start");
    *pid = shmpool_worker_pid(worker);
    if (run == owns_a_block)
        expect(waitpid(*pid, &status, WUNTRACED) == *pid && WIFSTOPPED(status), "stopped");
    expect(shmpool_kill(worker, SIGKILL) == 0, "kill");
    return worker;
}

/* ---- a worker is killed ---- */

static int killed_joined(void)
{
    int status = 0;
    pid_t pid;
    shmpool_id pool = pool_of(MIB);
    int joined = shmpool_join(killed_worker(owns_a_block, &pool, &pid), &status, -1);
    expect(shmpool_alloc(pool, 1) != NULL && shmpool_check(pool, NULL) == 0, "the pool goes on");
    return row_of_status(joined, status, "");
}

static int killed_reclaimed(void)
{
    pid_t pid;
    shmpool_id pool = pool_of(MIB);
    expect(shmpool_join(killed_worker(owns_a_block, &pool, &pid), NULL, -1) == 0, "join");
    ssize_t freed = shmpool_reclaim(pool, pid);
    expect(freed < 0 || freed == sysconf(_SC_PAGESIZE), "one block of one page");
    return row_of(freed, "the bytes freed");
}

static int killed_reaped(void)
{
    int status = 0;
    pid_t pid;
    shmpool_worker worker = killed_worker(sleeps, NULL, &pid);
    expect(waitpid(-1, NULL, 0) == pid, "waitpid");
    int joined = shmpool_join(worker, &status, -1);
    return row_of_status(joined, status, shmpool_errmsg());
}

static int killed_twice(void)
{
    pid_t pid;
    siginfo_t info;
    shmpool_worker worker = killed_worker(sleeps, NULL, &pid);
    expect(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0, "waitid");
    return row_of(shmpool_kill(worker, SIGTERM), "0");
}

static int killed_joined_twice(void)
{
    pid_t pid;
    shmpool_worker worker = killed_worker(sleeps, NULL, &pid);
    expect(shmpool_join(worker, NULL, -1) == 0, "join");
    return row_of(shmpool_join(worker, NULL, -1), "0");
}

/* ---- the pool is full ---- */

static int pool_full(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    shmpool_id pool = pool_of(16 * page);
    expect(shmpool_alloc(pool, 15 * page) != NULL, "alloc");
    return row_of_pointer(shmpool_alloc(pool, 2 * page));
}

static int growing_pool_full(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct shmpool_options options = {.name = name, .max_size = 32 * page};
    shmpool_id pool = shmpool_create(16 * page, &options);
    expect(pool > 0, "create");
    expect(shmpool_alloc(pool, 15 * page) != NULL, "alloc");
    return row_of_pointer(shmpool_alloc(pool, 2 * page));
}

/* ---- the program ends without unlink ---- */

static int creates_and_ends(void *arg)
{
    (void)arg;
    strcpy(shmpool_alloc(pool_of(MIB), 10), "here");
    kill(getpid(), SIGKILL);
    return 0;
}

static int left_and_created(void)
{
    child_run(creates_and_ends, NULL);
    return row_of(create(MIB, NULL, 0), "an ID");
}

static int left_and_opened(void)
{
    struct shmpool_stats stats = {0};
    child_run(creates_and_ends, NULL);
    shmpool_id pool = shmpool_open(name, 0);
    expect(pool < 0 || (shmpool_stats(pool, &stats) == 0 && stats.blocks == 1), "its block");
    return row_of(pool, "an ID, and the pool as it was");
}

static int left_and_unlinked(void)
{
    child_run(creates_and_ends, NULL);
    return row_of(shmpool_unlink_name(name), "0");
}

/* ---- /dev/shm is small, or full ---- */

/* Takes all that is left there, until this process ends. */
static void fill_up(void)
{
    int fd = open("/dev/shm", O_TMPFILE | O_RDWR, 0600);
    off_t end = 0;
    expect(fd >= 0, "open");
    for (off_t step = MIB; step >= 512; step /= 2)
        while (fallocate(fd, 0, end, step) == 0)
            end += step;
}

static int stores(void *arg)
{
    memset(block, 1, *(size_t *)arg);
    return 0;
}

static int row_of_store(size_t size)
{
    int status = 0;
    shmpool_worker worker = shmpool_start(stores, &size, NULL);
    expect(worker > 0 && shmpool_join(worker, &status, -1) == 0, "join");
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS ? row("SIGBUS", "") : row("", "");
}

static int creates(void *arg)
{
    (void)arg;
    row_of(create(MIB, "posix", 0), "an ID");
    return fflush(stdout);
}

static int full_and_committed(void)
{
    fill_up();
    return row_of(create(MIB, "posix", SHMPOOL_COMMIT), "an ID");
}

static int full_and_created(void)
{
    fill_up();
    int status = child_run(creates, NULL);
    return child_ok(status) ? 0 : row(WTERMSIG(status) == SIGBUS ? "SIGBUS" : "", "");
}

static int full_and_stored(void)
{
    block = shmpool_alloc(pool_of(MIB), MIB);
    expect(block != NULL, "alloc");
    fill_up();
    return row_of_store(MIB);
}

static int small_and_committed(void)
{
    return row_of(create(BIG, "posix", SHMPOOL_COMMIT), "an ID");
}

static int small_and_stored(void)
{
    block = shmpool_alloc(pool_of(BIG), BIG);
    expect(block != NULL, "alloc");
    return row_of_store(BIG);
}

static int small_and_memfd(void)
{
    return row_of(create(BIG, "memfd", SHMPOOL_COMMIT), "an ID");
}

/* ---- the table ---- */

static const struct {
    const char *when;
    const char *call;
    int (*happens)(void);
} rows[] = {
    {"a worker is killed", "shmpool_join", killed_joined},
    {"a worker is killed", "shmpool_reclaim with its process ID", killed_reclaimed},
    {"a worker is killed", "shmpool_kill", killed_twice},
    {"a worker is killed", "shmpool_join a second time", killed_joined_twice},
    {"a worker is killed, and the program reaped it (waitpid(-1))", "shmpool_join", killed_reaped},
    {"the pool is full", "shmpool_alloc", pool_full},
    {"the pool is full and has a larger max_size", "shmpool_alloc", growing_pool_full},
    {"the program ended without unlink", "shmpool_create with the name", left_and_created},
    {"the program ended without unlink", "shmpool_open", left_and_opened},
    {"the program ended without unlink", "shmpool_unlink_name", left_and_unlinked},
    {"/dev/shm is full", "shmpool_create with SHMPOOL_COMMIT", full_and_committed},
    {"/dev/shm is full", "shmpool_create", full_and_created},
    {"/dev/shm is full", "the first store to a page of a block", full_and_stored},
    {"a container has 64 MiB of /dev/shm", "shmpool_create of 100 MiB with SHMPOOL_COMMIT",
     small_and_committed},
    {"a container has 64 MiB of /dev/shm", "stores to 100 MiB without SHMPOOL_COMMIT",
     small_and_stored},
    {"a container has 64 MiB of /dev/shm",
     "shmpool_create of 100 MiB on memfd, with SHMPOOL_COMMIT", small_and_memfd},
};

enum { N_ROWS = sizeof rows / sizeof rows[0] };

int main(int argc, char **argv)
{
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    snprintf(name, sizeof name, "happens-%d", (int)getpid());
    for (int i = 0; i < N_ROWS; i++) {
        if (argc == 2)
            printf("%s|%s\n", rows[i].when, rows[i].call);
        if (argc == 3 && strcmp(argv[1], rows[i].when) == 0 && strcmp(argv[2], rows[i].call) == 0) {
            int result = rows[i].happens();
            remove_pool();
            return result;
        }
    }
    return argc == 2 ? 0 : 2;
}
