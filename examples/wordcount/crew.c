#include "crew.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "chunks.h"
#include "interrupt.h"
#include "worker.h"

enum { WAIT_MS = 50 };

/* Deaths without a chunk being finished in between. SIGBUS comes from memory that the system does
 * not have; it will come again. */
enum { VAIN_DEATHS = 100, VAIN_DEATHS_PER_WORKER = 10, VAIN_DEATHS_BY_SIGBUS = 3 };

struct member {
    shmpool_worker worker; /* 0: nobody at work */
    pid_t pid;
    uint32_t number; /* see chunks.h */
};

struct crew {
    const struct crew_order *order;
    struct progress *progress;
    struct member *members; /* one for each slot */
    unsigned n_members;
    unsigned n_working;
    uint32_t n_started;
    unsigned vain_deaths;
    size_t n_finished; /* chunks, when last looked at */
};

static int fail(struct crew *crew, const char *sentence)
{
    progress_erase(crew->progress);
    warnx("%s", sentence);
    return -1;
}

static int start(struct crew *crew, unsigned slot)
{
    struct worker_task task = {crew->order->pool, crew->order->input, slot, crew->n_started + 1};
    struct shmpool_grant grant = {.pool = crew->order->pool};
    struct shmpool_start_options options = {
        .inherit = &grant, .n_inherit = 1, .flags = SHMPOOL_DIE_WITH_STARTER};
    shmpool_worker worker = shmpool_start(worker_run, &task, &options);
    if (worker < 0)
        return fail(crew, shmpool_errmsg());
    crew->members[slot] = (struct member){worker, shmpool_worker_pid(worker), task.worker};
    crew->n_working++;
    crew->n_started++;
    return 0;
}

void crew_say_pool_full(size_t pool_size)
{
    warnx("the pool of %zu bytes is too small for this text: choose a larger one with -s, or leave "
          "-s out",
          pool_size);
}

/* What a worker wrote into its slot before it gave up. */
static int say_problem(struct crew *crew, unsigned slot, int status)
{
    const struct slot_shm *at = &crew->order->job->slots[slot];
    const char *file = crew->order->input->files[at->file].name;
    progress_erase(crew->progress);
    switch (at->problem) {
    case PROBLEM_POOL_FULL:
        crew_say_pool_full(crew->order->pool_size);
        break;
    case PROBLEM_POOL:
        warnx("%.*s", SENTENCE_SIZE, at->sentence);
        break;
    case PROBLEM_READ:
        warnx("%s: %s", file, strerror(at->error));
        break;
    case PROBLEM_SHRUNK:
        warnx("%s: The file became shorter while it was counted", file);
        break;
    case PROBLEM_MEMORY:
        warnx("worker %u: %s", slot + 1, strerror(ENOMEM));
        break;
    case PROBLEM_NONE:
        warnx("worker %u ended with status %d", slot + 1, WEXITSTATUS(status));
        break;
    }
    return -1;
}

static int say_hopeless(struct crew *crew, int signal)
{
    progress_erase(crew->progress);
    warnx("%u workers died and no chunk was finished in between: giving up%s", crew->vain_deaths,
          signal == SIGBUS ? "; " CREW_NO_MEMORY : "");
    return -1;
}

static bool hopeless(struct crew *crew, int signal)
{
    unsigned limit = signal == SIGBUS ? VAIN_DEATHS_BY_SIGBUS
                                      : VAIN_DEATHS + VAIN_DEATHS_PER_WORKER * crew->n_members;
    size_t n_finished = chunks_count_finished(crew->order->job);
    if (n_finished != crew->n_finished)
        crew->vain_deaths = 0;
    crew->n_finished = n_finished;
    return ++crew->vain_deaths >= limit;
}

/* Puts everything in order after a worker that was killed, and starts another one where there is
 * work for it. */
static int replace(struct crew *crew, unsigned slot, int signal)
{
    const struct crew_order *order = crew->order;
    pid_t pid = crew->members[slot].pid;
    bool held = chunks_give_back(order->job, crew->members[slot].number);
    progress_erase(crew->progress);
    warnx("worker %u (pid %d) was killed by signal %d; %s", slot + 1, (int)pid, signal,
          held ? "its chunk is counted again" : "it held no chunk");
    shmpool_reclaim(order->pool, pid); /* if it cannot be done now, one block stays unused */
    if (hopeless(crew, signal))
        return say_hopeless(crew, signal);
    return chunks_any_free(order->job) ? start(crew, slot) : 0;
}

/* A worker has ended and was joined. */
static int dismiss(struct crew *crew, unsigned slot, int status)
{
    crew->members[slot].worker = 0;
    crew->n_working--;
    if (interrupt_noted()) /* the worker may have got the same signal */
        return -1;
    if (WIFSIGNALED(status))
        return replace(crew, slot, WTERMSIG(status));
    return WEXITSTATUS(status) == 0 ? 0 : say_problem(crew, slot, status);
}

/* Joins the worker in this slot if it ends in time. 1: it did, 0: it did not, -1: all must end. */
static int join(struct crew *crew, unsigned slot, int timeout_ms)
{
    int status;
    if (shmpool_join(crew->members[slot].worker, &status, timeout_ms) == 0)
        return dismiss(crew, slot, status) == 0 ? 1 : -1;
    return errno == EAGAIN || errno == ETIMEDOUT ? 0 : fail(crew, shmpool_errmsg());
}

/* One round: takes all that have ended, and otherwise waits for the first one a while. */
static int attend(struct crew *crew)
{
    int n_ended = 0;
    unsigned first = crew->n_members;
    for (unsigned slot = crew->n_members; slot-- > 0;) {
        if (crew->members[slot].worker == 0)
            continue;
        int ended = join(crew, slot, 0);
        if (ended < 0)
            return -1;
        n_ended += ended;
        first = slot;
    }
    if (n_ended > 0)
        return 0;
    return join(crew, first, WAIT_MS) < 0 ? -1 : 0;
}

static double part_done(const struct crew *crew)
{
    const struct job_shm *job = crew->order->job;
    return (double)chunks_count_finished(job) / (double)job->n_chunks;
}

static int work(struct crew *crew)
{
    for (unsigned slot = 0; slot < crew->n_members; slot++)
        if (interrupt_noted() || start(crew, slot) != 0)
            return -1;
    while (crew->n_working > 0) {
        if (attend(crew) != 0 || interrupt_noted())
            return -1;
        progress_show(crew->progress, part_done(crew));
    }
    if (chunks_count_finished(crew->order->job) != crew->order->job->n_chunks)
        return fail(crew, "all workers ended and chunks are left: this cannot be");
    return 0;
}

/* Nobody may be left: a worker that is stopped ends by this signal too. */
static void end_all(struct crew *crew)
{
    for (unsigned slot = 0; slot < crew->n_members; slot++)
        if (crew->members[slot].worker != 0)
            shmpool_kill(crew->members[slot].worker, SIGKILL);
    for (unsigned slot = 0; slot < crew->n_members; slot++)
        if (crew->members[slot].worker != 0)
            shmpool_join(crew->members[slot].worker, NULL, -1);
}

int crew_run(const struct crew_order *order, struct progress *progress)
{
    struct crew crew = {.order = order, .progress = progress, .n_members = order->job->n_slots};
    crew.members = calloc(crew.n_members, sizeof *crew.members);
    if (crew.members == NULL)
        return fail(&crew, strerror(errno));
    int result = work(&crew);
    if (result != 0)
        end_all(&crew);
    progress_erase(progress);
    free(crew.members);
    return result;
}
