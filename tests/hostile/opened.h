/* A victim that lies in its object and is mapped nowhere by the library, so that anything may be
 * written into it before somebody opens it by name. */
#ifndef TESTS_HOSTILE_OPENED_H
#define TESTS_HOSTILE_OPENED_H

#include <stdbool.h>

#include "hostile/victim.h"

struct opened {
    struct victim victim;
    char *tables; /* the object's, in a mapping of the test's own */
};

/* Makes the victim and releases it here. */
void opened_make(struct opened *object, unsigned flags);
void opened_drop(struct opened *object);

/* Opens what is there, as sound as it is. False: it was refused and is untouched; errno tells. */
bool opened_try(struct opened *object, unsigned flags);

/* The file of a name, on posix. */
void opened_path(char path[256], const char *name);

#endif
