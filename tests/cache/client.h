/* A client of the cache, as the tests need one: it knows what it asked for, and survives it that
 * the server dies under it. */
#ifndef TESTS_CACHE_CLIENT_H
#define TESTS_CACHE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

enum { LONGEST_VALUE = 128 << 10 };

struct client {
    int socket; /* -1: not connected */
    const char *path;
    char *bytes; /* that have arrived and were not taken */
    size_t n_bytes;
};

/* What became of a request. */
enum outcome {
    DONE,    /* STORED, VALUE or DELETED */
    NOTHING, /* NOT_FOUND */
    REFUSED, /* ERROR */
    LOST     /* the connection ended: done or not */
};

/* Connects, and again whenever the connection was lost: for a minute, for the server may just be
 * being started. */
void client_open(struct client *client, const char *path);
void client_close(struct client *client);

enum outcome client_set(struct client *client, const char *key, const void *value, size_t length);
enum outcome client_del(struct client *client, const char *key);

/* value: room for LONGEST_VALUE bytes. An answer that is not as the protocol says ends the process.
 */
enum outcome client_get(struct client *client, const char *key, void *value, size_t *length);

/* One of the numbers of STATS. */
unsigned long long client_stat(struct client *client, const char *name);

/* Sends bytes as they are; false: the connection ended. */
bool client_send(struct client *client, const void *bytes, size_t n);

/* The next n bytes that arrive; false: the connection ended before. */
bool client_receive(struct client *client, void *bytes, size_t n);

#endif
