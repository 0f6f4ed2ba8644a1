/* The suite of core: what its parts promise, on plain memory. */
#ifndef TESTS_CORE_CORE_H
#define TESTS_CORE_CORE_H

#include <check.h>

TCase *words_case(void);
TCase *layouts_case(void);
TCase *hints_case(void);
TCase *groups_case(void);
TCase *placing_case(void);
TCase *trimming_case(void);
TCase *members_case(void);
TCase *doubts_case(void);
TCase *looks_case(void);
TCase *extents_case(void);
TCase *threads_case(void);

#endif
