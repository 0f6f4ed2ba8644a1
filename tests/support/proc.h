/* What this process has mapped and open, by the kernel's word: /proc/self/maps, smaps and fd.
 *
 * Objects are told apart by device and inode: two names, or none, may stand for one object. Nothing
 * here allocates by malloc, so forked children of threaded processes may call it. */
#ifndef TESTS_SUPPORT_PROC_H
#define TESTS_SUPPORT_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_object {
    dev_t device;
    ino_t inode;
};

struct proc_mapping {
    uintptr_t start;
    uintptr_t end;
    char permissions[8]; /* "rw-s" */
    struct proc_object object;
    char path[256]; /* empty for anonymous memory */
};

/* The mapping that holds the address; false when there is none. */
bool proc_mapping_at(const void *address, struct proc_mapping *mapping);

/* How many mappings of the object have these permissions; NULL: any. */
int proc_count_mappings(struct proc_object object, const char *permissions);

/* How many mappings are shared ones, of whatever. */
int proc_count_shared(void);

/* Whether the mapping that holds the address carries this two-letter flag in smaps. */
bool proc_mapping_has_flag(const void *address, const char *flag);

/* Bytes in memory that this process has touched of the mapping that holds the address
 * (Rss in smaps); of a mapping made in parts, those of the part. */
size_t proc_mapping_resident(const void *address);

/* A range of unused addresses, aligned to 2 MiB. Nothing keeps it unused. */
void *proc_free_range(size_t length);

/* How many descriptors are open. */
int proc_count_descriptors(void);

/* The open descriptors of the object: stores up to limit of them, returns how many there are. */
int proc_descriptors_of(struct proc_object object, int *descriptors, int limit);

/* Prints every open descriptor with its link text to stderr. */
void proc_print_descriptors(void);

/* Whether a process of this pid runs: there is one and it is no zombie. */
bool proc_runs(pid_t pid);

#endif
