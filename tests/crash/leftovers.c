/* A campaign: processes that create pools are killed at random moments, others open and create
 * pools of the same few names at the same time, and collectors remove what is left over.
 *
 * Whoever got a pool by its name and holds it finds it under that name, sound and with its
 * contents, until it lets go, and so does whoever created one. At the end nothing of the dead is
 * left, and the pools that were kept or are held are there. Each process is a family of its own:
 * this program makes no call into the library itself. LEFTOVERS (250): how many creators. */
#include <errno.h>
#include <shmpool.h>
#include <shmpool/inspect.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/child.h"
#include "support/filefolder.h"
#include "support/filter.h"
#include "support/leftover.h"
#include "support/random.h"

enum {
    CREATORS = 250,
    MOST = 100000,
    NAMES = 16,
    AT_ONCE = 3, /* creators */
    OPENERS = 2,
    COLLECTORS = 2,
    LIFE_US = 15000, /* of a creator, at most */
    MARK = 0x5eed,
    PATIENCE = 500,
};

/* What all processes count together. */
struct tally {
    _Atomic int is_over;
    _Atomic unsigned created, opened, absent, collected, unfinished, busy, wrong;
    _Atomic unsigned n_makers;
    _Atomic pid_t makers[MOST];
};

static struct tally *tally;
static struct random stream;
static char names[NAMES][RUN_NAME_SIZE];
static char kept_name[RUN_NAME_SIZE];
static char held_name[RUN_NAME_SIZE];

static const char *backend(void)
{
    return getenv("SHMPOOL_BACKEND");
}

static void nap_us(uint64_t us)
{
    nanosleep(&(struct timespec){.tv_nsec = (long)us * 1000}, NULL);
}

static void nap_up_to_us(uint64_t us)
{
    nap_us(random_between(&stream, 0, us));
}

static void begin_stream(void)
{
    stream = random_stream(random_seed(), (uint64_t)getpid());
}

static const char *any_name(void)
{
    return names[random_between(&stream, 0, NAMES - 1)];
}

static void expect(bool is_right, const char *what, const char *name)
{
    if (is_right)
        return;
    tally->wrong++;
    printf("crash/leftovers: backend=%s %s: %s: errno %d: %s\n", backend(), name, what, errno,
           shmpool_errmsg());
    fflush(stdout);
}

/* ---- pools ---- */

static shmpool_id create(const char *name, unsigned flags)
{
    const struct shmpool_options options = {.name = name, .flags = flags};
    shmpool_id pool = shmpool_create(50000, &options);
    int *block = pool > 0 ? shmpool_alloc(pool, 5000) : NULL;
    if (block == NULL)
        return pool;
    *block = MARK;
    shmpool_set_root(pool, block);
    return pool;
}

/* What was opened may be of a creator that died before it had stored a root. */
static void look_through(shmpool_id pool, const char *name)
{
    const int *root = shmpool_root(pool);
    expect(root == NULL || *root == MARK, "contents are lost", name);
    expect(shmpool_check(pool, stdout) == 0, "not sound", name);
    expect(shmpool_open(name, SHMPOOL_RDONLY) == pool, "the name is lost", name);
}

static void hold(shmpool_id pool, const char *name)
{
    for (uint64_t i = random_between(&stream, 1, 4); i > 0; i--) {
        look_through(pool, name);
        nap_up_to_us(2000);
    }
    shmpool_release(pool);
}

/* ---- processes ---- */

static int be_creator(void *arg)
{
    begin_stream();
    const char *name = any_name();
    tally->makers[tally->n_makers++ % MOST] = getpid();
    if (arg != NULL)
        CHILD_CHECK(filter_tmpfile() == 0);
    shmpool_id pool = create(name, 0);
    expect(pool > 0 || errno == EEXIST, "cannot be created", name);
    if (pool < 0)
        return 0;
    tally->created++;
    hold(pool, name);
    return 0;
}

static int be_opener(void *arg)
{
    (void)arg;
    begin_stream();
    while (!tally->is_over) {
        const char *name = any_name();
        shmpool_id pool = shmpool_open(name, random_between(&stream, 0, 1) ? SHMPOOL_RDONLY : 0);
        if (pool > 0) {
            tally->opened++;
            hold(pool, name);
            continue;
        }
        tally->absent++;
        expect(errno == ENOENT, "cannot be opened", name);
        nap_up_to_us(2000);
    }
    return 0;
}

static bool is_maker(pid_t pid)
{
    for (unsigned i = 0; i < tally->n_makers && i < MOST; i++)
        if (tally->makers[i] == pid)
            return true;
    return false;
}

/* A temporary file of posix says not whose it is; one that somebody needs is not collected. */
static bool is_ours(const struct shmpool_listed *listed)
{
    if (strcmp(listed->backend, backend()) != 0)
        return false;
    if (listed->name != NULL)
        return strstr(listed->name, run_id()) != NULL;
    return listed->state == SHMPOOL_UNFINISHED && listed->uid == geteuid() &&
           (listed->creator == 0 || is_maker(listed->creator));
}

static int collect(const struct shmpool_listed *listed, void *arg)
{
    (void)arg;
    bool is_unfinished = listed->state == SHMPOOL_UNFINISHED;
    if (!is_ours(listed) || (listed->state != SHMPOOL_ORPHAN && !is_unfinished))
        return 0;
    if (shmpool_collect(listed, 0) == 0)
        ++*(is_unfinished ? &tally->unfinished : &tally->collected);
    else if (errno == EBUSY)
        tally->busy++;
    else
        expect(errno == ENOENT || errno == EAGAIN, "cannot be collected", listed->where);
    return 0;
}

