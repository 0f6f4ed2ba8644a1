/* The protocol: one line a request, ended by \n or \r\n.
 *
 *   SET key length       and then the value, length bytes, and a line end     STORED
 *   GET key                          VALUE length, the value and a line end; or NOT_FOUND
 *   DEL key                          DELETED or NOT_FOUND
 *   STATS                            lines of a name and a number, then END
 *   QUIT                             nothing: the connection ends
 *
 * What cannot be done is answered by a line "ERROR why". A key is 1 to 250 printable ASCII
 * characters, without spaces. A value is any bytes, 128 KiB at most. */
#ifndef CACHE_REQUEST_H
#define CACHE_REQUEST_H

#include "item.h"

enum verb { VERB_SET, VERB_GET, VERB_DEL, VERB_STATS, VERB_QUIT };

struct request {
    enum verb verb;
    struct key key;
    size_t length; /* of the value of a SET */
};

enum { LONGEST_REQUEST = LONGEST_KEY + 32 }; /* a line, with its end */

/* Understands a line of n bytes, without its end. NULL, or why it cannot be. */
const char *request_parse(struct request *request, const char *line, size_t n);

#endif
