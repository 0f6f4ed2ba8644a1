/* Coverage builds only: an _exit that writes the counters first.
 *
 * gcov writes when a process ends by exit(3). Workers and the children of the tests end by
 * _exit(2), and without this file all that they ran would count as not run. Being part of the
 * library, this _exit comes before libc's in every program of the build and writes the library's
 * counters. */
#include <sys/syscall.h>
#include <unistd.h>

void __gcov_dump(void);

__attribute__((visibility("default"))) void _exit(int status)
{
    __gcov_dump();
    for (;;)
        syscall(SYS_exit_group, status);
}
