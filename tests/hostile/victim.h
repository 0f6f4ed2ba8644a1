/* A pool of the library with a population, and the public functions that are to survive its damage.
 *
 * Its neighbours in the address space are pages that nobody may touch, and each page of its blocks
 * carries a mark that no function of the library may change but to zero. */
#ifndef TESTS_HOSTILE_VICTIM_H
#define TESTS_HOSTILE_VICTIM_H

#include <shmpool.h>
#include <stdbool.h>

#include "core/layout.h"
#include "hostile/damage.h"
#include "support/random.h"

struct victim {
    shmpool_id id;
    unsigned flags; /* of shmpool_create */
    const char *name;
    struct layout layout;
    int readonly; /* here */
    char *base;
    char *image; /* the tables with the population in them */
};

/* The flags of the pools that a mill damages, and which of them meets a damage: its text form says
 * that too. */
enum { VICTIM_KINDS = 4 };
extern const unsigned victim_kinds[VICTIM_KINDS];
unsigned victim_kind_for(const struct damage *damage);

/* Makes the pool on $SHMPOOL_BACKEND; a child of this process joins it and dies. Without a name it
 * gets one. */
void victim_make(struct victim *victim, const char *name, unsigned flags);

/* Whether the pools are System V segments. */
bool victim_on_sysv(void);

/* Stores the image into the tables, which are mapped at `tables`. */
void victim_restore(const struct victim *victim, char *tables);

/* Looks that no mark was changed; where the library zeroes pages and gives them back, a mark may be
 * gone, and comes back here. */
void victim_check_marks(const struct victim *victim);

/* Calls some function, with arguments good and bad, and checks what it says. */
void victim_use(const struct victim *victim, struct random *random);

/* Unlinks and releases. */
void victim_drop(struct victim *victim);

/* Asserts that the call that just failed set one of the errnos that the headers name, and a
 * sentence; victim_forget comes before the call. */
void victim_forget(void);
void victim_check_refusal(void);

/* The layout of every victim. */
void victim_layout(struct layout *layout);

#endif
