#include "crash/crash.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crash/catalogue.h"
#include "crash/judge.h"

enum { PATIENCE = 60, SKIPPED = 77 };

struct random crash_dice;

static struct {
    const char *subject;
    const char *what;
} watched;

static void on_alarm(int number)
{
    (void)number;
    dprintf(STDOUT_FILENO, "%s: backend=%s blocked=1: no end of %s for %d seconds\n",
            watched.subject, crash_backend(), watched.what, PATIENCE);
    _exit(EXIT_FAILURE);
}

void crash_watch(const char *what)
{
    watched.what = what;
    alarm(what != NULL ? PATIENCE : 0);
}

const char *crash_backend(void)
{
    const char *name = getenv("SHMPOOL_BACKEND");
    return name != NULL ? name : "posix";
}

bool crash_is_complete(void)
{
    return getenv("CRASH_COMPLETE") != NULL;
}

static struct {
    unsigned flags;
    bool is_grown;
} pool;

static void make_pool(unsigned flags)
{
    arena_make(flags);
    judge_begin();
    pool.flags = flags;
}

void crash_stage(struct role *role)
{
    bool grows = role->act->kind == ACT_GROW;
    if (grows || pool.is_grown || role->act->flags != pool.flags)
        make_pool(role->act->flags);
    pool.is_grown = grows;
    role_stage(role);
}

void crash_begin(const char *subject)
{
    const char *refusal = stepper_refusal();
    if (refusal != NULL) {
        printf("%s: skipped: %s\n", subject, refusal);
        exit(SKIPPED);
    }
    watched.subject = subject;
    signal(SIGALRM, on_alarm);
    crash_dice = random_stream(random_seed(), 0);
    make_pool(0);
}

bool crash_wants(const char *name, bool seldom, const char *start)
{
    return start != NULL ? strncmp(name, start, strlen(start)) == 0
                         : !seldom || crash_is_complete();
}

int crash_go_through(int argc, char **argv, bool (*is_in_order)(const struct act *act))
{
    bool right = true;
    for (int i = 0; i < catalogue_length; i++)
        if (crash_wants(catalogue[i].name, catalogue[i].seldom, argc > 1 ? argv[1] : NULL))
            right = is_in_order(&catalogue[i]) && right;
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
