#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_LINE = 512 };

static void move_to_front(struct buffer *buffer)
{
    if (buffer->length > 0)
        memmove(buffer->bytes, buffer_at(buffer), buffer->length);
    buffer->begin = 0;
}

int buffer_reserve(struct buffer *buffer, size_t n)
{
    if (n <= buffer->room - buffer->begin - buffer->length)
        return 0;
    move_to_front(buffer);
    if (n <= buffer->room - buffer->length)
        return 0;
    size_t room = 2 * buffer->room + n;
    char *bytes = realloc(buffer->bytes, room);
    if (bytes == NULL)
        return -1;
    buffer->bytes = bytes;
    buffer->room = room;
    return 0;
}

int buffer_add(struct buffer *buffer, const void *bytes, size_t n)
{
    if (buffer_reserve(buffer, n) != 0)
        return -1;
    memcpy(buffer_at(buffer) + buffer->length, bytes, n);
    buffer->length += n;
    return 0;
}

int buffer_print(struct buffer *buffer, const char *format, ...)
{
    char line[LONGEST_LINE];
    va_list list;
    va_start(list, format);
    int n = vsnprintf(line, sizeof line, format, list);
    va_end(list);
    return buffer_add(buffer, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

void buffer_drop(struct buffer *buffer, size_t n)
{
    buffer->begin += n;
    buffer->length -= n;
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct buffer){.bytes = NULL};
}
