#include "signals.h"

#include <stddef.h>

static const int ending[] = {SIGHUP, SIGINT, SIGTERM};

enum { N_ENDING = sizeof ending / sizeof ending[0] };

static sigset_t blocked;
static volatile sig_atomic_t noted;

static bool is_ignored(int number)
{
    struct sigaction now;
    return sigaction(number, NULL, &now) != 0 || now.sa_handler == SIG_IGN;
}

void signals_block(void)
{
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    for (size_t i = 0; i < N_ENDING; i++)
        if (!is_ignored(ending[i]))
            sigaddset(&blocked, ending[i]);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
}

int signals_wait(void)
{
    const struct timespec second = {.tv_sec = 1};
    int number = sigtimedwait(&blocked, NULL, &second);
    return number > 0 ? number : 0;
}

static void note(int number)
{
    noted = number;
}

void signals_note(void)
{
    for (size_t i = 0; i < N_ENDING; i++)
        if (sigismember(&blocked, ending[i]) == 1)
            signal(ending[i], note);
}

bool signals_noted(void)
{
    return noted != 0;
}

const sigset_t *signals_none(void)
{
    static sigset_t none;
    sigemptyset(&none);
    return &none;
}
