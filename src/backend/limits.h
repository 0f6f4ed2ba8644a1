/* How much memory this process can still take: what the machine has, and what its memory cgroups
 * allow. commit asks before it takes any.
 *
 * Each figure is generous: whatever the kernel can drop (file caches) or swap out counts as left.
 * So what exceeds it cannot be had now; what does not exceed it may still fail. */
#ifndef SHMPOOL_BACKEND_LIMITS_H
#define SHMPOOL_BACKEND_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct limits {
    bool unknown;     /* something could not be read: there may be a tighter limit */
    int shortage;     /* errno: something could not be read for want of descriptors or memory, so
                         nothing here counts; else 0 */
    bool ends_all;    /* memory.oom.group: out of memory, the kernel ends the whole cgroup */
    uint64_t most;    /* bytes that the tightest limit allows in all; the machine's: with swap */
    uint64_t left;    /* of these, bytes that can still be had */
    char cgroup[256]; /* the folder of the cgroup whose limit it is; empty: the machine's */
};

/* Reads the limits of this process. Version 2 of cgroups (memory.max) and version 1
 * (memory.limit_in_bytes) are known, from the process's own cgroup up to the root that is in sight.
 * root: what all paths (/proc, /sys/fs/cgroup) begin with: "", but for tests. */
void limits_read(struct limits *limits, const char *root);

/* Whether this errno of a mapping stands for a limit, of this process or the system. */
bool limits_forbid_mapping(int code);

/* Whether a limit of this process explains this errno of a mapping of that length: if so errno and
 * the sentence are set as by limits_refuse_mapping. */
bool limits_explain_mapping(int code, size_t length);

/* Says why the system refused a mapping of that length, be it for this process's limit: NULL, with
 * the code as errno, or ENOMEM where the limit is one of locked memory. */
void *limits_refuse_mapping(int code, size_t length);

#endif
