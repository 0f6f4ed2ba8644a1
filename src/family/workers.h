/* Workers, as the rest of the family's floor needs them. */
#ifndef SHMPOOL_FAMILY_WORKERS_H
#define SHMPOOL_FAMILY_WORKERS_H

#include <shmpool/worker.h>
#include <sys/types.h>

#include "family/letter.h"
#include "family/registry.h"

/* After a fork: the parent's workers are not the child's children, and the child is no worker. */
void workers_renew(void);

/* Checks what shmpool_start and shmpool_spawn have in common; function is its name. */
int workers_check_options(const char *function, const struct shmpool_start_options *options);

/* A place for a new worker, in the registry and among this process's children; -1 with errno. Given
 * up, or filled by workers_add_child. */
shmpool_worker workers_take(struct worker_shm **worker);
void workers_give_up(struct worker_shm *worker);

/* Whether a descriptor is left, without which nobody learns whose pid the worker's is; -1 with
 * errno. */
int workers_check_descriptor(void);

/* The worker's process exists and began then (0: not known): to be reaped by this one. Under
 * process_lock. */
void workers_add_child(shmpool_worker id, pid_t pid, uint64_t start);

/* Makes the worker of that process visible. System calls only. */
void workers_note(struct worker_shm *worker, pid_t pid);

/* This process is a worker that was spawned: as its letter says. */
void workers_become(const struct letter_news *news);

#endif
