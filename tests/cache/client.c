#include "cache/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/child.h"

enum { ROOM = 256 << 10, PAUSE_US = 5000, PATIENCE = 60 * 1000000 / PAUSE_US };

static int try_to_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int new = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHILD_CHECK(new >= 0);
    if (connect(new, (struct sockaddr *)&address, sizeof address) == 0)
        return new;
    close(new);
    return -1;
}

static void connect_again(struct client *client)
{
    for (int i = 0; client->socket < 0 && i < PATIENCE; i++) {
        client->socket = try_to_connect(client->path);
        if (client->socket < 0)
            usleep(PAUSE_US);
    }
    CHILD_CHECK(client->socket >= 0);
}

void client_open(struct client *client, const char *path)
{
    *client = (struct client){.socket = -1, .path = path, .bytes = malloc(ROOM)};
    CHILD_CHECK(client->bytes != NULL);
    connect_again(client);
}

static void lose(struct client *client)
{
    if (client->socket >= 0)
        close(client->socket);
    client->socket = -1;
    client->n_bytes = 0;
}

void client_close(struct client *client)
{
    lose(client);
    free(client->bytes);
}

bool client_send(struct client *client, const void *bytes, size_t n)
{
    const char *at = bytes;
    connect_again(client);
    while (n > 0) {
        ssize_t sent = send(client->socket, at, n, MSG_NOSIGNAL);
        if (sent < 0) {
            CHILD_CHECK(errno == EPIPE || errno == ECONNRESET);
            lose(client);
            return false;
        }
        at += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* More bytes than there are. */
static bool receive_more(struct client *client)
{
    if (client->socket < 0)
        return false;
    ssize_t n = recv(client->socket, client->bytes + client->n_bytes, ROOM - client->n_bytes, 0);
    if (n <= 0) {
        CHILD_CHECK(n == 0 || errno == ECONNRESET);
        lose(client);
        return false;
    }
    client->n_bytes += (size_t)n;
    return true;
}

bool client_receive(struct client *client, void *bytes, size_t n)
{
    while (client->n_bytes < n)
        if (!receive_more(client))
            return false;
    memcpy(bytes, client->bytes, n);
    client->n_bytes -= n;
    memmove(client->bytes, client->bytes + n, client->n_bytes);
    return true;
}

/* A line, without its end. */
static bool receive_line(struct client *client, char line[256])
{
    char *end;
    while ((end = memchr(client->bytes, '\n', client->n_bytes)) == NULL)
        if (!receive_more(client))
            return false;
    size_t n = (size_t)(end - client->bytes);
    CHILD_CHECK(n < 256 && client_receive(client, line, n + 1));
    line[n] = '\0';
    return true;
}

static enum outcome outcome_of(struct client *client, char line[256], const char *done)
{
    if (!receive_line(client, line))
        return LOST;
    if (strncmp(line, done, strlen(done)) == 0)
        return DONE;
    if (strcmp(line, "NOT_FOUND") == 0)
        return NOTHING;
    CHILD_CHECK(strncmp(line, "ERROR ", 6) == 0);
    return REFUSED;
}

enum outcome client_set(struct client *client, const char *key, const void *value, size_t length)
{
    char line[512];
    int n = snprintf(line, sizeof line, "SET %s %zu\n", key, length);
    if (!client_send(client, line, (size_t)n) || !client_send(client, value, length) ||
        !client_send(client, "\n", 1))
        return LOST;
    return outcome_of(client, line, "STORED");
}

static bool ask(struct client *client, const char *verb, const char *key)
{
    char line[512];
    int n = snprintf(line, sizeof line, "%s %s\n", verb, key);
    return client_send(client, line, (size_t)n);
}

enum outcome client_del(struct client *client, const char *key)
{
    char line[256];
    return ask(client, "DEL", key) ? outcome_of(client, line, "DELETED") : LOST;
}

enum outcome client_get(struct client *client, const char *key, void *value, size_t *length)
{
    char line[256];
    char end;
    if (!ask(client, "GET", key))
        return LOST;
    enum outcome outcome = outcome_of(client, line, "VALUE ");
    if (outcome != DONE)
        return outcome;
    *length = strtoul(line + 6, NULL, 10);
    CHILD_CHECK(*length <= LONGEST_VALUE);
    if (!client_receive(client, value, *length) || !client_receive(client, &end, 1))
        return LOST;
    CHILD_CHECK(end == '\n');
    return DONE;
}

unsigned long long client_stat(struct client *client, const char *name)
{
    char line[256];
    unsigned long long number = 0;
    CHILD_CHECK(client_send(client, "STATS\n", 6));
    do {
        CHILD_CHECK(receive_line(client, line));
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ' ')
            number = strtoull(line + strlen(name), NULL, 10);
    } while (strcmp(line, "END") != 0);
    return number;
}
