#include "interrupt.h"

#include <signal.h>
#include <stddef.h>

static const int signals[] = {SIGHUP, SIGINT, SIGTERM};

enum { N_SIGNALS = sizeof signals / sizeof signals[0] };

static bool held[N_SIGNALS];
static volatile sig_atomic_t noted;

static void note(int number)
{
    noted = number;
}

void interrupt_hold(void)
{
    for (size_t i = 0; i < N_SIGNALS; i++) {
        struct sigaction before;
        held[i] = sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN;
        if (held[i])
            signal(signals[i], note);
    }
}

bool interrupt_noted(void)
{
    return noted != 0;
}

void interrupt_let_through(void)
{
    for (size_t i = 0; i < N_SIGNALS; i++)
        if (held[i])
            signal(signals[i], SIG_DFL);
    if (noted != 0)
        raise(noted);
}
