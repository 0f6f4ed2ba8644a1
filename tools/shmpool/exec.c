/* exec: a program that inherits pools, as a worker of this process, which stays beside it. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "pools.h"
#include "say.h"
#include "verbs.h"

/* ---- the pools ---- */

/* Cuts ":ro" off. */
static bool is_readonly(char *name)
{
    size_t length = strlen(name);
    if (length < 3 || strcmp(name + length - 3, ":ro") != 0)
        return false;
    name[length - 3] = '\0';
    return true;
}

static int open_grant(const struct pools *pools, char *name, struct shmpool_grant *grant)
{
    bool readonly = is_readonly(name);
    const struct seen *seen = pools_named(pools, name);
    if (seen == NULL)
        return -1;
    grant->pool = readonly ? pools_open(seen) : pools_open_to_work(seen);
    grant->flags = readonly ? SHMPOOL_RDONLY : 0;
    return grant->pool > 0 ? 0 : -1;
}

/* The caller frees them. */
static struct shmpool_grant *open_grants(const struct request *request)
{
    struct pools pools;
    int failed = 0;
    struct shmpool_grant *grants = calloc(request->n_inherit + 1, sizeof *grants);
    if (grants == NULL || pools_read(&pools, false) != 0) {
        free(grants);
        return NULL;
    }
    for (size_t i = 0; i < request->n_inherit && !failed; i++)
        failed = open_grant(&pools, request->inherit[i], &grants[i]) != 0;
    pools_end(&pools);
    if (failed) {
        free(grants);
        return NULL;
    }
    return grants;
}

/* ---- the program ---- */

static shmpool_worker spawn_at(const char *path, const struct request *request,
                               const struct shmpool_grant *grants)
{
    struct shmpool_start_options options = {
        .inherit = request->n_inherit > 0 ? grants : SHMPOOL_INHERIT_NONE,
        .n_inherit = request->n_inherit};
    return shmpool_spawn(path, request->operands, NULL, &options);
}

/* As execvp(3): along PATH, unless the name has a slash. What was found and could not be executed
 * counts more than what was not found afterwards. */
static shmpool_worker spawn(const struct request *request, const struct shmpool_grant *grants)
{
    char path[4096];
    int code = ENOENT;
    const char *program = request->operands[0];
    const char *at = getenv("PATH");
    if (program[0] == '\0' || strchr(program, '/') != NULL)
        return spawn_at(program, request, grants);
    for (at = at != NULL ? at : "/bin:/usr/bin"; at != NULL; at = strchr(at, ':')) {
        at += *at == ':';
        int length = (int)strcspn(at, ":");
        snprintf(path, sizeof path, "%.*s%s%s", length, at, length > 0 ? "/" : "", program);
        shmpool_worker worker = spawn_at(path, request, grants);
        if (worker > 0 || (errno != ENOENT && errno != ENOTDIR && errno != EACCES))
            return worker;
        code = errno == EACCES ? EACCES : code;
    }
    errno = code;
    return -1;
}

static int refuse_program(const char *program)
{
    int code = errno;
    if (code == ENOENT || code == ENOTDIR) {
        say("%s: there is no such program", program);
        return STATUS_NOT_FOUND;
    }
    if (code == EACCES || code == ENOEXEC) {
        say("%s cannot be executed: %s", program, strerror(code));
        return STATUS_NOT_EXECUTABLE;
    }
    say_failure();
    return STATUS_NO_POOL;
}

/* ---- signals ---- */

static const int passed_on[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
                                SIGUSR1, SIGUSR2, SIGCONT, SIGWINCH};

enum { N_PASSED_ON = sizeof passed_on / sizeof passed_on[0] };

static volatile sig_atomic_t early[N_PASSED_ON]; /* came before there was a program */

/* What the terminal sends reaches the program by itself: such a signal has no sender. */
static bool has_sender(int code)
{
    return code <= 0;
}

static void note_early(int signal, siginfo_t *info, void *context)
{
    (void)context;
    for (int i = 0; i < N_PASSED_ON; i++)
        if (passed_on[i] == signal && has_sender(info->si_code))
            early[i] = 1;
}

/* Caught, they get their default in the program; blocked, they would stay so. What is ignored here
 * is ignored there too. */
static void catch_early(void)
{
    const struct sigaction action = {.sa_sigaction = note_early,
                                     .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigaction old;
    for (int i = 0; i < N_PASSED_ON; i++)
        if (sigaction(passed_on[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(passed_on[i], &action, NULL);
}

/* From now on they wait in a descriptor, -1 where there is none to be had. */
static int collect_signals(shmpool_worker worker)
{
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < N_PASSED_ON; i++)
        sigaddset(&set, passed_on[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < N_PASSED_ON; i++)
        if (early[i])
            shmpool_kill(worker, passed_on[i]);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void pass_on(int signals, shmpool_worker worker)
{
    struct signalfd_siginfo signal;
    while (read(signals, &signal, sizeof signal) == sizeof signal)
        if (has_sender(signal.ssi_code))
            shmpool_kill(worker, (int)signal.ssi_signo);
}

/* ---- its end ---- */

enum { LOOK_AGAIN_MS = 100 /* where there is no pidfd */ };

static int status_of(int wait_status)
{
    return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status)
                                  : STATUS_SIGNAL + WTERMSIG(wait_status);
}

/* Join takes a descriptor for a moment. Whether there is one to be given up for it. */
static bool makes_room(struct pollfd *pidfd)
{
    if ((errno != EMFILE && errno != ENFILE) || pidfd->fd < 0)
        return false;
    close(pidfd->fd);
    pidfd->fd = -1;
    return true;
}

/* Nobody but join reaps the program, so its process ID is its own till then. */
static int wait_for_end(shmpool_worker worker)
{
    int status;
    struct pollfd events[] = {
        {.fd = (int)syscall(SYS_pidfd_open, shmpool_worker_pid(worker), 0), .events = POLLIN},
        {.fd = collect_signals(worker), .events = POLLIN}};
    for (;;) {
        poll(events, 2, events[0].fd < 0 ? LOOK_AGAIN_MS : -1);
        pass_on(events[1].fd, worker);
        if (shmpool_join(worker, &status, 0) == 0)
            return status_of(status);
        if (errno != EAGAIN && !makes_room(&events[0])) {
            say_failure();
            return STATUS_NO_POOL;
        }
    }
}

/* Where whoever started the tool ignores it, the system keeps the program's end to itself. */
static void want_its_end(void)
{
    const struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(SIGCHLD, &action, NULL);
}

int verb_exec(const struct request *request)
{
    memory_watch(STATUS_NO_POOL);
    want_its_end();
    catch_early();
    struct shmpool_grant *grants = open_grants(request);
    if (grants == NULL)
        return STATUS_NO_POOL;
    shmpool_worker worker = spawn(request, grants);
    int status = worker > 0 ? wait_for_end(worker) : refuse_program(request->operands[0]);
    free(grants);
    return status;
}
