/* Commitment: a pool created with SHMPOOL_COMMIT has all its memory, or creation fails with an
 * error that says what lacks, leaves nothing behind, and raises no signal.
 *
 * Each test constrains a child process in one way and has it create pools again and again. A
 * creation that succeeds must hold what it promised: every page of the pool is touched, the
 * library's own included. The children report by their exit status, so a signal is a failure; what
 * they leave is asked of the kernel. */
#ifndef TESTS_COMMIT_COMMIT_H
#define TESTS_COMMIT_COMMIT_H

#include <check.h>
#include <errno.h>
#include <shmpool.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "support/child.h"
#include "support/leftover.h"

enum { CREATIONS = 10000 }; /* under a constraint, in each run of the program */

/* By what the creations of a test are constrained. Each test case sets it. */
enum part { PART_FOLDER, PART_LIMITS, PART_MEMORY, PART_CGROUP, PART_HOLDING, N_PARTS };
extern enum part part;

/* Counted over all processes of the run. */
struct tally {
    _Atomic uint64_t made;
    _Atomic uint64_t refused;
    _Atomic uint64_t creations[N_PARTS];
    _Atomic(const char *) not_run[N_PARTS]; /* why something of the part was not: a literal */
};
extern struct tally *tally;
uint64_t tally_creations(void);

/* Says on stdout and in the tally that something of this part cannot run here. */
void not_run(const char *why);

const char *backend(void);
bool has_files(void);       /* whether /dev/shm bounds the backend */
bool has_descriptors(void); /* whether its objects are files */
size_t page(void);
size_t pages(size_t n);

/* What a creation met, for loops of them. */
enum outcome { MADE, REFUSED };

/* Creates a committed pool of size bytes, touches every page of it, removes it. A refusal must be
 * with this errno and a sentence with these words; 0 and NULL: any of ENOSPC and ENOMEM. Ends the
 * process if anything is otherwise. */
enum outcome attempt(size_t size, int code, const char *words);

/* attempt's halves: 0 when refused; and for a pool that was made. */
shmpool_id create_or_refuse(size_t size, unsigned flags, int code, const char *words);
void touch_all_of(shmpool_id pool);
void drop(shmpool_id pool);

/* What must be the same before and after; ends the process if it is not. */
struct state {
    int descriptors;
    int mappings;
    uint64_t blocks, files; /* free in /dev/shm, where that is ours alone */
};
struct state state_now(bool own_folder);
void check_same(const struct state *before, bool own_folder);

/* Gives the process a /dev/shm of its own of this size, as mount(8) takes it; false, and told by
 * not_run, where the system does not allow that. For children only. */
bool own_folder(const char *options);

/* Gives the process a machine of its own in the eyes of /proc/meminfo; needs own_folder. */
bool own_meminfo(uint64_t total, uint64_t available);

TCase *folder_case(void);
TCase *limits_case(void);
TCase *memory_case(void);
TCase *cgroup_case(void);
TCase *holding_case(void);
TCase *growth_case(void);
TCase *rest_case(void); /* what lacks of CREATIONS, under a limit that every system has: the last */

#endif
