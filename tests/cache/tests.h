/* The test cases of the cache, one file each. */
#ifndef TESTS_CACHE_TESTS_H
#define TESTS_CACHE_TESTS_H

#include <check.h>

TCase *protocol_case(void);
TCase *storm_case(void);
TCase *refusals_case(void);

#endif
