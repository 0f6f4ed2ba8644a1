/* The letter: what a spawned program must know to be a worker of the family.
 *
 * The starter writes it into a sealed file in memory, whose descriptor's number the program finds
 * in SHMPOOL_LETTER. It names the descriptors that the program was left: of the registry, of the
 * mailbox, of the pools that it is granted. The program reads it at its first call and believes
 * nothing: a letter is for the process that the registry has under its worker ID; a descriptor is
 * looked at before it is used, a pool read like that of any stranger. Programs that inherit the
 * variable further down find a letter for somebody else, and are no part of the family. */
#ifndef SHMPOOL_FAMILY_LETTER_H
#define SHMPOOL_FAMILY_LETTER_H

#include <shmpool/worker.h>
#include <stdint.h>

#include "family/grants.h"
#include "family/identity.h"
#include "family/mailbox.h"
#include "family/registry.h"
#include "family/rights.h"

#define LETTER_VARIABLE "SHMPOOL_LETTER"
#define LETTER_MAGIC    UINT64_C(0x7274746c706d6873) /* the bytes "shmplttr" */

enum { LETTER_VERSION = 1 };

struct grant_shm {
    int32_t id;
    uint32_t readonly;
    uint64_t serial;
    struct shmpool_object object; /* its descriptors have the same numbers in the program */
    char backend[LAYOUT_BACKEND_SIZE];
    char name[LAYOUT_NAME_SIZE];
};

struct letter_shm {
    uint64_t magic;
    uint32_t version;
    uint32_t n_grants;
    int32_t worker;
    uint32_t flags; /* of the start */
    int32_t starter;
    uint32_t restricted;
    uint64_t starter_start;
    struct chain_shm chain;
    struct descriptor registry;
    struct mail_ends mail;
    struct grant_shm grants[];
};

/* ---- writing: in the starter, under process_lock ---- */

struct sent_letter {
    int fd;
    int *left; /* the descriptors that the program is left, the letter's among them */
    size_t n_left;
};

/* Writes the letter of a worker; the caller ends it. 0, or -1 with errno and a sentence. */
int letter_write(struct sent_letter *letter, shmpool_worker worker, unsigned flags,
                 const struct grants *grants);
void letter_end(struct sent_letter *letter);

/* ---- reading: in the program ---- */

/* What the worker learns of itself. */
struct letter_news {
    shmpool_worker worker;
    unsigned flags;
    struct identity starter;
};

/* Whether a letter asks that its reader die with its starter: to be asked before the first call. */
int letter_binds(void);

/* As part of the first call: takes over registry, mailbox and chain if there is a letter for this
 * process. 1, or 0 when there is none. */
int letter_open(struct letter_news *news);

/* Maps what the letter grants. What cannot be mapped yet is tried again when it is asked for. */
void letter_take_grants(void);

/* Tries again what the letter grants under this ID: 1 when it is mapped now, 0 when nothing waits
 * under it, -1 with errno: EADDRINUSE, EINVAL when its backend is not registered. */
int letter_retry(shmpool_id id);

/* In the child of a start with a list: closes what is not mapped yet. System calls only. */
void letter_forget(void);

#endif