static int be_collector(void *arg)
{
    (void)arg;
    while (!tally->is_over)
        CHILD_CHECK(shmpool_list(collect, NULL) == 0);
    return 0;
}

static int be_keeper(void *arg)
{
    (void)arg;
    CHILD_CHECK(create(kept_name, SHMPOOL_KEEP) > 0);
    return 0;
}

static int be_holder(void *arg)
{
    shmpool_id pool = create(held_name, 0);
    *(_Atomic int *)arg = 1;
    while (!tally->is_over)
        nap_us(10000);
    look_through(pool, held_name);
    CHILD_CHECK(shmpool_unlink(pool) == 0);
    return 0;
}

/* ---- the end ---- */

static bool is_left(const struct shmpool_listed *listed)
{
    return listed->name != NULL ? strcmp(listed->name, kept_name) != 0
                                : shmpool_collect(listed, SHMPOOL_PRETEND) == 0;
}

static int count(const struct shmpool_listed *listed, void *n)
{
    if (is_ours(listed) && is_left(listed))
        ++*(unsigned *)n;
    return 0;
}

/* The system takes a moment to take down what the dead had. */
static int clear_away(void *arg)
{
    unsigned n = 1;
    (void)arg;
    for (int i = 0; i < 200 && n > 0; i++, nap_us(5000)) {
        CHILD_CHECK(shmpool_list(collect, NULL) == 0);
        n = 0;
        CHILD_CHECK(shmpool_list(count, &n) == 0);
    }
    expect(n == 0, "something dead is left", "all");
    shmpool_id kept = shmpool_open(kept_name, 0);
    expect(kept > 0, "what is kept is gone", kept_name);
    if (kept > 0)
        look_through(kept, kept_name);
    expect(shmpool_unlink_name(kept_name) == 0, "what is kept has no name", kept_name);
    return 0;
}

/* ---- the campaign ---- */

static void start_all(pid_t *pids, int n, child_body *body)
{
    for (int i = 0; i < n; i++)
        pids[i] = child_start(body, NULL);
}

static void end_all(const pid_t *pids, int n)
{
    for (int i = 0; i < n; i++)
        expect(child_ok(child_wait(pids[i])), "ended wrong", "a process");
}

/* Every third where the system has no nameless files; every tenth lives to its end. */
static void run_creators(int n)
{
    pid_t pids[AT_ONCE];
    static char no_tmpfile;
    bool is_posix = strcmp(backend(), "posix") == 0;
    for (int i = 0; i < n; i += AT_ONCE) {
        for (int j = 0; j < AT_ONCE; j++)
            pids[j] = child_start(be_creator, is_posix && (i + j) % 3 == 0 ? &no_tmpfile : NULL);
        for (int j = 0; j < AT_ONCE; j++) {
            nap_up_to_us(LIFE_US);
            if ((i + j) % 10 != 0)
                kill(pids[j], SIGKILL);
        }
        for (int j = 0; j < AT_ONCE; j++) {
            int status = child_wait(pids[j]);
            expect(WIFSIGNALED(status) || child_ok(status), "ended wrong", "a creator");
        }
    }
}

static int creators(void)
{
    const char *text = getenv("LEFTOVERS");
    return text != NULL ? atoi(text) : CREATORS;
}

static void campaign(int n)
{
    pid_t openers[OPENERS], collectors[COLLECTORS];
    _Atomic int *is_held =
        mmap(NULL, sizeof *is_held, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHILD_CHECK(child_ok(child_run(be_keeper, NULL)));
    pid_t holder = child_start(be_holder, (void *)is_held);
    while (!*is_held)
        nap_us(1000);
    start_all(openers, OPENERS, be_opener);
    start_all(collectors, COLLECTORS, be_collector);
    run_creators(n);
    tally->is_over = 1;
    end_all(openers, OPENERS);
    end_all(collectors, COLLECTORS);
    expect(child_ok(child_wait(holder)), "what is held was lost", held_name);
    expect(child_ok(child_run(clear_away, NULL)), "ended wrong", "the last collector");
}

int main(void)
{
    int n = creators();
    alarm((unsigned)(PATIENCE + n));
    setenv("TMPDIR", "/dev/shm", 1); /* no overlay, where nobody can tell who uses a file */
    filefolder_begin();
    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tally == MAP_FAILED)
        return EXIT_FAILURE;
    begin_stream();
    for (int i = 0; i < NAMES; i++) {
        char subject[16];
        snprintf(subject, sizeof subject, "left%d", i);
        run_name(names[i], subject);
    }
    run_name(kept_name, "kept");
    run_name(held_name, "held");
    campaign(n);
    int left = leftover_sweep();
    printf("crash/leftovers: backend=%s creators=%d created=%u opened=%u absent=%u collected=%u "
           "unfinished=%u busy=%u wrong=%u left=%d\n",
           backend(), n, tally->created, tally->opened, tally->absent, tally->collected,
           tally->unfinished, tally->busy, tally->wrong, left);
    bool has_worked = tally->collected > 0 && tally->opened > 0 && tally->created > 0;
    return filefolder_end() == 0 && left == 0 && tally->wrong == 0 && has_worked ? EXIT_SUCCESS
                                                                                 : EXIT_FAILURE;
}
