/* One client: what it sent and was not answered yet, what it has not taken of the answers yet.
 *
 * Nothing waits for a client: what is there is read, what it takes is written. One that does not
 * take its answers is not read from. */
#ifndef CACHE_CONNECTION_H
#define CACHE_CONNECTION_H

#include <poll.h>

#include "buffer.h"
#include "hand.h"
#include "request.h"

struct connection {
    int socket;
    struct buffer in;
    struct buffer out;
    struct request request; /* a SET whose value has not arrived wholly */
    bool awaits_value;
    bool is_last; /* nothing more is answered */
    bool is_shut; /* the client sees that */
    bool is_over; /* the client sends nothing more */
};

void connection_open(struct connection *connection, int socket);
void connection_close(struct connection *connection);

/* What to poll(2) for. */
short connection_events(const struct connection *connection);

/* Does what can be done now. False: the connection is at its end, to be closed. */
bool connection_serve(struct connection *connection, struct hand *hand);

#endif
