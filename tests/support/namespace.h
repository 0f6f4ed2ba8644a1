/* Namespaces of one's own: as root directly, as anybody else in a user namespace, where the system
 * allows that. */
#ifndef TESTS_SUPPORT_NAMESPACE_H
#define TESTS_SUPPORT_NAMESPACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "support/child.h"

/* Gives the process new namespaces (CLONE_NEW...; those of processes are its children's); mounts
 * it makes afterwards are seen by nobody else. For children only. False where that is refused. */
bool namespace_enter(int flags);

/* Runs body(arg) as process 1 of new namespaces of processes and mounts; own_proc: /proc shows that
 * one and not its parent. The wait status; where the system refuses, 0 and a line that says so. */
int namespace_run(bool own_proc, child_body *body, void *arg);

/* As child_start, with this pid, in the innermost namespace. Only in process 1 of namespace_run,
 * which is refused where the system does not give the pid. */
pid_t namespace_start_as(pid_t pid, child_body *body, void *arg);

#endif
