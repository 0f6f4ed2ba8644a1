#include "say.h"

#include <err.h>
#include <shmpool.h>
#include <stdarg.h>
#include <stdio.h>

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

int say_ended(int status)
{
    return say_written(0) == 0 ? status : STATUS_FOUND;
}
