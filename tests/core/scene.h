/* One operation with neighbours, to die in or to be disturbed in. */
#ifndef TESTS_CORE_SCENE_H
#define TESTS_CORE_SCENE_H

#include "core/bench.h"
#include "core/steps.h"

enum act_kind {
    ACT_CLAIM,         /* takes free pages */
    ACT_CLAIM_IN_VAIN, /* the last of them is another's */
    ACT_FREE,          /* a block of its own */
    ACT_FREE_FOREIGN,  /* another living process's */
    ACT_FREE_SHARED,
    ACT_RECLAIM, /* a dead process's */
    ACT_PUBLISH,
    ACT_TAKE_TWICE, /* takes, frees and takes again */
    ACT_TRIM        /* gives the memory of free pages back */
};

struct act {
    enum act_kind kind;
    uint64_t page;
    uint64_t n;
};

extern const char *const act_names[];

/* How a member ends. */
enum ending {
    DEAD_SLOT,  /* its process is dead */
    LOST_SLOT,  /* its thread ended inside the operation */
    DEAD_SPARE, /* the same with the row's spare intent */
    LOST_SPARE,
    N_ENDINGS
};

enum { VICTIM = 1, BYSTANDER, OWNER, OTHER, RECOVERER, NEXT_RECOVERER };

struct performance {
    struct bench *bench;
    const struct act *act;
    struct actor actor;
    uint32_t tag_before; /* of the block that is there before; 0: none */
    bool finished;
    bool has_block; /* of ACT_CLAIM and ACT_TAKE_TWICE, when finished */
};

struct scene {
    struct bench bench;
    struct belief around; /* the neighbours */
    struct actor bystander;
};

void scene_make(struct scene *scene, uint64_t n_pages);

/* Clears the bench; a living process comes. */
void scene_clear(struct scene *scene);

/* A living process takes the pages before and behind. */
void scene_fence(struct scene *scene, uint64_t page, uint64_t n);

/* The member joins and has what the act needs. */
void scene_cast(struct scene *scene, struct performance *performance, const struct act *act,
                unsigned process, bool is_spare);

void perform(void *performance);

/* The member performs and ends before step k. Whether it came to the end of the act. */
bool perform_and_end(struct performance *performance, unsigned k, enum ending ending);

/* Whether the member's place was given back. */
bool is_settled(const struct performance *performance);

/* What there must be after recovery, with the tags it must have; added to belief. */
void believe_outcome(const struct performance *performance, struct belief *belief);

#endif
