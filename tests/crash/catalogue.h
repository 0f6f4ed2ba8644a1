/* The operations that the tests of this folder go through. */
#ifndef TESTS_CRASH_CATALOGUE_H
#define TESTS_CRASH_CATALOGUE_H

#include "crash/acts.h"

extern const struct act catalogue[];
extern const int catalogue_length;

#endif
