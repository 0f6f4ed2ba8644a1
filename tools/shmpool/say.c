#include "say.h"

#include <err.h>
#include <shmpool.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "options.h"

void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("shmpool: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

int say_failure(void)
{
    say("%s", shmpool_errmsg());
    return STATUS_FOUND;
}

int say_written(int failed)
{
    if (!failed && fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    warn("standard output");
    return -1;
}

static void lost_memory(int signal)
{
    static const char text[] = "shmpool: the memory of a pool is not there: somebody truncated it, "
                               "or its file system is full\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written;
    (void)signal;
    _exit(STATUS_FOUND);
}

void say_lost_memory(void)
{
    struct sigaction action = {.sa_handler = lost_memory};
    sigaction(SIGBUS, &action, NULL);
}
