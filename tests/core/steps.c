#define STEPS_PLAIN
#include "core/steps.h"

#include <setjmp.h>
#include <stddef.h>

static step_hook *hook;
static unsigned left;
static jmp_buf death;
static struct {
    void (*act)(void *arg);
    void *arg;
} other;

void step_load(void)
{
    if (hook != NULL)
        hook(false);
}

void step_change(void)
{
    if (hook != NULL)
        hook(true);
}

step_hook *steps_hook(step_hook *wanted)
{
    step_hook *before = hook;
    hook = wanted;
    return before;
}

static void die_in_time(bool changes)
{
    if (changes && left-- == 0)
        longjmp(death, 1);
}

bool steps_then_death(unsigned n, void (*body)(void *arg), void *arg)
{
    left = n;
    if (setjmp(death) != 0) {
        hook = NULL;
        return false;
    }
    hook = die_in_time;
    body(arg);
    hook = NULL;
    return true;
}

static void make_room_in_time(bool changes)
{
    (void)changes;
    if (left-- != 0)
        return;
    hook = NULL;
    other.act(other.arg);
    hook = NULL;
}

bool steps_with_other(unsigned n, void (*body)(void *arg), void *arg, void (*between)(void *arg),
                      void *other_arg)
{
    left = n;
    other.act = between;
    other.arg = other_arg;
    hook = make_room_in_time;
    body(arg);
    bool came = hook == NULL;
    hook = NULL;
    return came;
}
