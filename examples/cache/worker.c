#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#include "connection.h"
#include "listener.h"
#include "segment.h"
#include "signals.h"

enum { MOST_CLIENTS = 256 };

struct worker {
    struct hand hand;
    int listener;
    bool is_short; /* of descriptors or memory for another client */
    size_t n_clients;
    struct connection clients[MOST_CLIENTS];
};

static void accept_some(struct worker *worker)
{
    while (worker->n_clients < MOST_CLIENTS) {
        int client = listener_accept(worker->listener);
        if (client < 0) {
            worker->is_short = errno != EAGAIN && errno != ECONNABORTED;
            return;
        }
        connection_open(&worker->clients[worker->n_clients++], client);
    }
}

/* The last client takes the place of client i. */
static void end(struct worker *worker, size_t i)
{
    connection_close(&worker->clients[i]);
    worker->clients[i] = worker->clients[--worker->n_clients];
}

static void serve(struct worker *worker, size_t i)
{
    if (!connection_serve(&worker->clients[i], &worker->hand))
        end(worker, i);
}

/* Clients that have got their last answer and stay are no reason to take no others. */
static void make_room(struct worker *worker)
{
    for (size_t i = worker->n_clients; worker->n_clients == MOST_CLIENTS && i-- > 0;)
        if (worker->clients[i].is_shut)
            end(worker, i);
}

/* Waits for clients, and for the end: false. Signals come in here only. Those whom there is no
 * descriptor for wait a little. */
static bool wait_for_some(struct worker *worker, struct pollfd *polled)
{
    static const struct timespec a_little = {.tv_nsec = 100000000};
    bool takes_more = worker->n_clients < MOST_CLIENTS && !worker->is_short;
    for (size_t i = 0; i < worker->n_clients; i++)
        polled[i] = (struct pollfd){.fd = worker->clients[i].socket,
                                    .events = connection_events(&worker->clients[i])};
    polled[worker->n_clients] =
        (struct pollfd){.fd = takes_more ? worker->listener : -1, .events = POLLIN};
    const struct timespec *longest = worker->is_short ? &a_little : NULL;
    worker->is_short = false;
    if (ppoll(polled, worker->n_clients + 1, longest, signals_none()) < 0)
        for (size_t i = 0; i <= worker->n_clients; i++)
            polled[i].revents = 0;
    return !signals_noted();
}

static void round_of(struct worker *worker, const struct pollfd *polled)
{
    bool arrived = polled[worker->n_clients].revents != 0;
    for (size_t i = worker->n_clients; i-- > 0;)
        if (polled[i].revents != 0)
            serve(worker, i);
    if (arrived)
        accept_some(worker);
    make_room(worker);
}

int worker_run(void *task)
{
    static struct worker worker;
    static struct pollfd polled[MOST_CLIENTS + 1];
    const struct worker_task *given = task;
    worker.hand = (struct hand){.pool = given->pool, .cache = given->cache, .slot = given->slot};
    worker.listener = given->listener;
    segment_inherit(&worker.hand);
    signals_note();
    while (wait_for_some(&worker, polled))
        round_of(&worker, polled);
    while (worker.n_clients > 0)
        connection_close(&worker.clients[--worker.n_clients]);
    return 0;
}
