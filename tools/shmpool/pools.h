/* The pools of this machine as the tool sees them: what the library lists, kept, with the figures
 * of those that can be looked into. */
#ifndef POOLS_H
#define POOLS_H

#include <shmpool.h>
#include <shmpool/inspect.h>
#include <stdbool.h>

#include "options.h"

struct seen {
    struct shmpool_listed listed; /* its strings are kept here */
    bool is_plain;                /* its name alone means it, and no other backend's pool */
    bool has_stats;
    struct shmpool_stats stats;
};

struct pools {
    struct seen *all;
    size_t n;
};

/* Lists all pools; with_stats: opens each that is sound for its figures. 0, or -1 after a word on
 * stderr. */
int pools_read(struct pools *pools, bool with_stats);

/* As pools_read, until those of the names are there that come and go with another's look. */
int pools_read_named(struct pools *pools, char *const *names, size_t n_names);

void pools_end(struct pools *pools);

/* The pool that a name of the command line means: a handle as ls shows it, with or without its
 * backend; for one without a name its label does, where no other has it. NULL after a word. */
const struct seen *pools_named(const struct pools *pools, const char *name);

/* Whether it can be opened by what the list says. */
bool pools_is_sound(const struct seen *seen);

/* Whether somebody uses it, and does not just look at it, which ends soon and is waited for. */
bool pools_stays_in_use(const struct seen *seen);

/* Opens it for reading only; -1 after a word. */
shmpool_id pools_open(const struct seen *seen);

/* Opens it to work in it, which only a pool with a name can be; -1 after a word. */
shmpool_id pools_open_to_work(const struct seen *seen);

/* For verbs of one pool: lists and looks for it. NULL after a word. */
const struct seen *pools_find(char *name);

/* Does it for each pool that the request's operands name; the worst status. */
int pools_each_named(const struct request *request,
                     int (*act)(const struct request *request, const struct seen *seen));

/* The name to show: what the command line takes, or what there is. */
const char *pools_shown(const struct seen *seen);

const char *pools_state(enum shmpool_state state);
const char *pools_life(enum shmpool_life life);

#endif
