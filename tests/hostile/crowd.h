/* Tables full of members who all say the same: the cases that cost time, where damage to single
 * records costs none. */
#ifndef TESTS_HOSTILE_CROWD_H
#define TESTS_HOSTILE_CROWD_H

#include <check.h>

TCase *crowd_case(void);

#endif
