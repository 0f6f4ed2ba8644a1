/* A kernel that lacks a system call: for tests of what is done without. */
#ifndef TESTS_SUPPORT_FILTER_H
#define TESTS_SUPPORT_FILTER_H

#include <stdint.h>

/* From here on this process and its children get -1 and this errno from the system call of that
 * number (SYS_...). For good, so only in a child. Needs no privilege. 0, or -1 and errno. */
int filter_syscall(long number, int code);

/* The same, only where one of these bits is set in the lower half of the argument of that index. */
int filter_syscall_if(long number, int code, unsigned argument, uint32_t bits);

/* From here on any other system call than this one ends the process by SIGSYS, without a core dump.
 */
int filter_all_but(long number);

/* As filter_syscall, for open with O_TMPFILE, which fails as on file systems without nameless
 * files. */
int filter_tmpfile(void);

#endif
