#include "connection.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cache.h"

enum { AT_ONCE = 64 << 10, MOST_UNSENT = 256 << 10 };

void connection_open(struct connection *connection, int socket)
{
    *connection = (struct connection){.socket = socket};
}

void connection_close(struct connection *connection)
{
    close(connection->socket);
    buffer_free(&connection->in);
    buffer_free(&connection->out);
}

short connection_events(const struct connection *connection)
{
    return connection->out.length > 0 ? POLLOUT : POLLIN;
}

/* No memory for an answer is the end of the connection. */
static void check(struct connection *connection, int result)
{
    if (result != 0)
        connection->is_last = true;
}

static void say(struct connection *connection, const char *line)
{
    check(connection, buffer_print(&connection->out, "%s\n", line));
}

static void refuse(struct connection *connection, const char *why)
{
    check(connection, buffer_print(&connection->out, "ERROR %s\n", why));
}

/* Where the next request begins is not known any more. */
static void refuse_all(struct connection *connection, const char *why)
{
    refuse(connection, why);
    connection->is_last = true;
}

static void answer_get(struct connection *connection, const struct hand *hand)
{
    static char value[LONGEST_VALUE];
    size_t length;
    if (!cache_get(hand, &connection->request.key, value, &length)) {
        say(connection, "NOT_FOUND");
        return;
    }
    check(connection, buffer_print(&connection->out, "VALUE %zu\n", length));
    check(connection, buffer_add(&connection->out, value, length));
    say(connection, "");
}

static void answer_del(struct connection *connection, const struct hand *hand)
{
    say(connection, cache_delete(hand, &connection->request.key) ? "DELETED" : "NOT_FOUND");
}

static void answer_stats(struct connection *connection, const struct hand *hand)
{
    static const char *const names[N_COUNTS] = {
        [COUNT_GETS] = "gets", [COUNT_HITS] = "hits",       [COUNT_SETS] = "sets",
        [COUNT_DELS] = "dels", [COUNT_EVICTED] = "evicted", [COUNT_DAMAGED] = "damaged",
    };
    struct shmpool_stats stats;
    for (enum count i = 0; i < N_COUNTS; i++)
        check(connection, buffer_print(&connection->out, "%s %" PRIu64 "\n", names[i],
                                       cache_count(hand->cache, i)));
    if (shmpool_stats(hand->pool, &stats) == 0)
        check(connection,
              buffer_print(&connection->out, "pool_size %zu\npool_free %zu\npool_max_size %zu\n",
                           stats.total, stats.free, stats.max_size));
    check(connection, buffer_print(&connection->out, "worker %u\n", hand->slot + 1));
    say(connection, "END");
}

static void answer_set(struct connection *connection, struct hand *hand, const char *value)
{
    const struct request *request = &connection->request;
    if (cache_set(hand, &request->key, value, request->length) == 0)
        say(connection, "STORED");
    else
        refuse(connection, errno == ENOSPC ? "there is no room" : shmpool_errmsg());
}

static void answer(struct connection *connection, struct hand *hand)
{
    switch (connection->request.verb) {
    case VERB_SET:
        connection->awaits_value = true;
        break;
    case VERB_GET:
        answer_get(connection, hand);
        break;
    case VERB_DEL:
        answer_del(connection, hand);
        break;
    case VERB_STATS:
        answer_stats(connection, hand);
        break;
    case VERB_QUIT:
        connection->is_last = true;
        break;
    }
}

/* How many bytes of a line end stand at `at`, of which n have arrived: 0 when it is none, and -1
 * when it cannot be known yet. */
static int line_end(const char *at, size_t n)
{
    if (n > 0 && at[0] == '\n')
        return 1;
    if (n == 0 || (n == 1 && at[0] == '\r'))
        return -1;
    return at[0] == '\r' && at[1] == '\n' ? 2 : 0;
}

/* The value of a SET, if it has arrived wholly. */
static bool take_value(struct connection *connection, struct hand *hand)
{
    struct buffer *in = &connection->in;
    size_t length = connection->request.length;
    int end = in->length < length ? -1 : line_end(buffer_at(in) + length, in->length - length);
    if (end < 0)
        return false;
    if (end == 0)
        refuse_all(connection, "the value is longer than was said");
    else
        answer_set(connection, hand, buffer_at(in));
    buffer_drop(in, length + (size_t)end);
    connection->awaits_value = false;
    return true;
}

static void understand(struct connection *connection, struct hand *hand, const char *line, size_t n)
{
    const char *wrong = request_parse(&connection->request, line, n);
    bool is_set = n >= 3 && memcmp(line, "SET", 3) == 0; /* a value of unknown length follows */
    if (wrong == NULL)
        answer(connection, hand);
    else if (is_set)
        refuse_all(connection, wrong);
    else
        refuse(connection, wrong);
}

/* One line, if it has arrived wholly. */
static bool take_line(struct connection *connection, struct hand *hand)
{
    struct buffer *in = &connection->in;
    const char *line = buffer_at(in);
    size_t n = in->length < LONGEST_REQUEST ? in->length : LONGEST_REQUEST;
    const char *end = n > 0 ? memchr(line, '\n', n) : NULL;
    if (end == NULL) {
        if (n == LONGEST_REQUEST)
            refuse_all(connection, "the line is too long");
        return false;
    }
    n = (size_t)(end - line);
    understand(connection, hand, line, n > 0 && line[n - 1] == '\r' ? n - 1 : n);
    buffer_drop(in, (size_t)(end - line) + 1);
    return true;
}

/* Answers what has arrived, as long as there are not too many answers to be taken. How many. */
static size_t answer_some(struct connection *connection, struct hand *hand)
{
    size_t n = 0;
    while (!connection->is_last && connection->out.length < MOST_UNSENT &&
           (connection->awaits_value ? take_value : take_line)(connection, hand))
        n++;
    return n;
}

/* False: the client is gone. */
static bool send_some(struct connection *connection)
{
    struct buffer *out = &connection->out;
    while (out->length > 0) {
        ssize_t sent = send(connection->socket, buffer_at(out), out->length, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR;
        buffer_drop(out, (size_t)sent);
    }
    return true;
}

static bool receive_some(struct connection *connection)
{
    struct buffer *in = &connection->in;
    if (buffer_reserve(in, AT_ONCE) != 0)
        return false;
    ssize_t n = recv(connection->socket, buffer_at(in) + in->length, AT_ONCE, 0);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    in->length += (size_t)n;
    connection->is_over = n == 0;
    return true;
}

/* The client sees the end; what it still sends is thrown away. Were the socket closed at once, a
 * client in the middle of a value would get EPIPE and never read why. */
static bool linger(struct connection *connection)
{
    if (!connection->is_shut)
        shutdown(connection->socket, SHUT_WR);
    connection->is_shut = true;
    buffer_drop(&connection->in, connection->in.length);
    return receive_some(connection) && !connection->is_over;
}

bool connection_serve(struct connection *connection, struct hand *hand)
{
    size_t n = 1;
    if (!send_some(connection))
        return false;
    if (connection->out.length > 0)
        return true;
    if (connection->is_last)
        return linger(connection);
    if (!connection->is_over && !receive_some(connection))
        return false;
    while (n > 0 && connection->out.length == 0) {
        n = answer_some(connection, hand);
        if (!send_some(connection))
            return false;
    }
    if (connection->out.length > 0)
        return true;
    return !connection->is_over && (!connection->is_last || linger(connection));
}
