/* Text from outside, as terminals and readers of JSON can take it: names of files, which anybody
 * may choose, and what people typed. */
#ifndef SHMPOOL_BASE_PLAIN_H
#define SHMPOOL_BASE_PLAIN_H

#include <stddef.h>

/* Copies the text: control characters, and bytes that are no UTF-8, become \xNN. What has no room
 * is left out. */
void plain_copy(char *plain, size_t size, const char *text);

#endif
