/* JSON that is not a table: objects in objects. One document, on stdout.
 *
 * key: NULL in an array. Strings may hold any bytes; what is not UTF-8 is the reader's. */
#ifndef JSON_H
#define JSON_H

#include <stdint.h>

#include "columns.h"

void json_object(const char *key);
void json_object_end(void);
void json_array(const char *key);
void json_array_end(void);

void json_text(const char *key, const char *text); /* NULL: null */
void json_number(const char *key, uint64_t number);

/* A value under the column's name in lower case. */
void json_cell(const struct column *column, const struct cell *cell);

#endif
