/* The suite of deaths: every operation of core, stopped between any two accesses. */
#ifndef TESTS_CORE_CORE_DEATHS_H
#define TESTS_CORE_CORE_DEATHS_H

#include <check.h>

TCase *deaths_case(void);
TCase *between_case(void);
TCase *schedules_case(void);
TCase *lost_case(void);
TCase *again_case(void);
TCase *homes_case(void);

#endif
