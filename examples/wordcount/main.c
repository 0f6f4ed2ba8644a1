/* wordcount: counts the words of files with several processes.
 *
 * An example of what shmpool is for. The master opens the files, creates a pool, and starts workers
 * that inherit it. The workers take chunks of the files from a shared counter and count the words
 * in one hash table, which lives in the pool and is linked by plain pointers. The master joins the
 * workers, replaces those that die, adds up, and prints.
 *
 *   options   the command line               input, passage   files; the text of a chunk
 *   layout    what lives in the pool, and why the result is exact whoever is killed: start there
 *   job       setting it up                  chunks           who counts which chunk
 *   arena     memory for words and cells     cell             one count
 *   table     the shared hash table          lexicon          a worker's short cut to its cells
 *   scan      finding words                  worker           what a worker does
 *   crew      the master's side              progress         the line on a terminal
 *   tally     adding up                      report           the result
 *   interrupt signals that end the program
 *
 * The pool's name is removed as soon as the pool is made: the workers inherit the memory and need
 * no name. So nothing is left behind however the program ends, and the workers end with it
 * (SHMPOOL_DIE_WITH_STARTER). The signals that a user sends wait until that is done. */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "crew.h"
#include "interrupt.h"
#include "job.h"
#include "options.h"
#include "report.h"

static struct job_plan make_plan(const struct options *options, const struct input *input)
{
    struct job_plan plan = {.bytes = input->bytes, .n_chunks = input->n_chunks};
    plan.n_slots = options->n_workers;
    if (plan.n_slots > plan.n_chunks) /* the others had nothing to do */
        plan.n_slots = (unsigned)plan.n_chunks;
    return plan;
}

/* Counts in a pool that exists. */
static int count_in(const struct crew_order *order, struct progress *progress,
                    const struct options *options)
{
    struct tally tally;
    int result = crew_run(order, progress);
    interrupt_let_through();
    if (result != 0)
        return result;
    result = tally_make(&tally, order->job, options->top);
    if (result != 0)
        warn("the list of words");
    else
        result = report(&tally, order->input, progress_seconds(progress), options->json);
    tally_free(&tally);
    return result;
}

/* A pool without a name; the workers let it grow. */
static shmpool_id create_pool(size_t size, size_t max_size, const char *backend)
{
    struct shmpool_options choice = {
        .backend = backend, .max_size = max_size, .flags = SHMPOOL_PRIVATE};
    shmpool_id pool = shmpool_create(size, &choice);
    if (pool > 0 && shmpool_unlink(pool) == 0)
        return pool;
    warnx("%s", shmpool_errmsg());
    return -1;
}

static int count(const struct options *options, const struct input *input)
{
    struct progress progress = progress_begin(input->bytes);
    struct job_plan plan = make_plan(options, input);
    struct crew_order order = {.input = input};
    order.pool_size = options->pool_size ? options->pool_size : job_pool_size(&plan);
    interrupt_hold();
    size_t first = job_first_size(&plan);
    order.pool = create_pool(first < order.pool_size ? first : order.pool_size, order.pool_size,
                             options->backend);
    if (order.pool < 0)
        return -1;
    order.job = job_create(order.pool, &plan);
    if (order.job == NULL && errno == ENOSPC)
        crew_say_pool_full(order.pool_size);
    else if (order.job == NULL)
        warnx("%s", shmpool_errmsg());
    int result = order.job == NULL ? -1 : count_in(&order, &progress, options);
    shmpool_release(order.pool);
    return result;
}

static pid_t master;

/* The first touch of a page raises SIGBUS when the system has no memory for it. In a worker that is
 * a death like any other; in the master it is the end. */
static void end_by_sigbus(int number)
{
    static const char sentence[] = "wordcount: " CREW_NO_MEMORY "\n";
    if (getpid() != master) {
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    ssize_t written = write(STDERR_FILENO, sentence, sizeof sentence - 1);
    (void)written;
    _exit(STATUS_FAILURE);
}

int main(int argc, char *argv[])
{
    struct options options = options_parse(argc, argv);
    struct input input;
    master = getpid();
    signal(SIGBUS, end_by_sigbus);
    if (input_open(&input, options.files, options.n_files) != 0)
        return STATUS_FAILURE;
    int result = count(&options, &input);
    interrupt_let_through();
    input_close(&input);
    return result == 0 ? STATUS_FINE : STATUS_FAILURE;
}
