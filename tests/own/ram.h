/* A backend in memory for the tests, written against the public header: it keeps the contract until
 * it is told to break it. One object at a time can have a name, and only this process finds it. */
#ifndef TESTS_OWN_RAM_H
#define TESTS_OWN_RAM_H

#include <shmpool/backend.h>

extern const struct shmpool_backend ram;

enum ram_verb {
    RAM_NONE,
    RAM_CREATE,
    RAM_PUBLISH,
    RAM_OPEN,
    RAM_UNLINK,
    RAM_MAP,
    RAM_REPLACE, /* a map that replaces */
    RAM_UNMAP,
    RAM_COMMIT,
    RAM_RESIZE,
    RAM_DISCARD,
    RAM_DESCRIBE,
    RAM_RESTRICT,
    RAM_LIST
};

enum ram_lie {
    RAM_HONEST,
    RAM_MAP_FAILED, /* map returns what mmap does */
    RAM_ELSEWHERE,  /* map takes any address */
    RAM_NAMELESS,   /* no device and no inode */
    RAM_SHORT,      /* create makes half */
    RAM_ENORMOUS,   /* describe tells of more bytes than there are */
    RAM_SILENT      /* describe tells nothing */
};

/* verb fails with code, which may be 0; the rest is as it should be. */
void ram_fail(enum ram_verb verb, int code);

/* Whatever lie says; RAM_HONEST ends faults of both kinds. */
void ram_lie(enum ram_lie lie);

#endif
