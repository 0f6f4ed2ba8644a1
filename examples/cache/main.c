/* cache: a key-value cache over a Unix socket, served by several processes, that outlives them.
 *
 * An example of a structure in shared memory that survives kill -9 of every process, at any moment.
 * The master finds the pool by its name, or creates it, and starts workers that inherit it. Each
 * accepts clients at the same socket and works in one hash table, which lives in the pool and is
 * linked by plain pointers. A worker that dies is replaced; when all have died, or the machine's
 * user has ended them, the next start serves what the pool holds.
 *
 *   options   the command line               store            the pool: created or found again
 *   layout    what lives in the pool, and why it is right whoever is killed: start there
 *   chain     the hash table                 item             one key and value
 *   segment   room for items, eviction       cache            get, set, delete
 *   request   the protocol                   connection       one client
 *   buffer    bytes that wait                listener         the socket
 *   worker    what a worker does             hand             its hold on the cache
 *   crew      the master's side              guard            one server a cache
 *   signals   those that end the program
 *
 * There is no difference between an end in order and a death: nothing is written down at the end,
 * and a start always begins by putting in order what processes left that cannot exist any more. */
#include <err.h>
#include <unistd.h>

#include "crew.h"
#include "guard.h"
#include "listener.h"
#include "options.h"
#include "signals.h"

static int serve(const struct store *store, const struct options *options)
{
    int listener = listener_open(options->socket);
    if (listener < 0)
        return -1;
    warnx("serving %s at %s, %s", options->order.name, options->socket,
          store->found ? "with what it held" : "empty");
    int result = crew_run(store, options->order.n_workers, listener);
    unlink(options->socket);
    close(listener);
    return result;
}

static int find_and_serve(const struct options *options)
{
    struct store store;
    if (store_open(&store, &options->order) != 0)
        return -1;
    int result = serve(&store, options);
    shmpool_release(store.pool);
    return result;
}

int main(int argc, char *argv[])
{
    struct options options = options_parse(argc, argv);
    signals_block();
    if (guard_take(options.order.name) != 0)
        return STATUS_FAILURE;
    int result = options.remove ? store_remove(&options.order) : find_and_serve(&options);
    return result == 0 ? STATUS_FINE : STATUS_FAILURE;
}
