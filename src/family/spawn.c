/* Spawning: workers that are another program.
 *
 * The child is made by clone with CLONE_VFORK, without CLONE_VM: a copy, as of fork, for whose exec
 * or end the starter waits. So the starter learns how exec went from one word in the registry, and
 * no pipe is needed, which another thread's child could hold open. The child runs none of the fork
 * handlers and makes system calls only: nothing of this process's state is used in it. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <shmpool/worker.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "family/grants.h"
#include "family/letter.h"
#include "family/process.h"
#include "family/workers.h"

struct spawn {
    const char *path;
    char *const *argv;
    char **envp;
    struct sent_letter letter;
    struct worker_shm *worker;
    sigset_t signals; /* the starter's mask */
};

/* ---- the child: system calls only ---- */

/* What is ignored stays so, as posix_spawn(3) has it; a handler of the starter must not run here.
 */
static void reset_handlers(void)
{
    const struct sigaction standard = {.sa_handler = SIG_DFL};
    struct sigaction action;
    for (int signal = 1; signal < NSIG; signal++)
        if (sigaction(signal, NULL, &action) == 0 && action.sa_handler != SIG_IGN &&
            action.sa_handler != SIG_DFL)
            sigaction(signal, &standard, NULL);
}

static int leave_descriptors(const struct sent_letter *letter)
{
    for (size_t i = 0; i < letter->n_left; i++)
        if (fcntl(letter->left[i], F_SETFD, 0) != 0)
            return -1;
    return 0;
}

static _Noreturn void become_program(const struct spawn *spawn)
{
    enum { CANNOT_EXEC = 127 };
    workers_note(spawn->worker, getpid());
    reset_handlers();
    if (leave_descriptors(&spawn->letter) == 0) {
        pthread_sigmask(SIG_SETMASK, &spawn->signals, NULL);
        execve(spawn->path, spawn->argv, spawn->envp);
    }
    atomic_store(&spawn->worker->failure, (uint32_t)errno);
    _exit(CANNOT_EXEC);
}

/* ---- the starter ---- */

static pid_t clone_until_exec(void)
{
    const long flags = CLONE_VFORK | SIGCHLD;
#ifdef __s390__
    return (pid_t)syscall(SYS_clone, 0L, flags, 0L, 0L, 0L);
#else
    return (pid_t)syscall(SYS_clone, flags, 0L, 0L, 0L, 0L);
#endif
}

static pid_t clone_program(struct spawn *spawn)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &spawn->signals);
    pid_t pid = clone_until_exec();
    if (pid == 0)
        become_program(spawn);
    int saved = errno;
    pthread_sigmask(SIG_SETMASK, &spawn->signals, NULL);
    errno = saved;
    return pid;
}

static void reap_failed(pid_t pid)
{
    siginfo_t info;
    while (waitid(P_PID, (id_t)pid, &info, WEXITED) != 0 && errno == EINTR)
        ;
}

static const char *remedy_of(int failure)
{
    if (failure == ENOENT)
        return "; the path is taken as it is and not searched for in PATH";
    if (failure == EACCES)
        return "; give the user the right to execute it, on a file system that is not mounted "
               "noexec";
    return "";
}

static int start_program(struct spawn *spawn, shmpool_worker id)
{
    pid_t pid = clone_program(spawn);
    if (pid < 0) {
        int error = errno;
        return error_set(error,
                         "the worker's process cannot be made: %s; the limit may be that of "
                         "`ulimit -u` or of the control group",
                         strerror(error));
    }
    int failure = (int)atomic_load(&spawn->worker->failure);
    if (failure == 0) {
        /* Not noted by itself, for it was killed before, or by the number that it has in a PID
         * namespace of its own. */
        if (atomic_load(&spawn->worker->pid) != pid)
            workers_note(spawn->worker, pid);
        workers_add_child(id, pid, atomic_load(&spawn->worker->start));
        return 0;
    }
    reap_failed(pid);
    return error_set(failure, "the program %s cannot be started: %s%s", spawn->path,
                     strerror(failure), remedy_of(failure));
}

/* ---- the environment ---- */

static int is_letter(const char *entry)
{
    const size_t length = sizeof LETTER_VARIABLE - 1;
    return strncmp(entry, LETTER_VARIABLE, length) == 0 && entry[length] == '=';
}

/* The entries of envp but for a letter's, and behind them room for one. For the caller to free. */
static char **copy_environment(char *const envp[], size_t *n)
{
    size_t room = 2;
    *n = 0;
    for (size_t i = 0; envp[i] != NULL; i++)
        room++;
    char **copy = calloc(room, sizeof *copy);
    for (size_t i = 0; copy != NULL && envp[i] != NULL; i++)
        if (!is_letter(envp[i]))
            copy[(*n)++] = envp[i];
    return copy;
}

/* ---- all together ---- */

/* Under the lock: no pool comes or goes, no other thread's fork finds the letter. */
static int send_letter_and_start(struct spawn *spawn, shmpool_worker id, unsigned flags,
                                 const struct grants *grants, char **place)
{
    char variable[sizeof LETTER_VARIABLE + 16];
    process_lock();
    int result = letter_write(&spawn->letter, id, flags, grants);
    if (result == 0) {
        snprintf(variable, sizeof variable, "%s=%d", LETTER_VARIABLE, spawn->letter.fd);
        *place = variable;
        result = workers_check_descriptor();
        if (result == 0)
            result = start_program(spawn, id);
        letter_end(&spawn->letter);
    }
    process_unlock();
    return result;
}

static int check_program(const char *path, char *const argv[])
{
    if (path == NULL)
        return error_set(EINVAL, "there is no program to start: path is NULL");
    if (argv == NULL || argv[0] == NULL)
        return error_set(EINVAL, "the program's arguments are missing: argv[0] is its name");
    return 0;
}

shmpool_worker shmpool_spawn(const char *path, char *const argv[], char *const envp[],
                             const struct shmpool_start_options *options)
{
    struct grants grants;
    struct spawn spawn = {.path = path, .argv = argv};
    size_t n;
    if (process_begin() != 0 || check_program(path, argv) != 0 ||
        workers_check_options("shmpool_spawn", options) != 0 || grants_plan(&grants, options) != 0)
        return -1;
    spawn.envp = copy_environment(envp != NULL ? envp : environ, &n);
    if (spawn.envp == NULL)
        return error_set(ENOMEM, "no memory for the program's environment");
    shmpool_worker id = workers_take(&spawn.worker);
    unsigned flags = options != NULL ? options->flags : 0;
    if (id > 0 && send_letter_and_start(&spawn, id, flags, &grants, &spawn.envp[n]) != 0) {
        workers_give_up(spawn.worker);
        id = -1;
    }
    int saved = errno;
    free(spawn.envp);
    errno = saved;
    return id;
}
