/* Tests leave nothing.
 *
 * The names of pools carry a run id, so that runs beside each other do not meet and what is left is
 * known as ours. The fixture fails a test after which objects in /dev/shm or the folder of the
 * backend "file", System V segments, new descriptors or children remain. The sweep at the end of a
 * run removes what failed tests left. */
#ifndef TESTS_SUPPORT_LEFTOVER_H
#define TESTS_SUPPORT_LEFTOVER_H

#include <sys/types.h>

enum { RUN_NAME_SIZE = 64 };

/* The id of this run: taken on the first call, to be made by main before any test. */
const char *run_id(void);

/* A pool name of this run and process; subject is short. Returns name. */
const char *run_name(char name[RUN_NAME_SIZE], const char *subject);

/* Checked fixture: the one notes what is there, the other compares and fails. */
void leftover_setup(void);
void leftover_teardown(void);

/* Looks also for generated names of this process: a child or worker of the test. */
void leftover_watch(pid_t pid);

/* Removes the objects of this run; how many there were. */
int leftover_sweep(void);

#endif
