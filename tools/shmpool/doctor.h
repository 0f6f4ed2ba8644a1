/* The subjects of doctor: each reads some files of the system and adds findings.
 *
 * All paths begin at a root folder: "" is the system itself; a test makes one that looks like it.
 */
#ifndef DOCTOR_H
#define DOCTOR_H

#include <stdbool.h>
#include <sys/types.h>

#include "doctor_findings.h"

/* The system, and who asks. */
struct patient {
    const char *root;
    uid_t uid;
    const char *user; /* its name; NULL: it has none */
};

typedef void subject(const struct patient *patient, struct findings *findings);

subject doctor_shm_folder, doctor_sysv, doctor_overcommit, doctor_huge_pages, doctor_cgroup;
subject doctor_rlimits, doctor_logind, doctor_sight;

/* What doctor_shm_folder sees, and what it makes of it. */
struct shm_folder {
    bool is_there;
    bool is_writable;
    bool is_in_memory;
    bool has_inodes; /* one more file can be made */
    uint64_t size;   /* 0: no limit */
    uint64_t free;
};
void doctor_judge_shm_folder(const struct shm_folder *folder, struct findings *findings);

#endif
