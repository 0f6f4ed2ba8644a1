#include "crew.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "cache.h"
#include "signals.h"
#include "worker.h"

enum { FAREWELL_MS = 2000 };

/* Deaths without a request being answered in between. */
enum { VAIN_DEATHS = 100, VAIN_DEATHS_PER_WORKER = 10 };

struct member {
    shmpool_worker worker; /* 0: nobody at work */
    pid_t pid;
};

struct crew {
    const struct store *store;
    int listener;
    unsigned n_members;
    struct member members[MOST_WORKERS]; /* one for each slot */
    unsigned vain_deaths;
    uint64_t n_answered; /* when last looked at */
};

static int start(struct crew *crew, unsigned slot)
{
    struct worker_task task = {crew->store->pool, crew->store->cache, slot, crew->listener};
    struct shmpool_grant grant = {.pool = crew->store->pool};
    struct shmpool_start_options options = {
        .inherit = &grant, .n_inherit = 1, .flags = SHMPOOL_DIE_WITH_STARTER};
    shmpool_worker worker = shmpool_start(worker_run, &task, &options);
    if (worker < 0) {
        warnx("%s", shmpool_errmsg());
        return -1;
    }
    crew->members[slot] = (struct member){worker, shmpool_worker_pid(worker)};
    return 0;
}

static uint64_t count_answered(const struct cache_shm *cache)
{
    return cache_count(cache, COUNT_GETS) + cache_count(cache, COUNT_SETS) +
           cache_count(cache, COUNT_DELS);
}

static bool hopeless(struct crew *crew)
{
    uint64_t n_answered = count_answered(crew->store->cache);
    if (n_answered != crew->n_answered)
        crew->vain_deaths = 0;
    crew->n_answered = n_answered;
    return ++crew->vain_deaths >= VAIN_DEATHS + VAIN_DEATHS_PER_WORKER * crew->n_members;
}

/* A worker has ended and was joined: another one takes its slot. */
static int replace(struct crew *crew, unsigned slot, int status)
{
    pid_t pid = crew->members[slot].pid;
    crew->members[slot].worker = 0;
    store_settle(crew->store, slot, pid);
    if (WIFSIGNALED(status))
        warnx("worker %u (pid %d) was killed by signal %d; another one takes its place", slot + 1,
              (int)pid, WTERMSIG(status));
    if (!hopeless(crew))
        return start(crew, slot);
    warnx("%u workers ended and no request was answered in between: giving up", crew->vain_deaths);
    return -1;
}

/* Takes all that have ended. */
static int attend(struct crew *crew)
{
    int status;
    for (unsigned slot = 0; slot < crew->n_members; slot++) {
        if (shmpool_join(crew->members[slot].worker, &status, 0) == 0) {
            if (replace(crew, slot, status) != 0)
                return -1;
        } else if (errno != EAGAIN) {
            warnx("%s", shmpool_errmsg());
            return -1;
        }
    }
    return 0;
}

static int work(struct crew *crew)
{
    for (unsigned slot = 0; slot < crew->n_members; slot++)
        if (start(crew, slot) != 0)
            return -1;
    for (;;) {
        int signal = signals_wait();
        if (signal != 0 && signal != SIGCHLD)
            return 0;
        if (attend(crew) != 0)
            return -1;
    }
}

/* Each may finish the request that it is at; one that does not hear, a stopped one, say, is killed:
 * that is never wrong. */
static void end_all(struct crew *crew)
{
    for (unsigned slot = 0; slot < crew->n_members; slot++)
        if (crew->members[slot].worker != 0)
            shmpool_kill(crew->members[slot].worker, SIGTERM);
    for (unsigned slot = 0; slot < crew->n_members; slot++) {
        shmpool_worker worker = crew->members[slot].worker;
        if (worker == 0 || shmpool_join(worker, NULL, FAREWELL_MS) == 0)
            continue;
        shmpool_kill(worker, SIGKILL);
        shmpool_join(worker, NULL, -1);
    }
    for (unsigned slot = 0; slot < crew->n_members; slot++)
        if (crew->members[slot].worker != 0)
            store_settle(crew->store, slot, crew->members[slot].pid);
}

int crew_run(const struct store *store, unsigned n_workers, int listener)
{
    struct crew crew = {.store = store, .listener = listener, .n_members = n_workers};
    int result = work(&crew);
    end_all(&crew);
    return result;
}
