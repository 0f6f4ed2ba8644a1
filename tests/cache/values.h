/* Values that tell what they are: of which key, and which of those that were set for it. */
#ifndef TESTS_CACHE_VALUES_H
#define TESTS_CACHE_VALUES_H

#include <stddef.h>

/* The n-th value of a key; its length goes up to `longest`. Returns the length. */
size_t value_make(char *value, const char *key, unsigned n, size_t longest);

/* Which of this key's values it is; 0: none, or not wholly. */
unsigned value_number(const char *value, size_t length, const char *key, size_t longest);

#endif
