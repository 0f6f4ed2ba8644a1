/* What hostile-open consists of besides its mill. */
#ifndef TESTS_HOSTILE_SUITES_H
#define TESTS_HOSTILE_SUITES_H

#include <check.h>

TCase *fields_case(void); /* a pool's header, field by field */
TCase *squats_case(void); /* what has a pool's name and is none, or a stranger's */
TCase *crowd_case(void);  /* tables full of members who all say the same */

#endif
