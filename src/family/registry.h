/* The family's registry: which resource IDs and worker IDs there are.
 *
 * One shared object without a name, inherited by every process of the family. It holds names and
 * addresses, never rights. An ID comes from a counter, so an old one returns after 2^31 uses at the
 * earliest; its entry is the one at ID mod 4096. There is no lock: an entry is taken by one
 * compare-and-swap on its id, filled, and then made visible by its state. A process says which
 * entries it uses in a record of its own, so that the use of a process that was killed ends with
 * it, and entries nobody uses are given back when room is wanted. */
#ifndef SHMPOOL_FAMILY_REGISTRY_H
#define SHMPOOL_FAMILY_REGISTRY_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "backend/descriptor.h"
#include "core/layout.h"
#include "family/rights.h"

enum { REGISTRY_ENTRIES = 4096 };

enum resource_state {
    RESOURCE_EMPTY,
    RESOURCE_FILLING,
    RESOURCE_OPENING, /* filled; may turn out to be another entry's object */
    RESOURCE_COMPLETE,
    RESOURCE_RETIRING,
    RESOURCE_STATE_BITS = 3 /* above them: by which ID the entry is opening */
};

/* Written by the process that took the entry until it is complete, then never, but for state and
 * unlinked. */
struct resource_shm {
    _Atomic int32_t id; /* 0: the entry is free */
    _Atomic uint32_t state;
    _Atomic uint32_t unlinked;
    _Atomic uint32_t unposted; /* a mailbox had no room for it */
    uint32_t flags;
    uint64_t address;
    uint64_t mapping_size;
    uint64_t device;
    uint64_t inode;
    uint64_t serial; /* as in the pool's header */
    struct chain_shm creator;
    char backend[LAYOUT_BACKEND_SIZE];
    char name[LAYOUT_NAME_SIZE];
};

enum worker_state { WORKER_EMPTY, WORKER_STARTING, WORKER_RUNNING, WORKER_TAKEN };

#define WORKER_HAS_STATUS (UINT64_C(1) << 32)

struct worker_shm {
    _Atomic int32_t id;
    _Atomic uint32_t state;
    _Atomic int32_t pid; /* written by the starter before the state says running */
    _Atomic uint64_t start;
    _Atomic int32_t starter;
    _Atomic uint64_t starter_start;
    _Atomic uint64_t own;    /* WORKER_HAS_STATUS | status: written by the worker as its last act */
    _Atomic uint64_t reaped; /* the same, by the starter before it reaps */
    _Atomic uint32_t failure; /* errno of exec: written by a child that cannot become its program */
};

/* Makes a registry. Without a descriptor to spare it is one that no program can be given. */
int registry_begin(void);

/* Takes over the registry behind a descriptor that came over exec, if the worker of that ID in it
 * is this process; 0, else -1 and nothing has changed. */
int registry_adopt(const struct descriptor *file, int32_t worker);

/* What registry_adopt takes; fd -1 when there is none any more. */
struct descriptor registry_file(void);

/* The file by which others see that this family lives: device and inode; 0 where they do not. */
struct descriptor registry_mark(void);
void registry_renew(void);

/* An entry for a new resource: its ID, with the caller's use noted and the state "filling". -1 and
 * EMFILE when all are taken. */
int32_t registry_take(struct resource_shm **resource);

/* Makes a filled entry visible. Another entry of the same object is used instead: the ID that
 * counts is returned, with the caller's use noted, and the entry given back. */
int32_t registry_complete(int32_t id);

/* Gives an entry back that never became visible. */
void registry_drop(int32_t id);

/* The visible entry of an ID, or NULL. */
struct resource_shm *registry_resource(int32_t id);

/* A copy of a visible entry, whose strings end: every process of the family can write to the
 * registry. */
struct known_resource {
    int unlinked;
    int unposted;
    uint32_t flags;
    uint64_t device;
    uint64_t inode;
    uint64_t serial;
    struct chain_shm creator;
    char backend[LAYOUT_BACKEND_SIZE];
    char name[LAYOUT_NAME_SIZE];
};

/* 0, or -1 and no errno when the ID stands for nothing. */
int registry_know(int32_t id, struct known_resource *known);

/* Nobody will find it any more: 1, or 0 when that was so already. */
int registry_unlink(struct resource_shm *resource);

/* Whether a living process is known to use the entry. One that was forked and made no call into the
 * library since is not known. */
int registry_is_used(int32_t id);

/* What readers of the mailbox share. */
struct mail_shm {
    _Atomic uint64_t reader; /* ident of the process whose turn it is; 0: nobody's */
    _Atomic uint64_t gone;   /* how many entries were unlinked or given back */
};
struct mail_shm *registry_mail(void);

/* The calling process in one word, and whether the process of such a word is dead. */
uint64_t registry_ident(void);
int registry_ident_is_dead(uint64_t ident);

/* The calling process uses the entry from now on, or no longer. */
void registry_use(int32_t id);
void registry_unuse(int32_t id);

/* A number that nobody else in the family has; never 0. */
uint64_t registry_next_number(void);

struct worker_shm *registry_worker(int32_t id);
int32_t registry_take_worker(struct worker_shm **worker);
void registry_drop_worker(struct worker_shm *worker);

#endif
