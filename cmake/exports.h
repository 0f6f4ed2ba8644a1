/* What libshmpool.so exports: the functions that the public headers declare, and nothing else.
 *
 * The build includes this file before the first line of every source of the library. Sources are
 * compiled with -fvisibility=hidden; a name declared here first, with default visibility, keeps it.
 * So the public headers stay free of attributes, and a function becomes public by being declared
 * in one of them. cmake/shmpool.map is the second lock: only shmpool_* leaves the library. */
#ifndef SHMPOOL_EXPORTS_H
#define SHMPOOL_EXPORTS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#pragma GCC visibility push(default)
#include <shmpool.h>
#include <shmpool/backend.h>
#include <shmpool/inspect.h>
#pragma GCC visibility pop

#endif
