/* Who counts which chunk: one word for each, which alone decides what was counted.
 *
 *   free ── claim ──► claimed by worker w ── finish ──► finished by worker w
 *     ▲                        │
 *     └────── give back ───────┘  by the master, when worker w has died
 *
 * Each worker that is started has a number, from 1, that no other one gets. */
#ifndef WORDCOUNT_CHUNKS_H
#define WORDCOUNT_CHUNKS_H

#include "layout.h"

/* A free chunk for this worker; job->n_chunks when there is none. */
size_t chunks_claim(struct job_shm *job, uint32_t worker);

/* Makes all counts of the chunk valid. */
void chunks_finish(struct job_shm *job, size_t chunk, uint32_t worker);

/* Whether counts that this worker made in the chunk are valid. */
bool chunks_finished_by(const struct job_shm *job, size_t chunk, uint32_t worker);

/* Frees the chunk that a dead worker had claimed; whether there was one. */
bool chunks_give_back(struct job_shm *job, uint32_t worker);

size_t chunks_count_finished(const struct job_shm *job);
bool chunks_any_free(const struct job_shm *job);

#endif
