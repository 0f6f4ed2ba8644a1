/* Bytes that wait: to be understood, or to be sent. */
#ifndef CACHE_BUFFER_H
#define CACHE_BUFFER_H

#include <stddef.h>

struct buffer {
    char *bytes;
    size_t begin; /* of what waits */
    size_t length;
    size_t room;
};

/* What waits. */
static inline char *buffer_at(const struct buffer *buffer)
{
    return buffer->bytes + buffer->begin;
}

/* Makes room for n more bytes; -1: no memory. */
int buffer_reserve(struct buffer *buffer, size_t n);

/* Appends; -1: no memory. */
int buffer_add(struct buffer *buffer, const void *bytes, size_t n);
int buffer_print(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Takes n bytes away from the front. */
void buffer_drop(struct buffer *buffer, size_t n);

void buffer_free(struct buffer *buffer);

#endif
