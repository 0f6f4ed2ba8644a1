/* Workers: starting, joining, killing.
 *
 * The registry knows each worker's pid and start time, so any process of the family can open a
 * pidfd of exactly that process, or learn that it is gone. A worker that ends by itself writes its
 * status into the registry as its last act. A death by signal is read by the starter when it reaps,
 * which it does for each of its own workers and for no other child, or by anybody from the zombie.
 */
#include "family/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <shmpool/worker.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/descriptor.h"
#include "backend/fdobject.h"
#include "base/error.h"
#include "family/grants.h"
#include "family/identity.h"
#include "family/mailbox.h"
#include "family/members.h"
#include "family/pools.h"
#include "family/process.h"
#include "family/registry.h"
#include "family/watch.h"

/* What the child must know of its start. */
struct start {
    int (*run)(void *);
    void *arg;
    const struct grants *grants;
    unsigned flags;
    shmpool_worker id;
    struct worker_shm *worker;
    struct identity starter;
    sigset_t signals; /* the starter's mask */
};

static _Atomic shmpool_worker self;

/* The workers that this process started and has not reaped; under process_lock. */
static struct child {
    shmpool_worker id;
    pid_t pid;
    uint64_t start; /* as in struct identity */
} * children;
static size_t n_children;
static size_t room_for_children;
static size_t n_starting; /* places of the array promised to starts under way */

void workers_renew(void)
{
    atomic_store(&self, 0);
    n_children = 0;
    n_starting = 0;
}

shmpool_worker shmpool_self(void)
{
    return process_begin() != 0 ? 0 : atomic_load(&self);
}

/* ---- reaping ---- */

static int status_of(const siginfo_t *info)
{
    if (info->si_code == CLD_EXITED)
        return (info->si_status & 0xff) << 8;
    return info->si_status | (info->si_code == CLD_DUMPED ? 0x80 : 0);
}

/* Records an ended worker's status, then reaps it: nobody finds it gone and unrecorded. 1 when it
 * is no longer our child: the program may have reaped it, and then have another child by its pid.
 */
static int reap(const struct child *child)
{
    siginfo_t info = {.si_pid = 0};
    struct worker_shm *worker = registry_worker(child->id);
    int flags = WEXITED | WNOHANG;
    if (waitid(P_PID, (id_t)child->pid, &info, flags | WNOWAIT) != 0)
        return errno == ECHILD;
    if (info.si_pid == 0)
        return 0;
    if (identity_began_otherwise(child->pid, child->start))
        return 1;
    if (worker != NULL)
        atomic_store(&worker->reaped, WORKER_HAS_STATUS | (unsigned)status_of(&info));
    waitid(P_PID, (id_t)child->pid, &info, flags);
    return 1;
}

static void reap_ended(void)
{
    process_lock();
    for (size_t i = 0; i < n_children;)
        if (reap(&children[i]))
            children[i] = children[--n_children];
        else
            i++;
    process_unlock();
}

/* Made sure of before the fork: every worker that exists can be noted. */
static int reserve_child(void)
{
    int failed = 0;
    process_lock();
    if (n_children + n_starting == room_for_children) {
        size_t room = room_for_children != 0 ? room_for_children * 2 : 16;
        struct child *larger = realloc(children, room * sizeof *children);
        failed = larger == NULL;
        if (!failed) {
            children = larger;
            room_for_children = room;
        }
    }
    n_starting += !failed;
    process_unlock();
    return failed ? error_set(ENOMEM, "no memory to note another worker") : 0;
}

static void give_up_child(void)
{
    process_lock();
    n_starting--;
    process_unlock();
}

shmpool_worker workers_take(struct worker_shm **worker)
{
    reap_ended();
    if (reserve_child() != 0)
        return -1;
    shmpool_worker id = registry_take_worker(worker);
    if (id < 0)
        give_up_child();
    return id;
}

void workers_give_up(struct worker_shm *worker)
{
    registry_drop_worker(worker);
    give_up_child();
}

void workers_add_child(shmpool_worker id, pid_t pid, uint64_t start)
{
    n_starting--;
    children[n_children++] = (struct child){id, pid, start};
}

int workers_check_descriptor(void)
{
    int free = open("/", O_PATH | O_CLOEXEC);
    if (free < 0 && (errno == EMFILE || errno == ENFILE))
        return error_set(errno,
                         "no worker can be started: it is known by its start time, which is read "
                         "with a descriptor, and none is left (%s); close some or raise "
                         "`ulimit -n`",
                         strerror(errno));
    if (free >= 0)
        close(free);
    return 0;
}

__attribute__((destructor)) static void reap_at_exit(void)
{
    if (process_era() != 0)
        reap_ended();
}

/* ---- the child ---- */

/* Ends the worker when its starter's process ends. The kernel's own way, PR_SET_PDEATHSIG, follows
 * the thread that forked, which may end long before its process. */
static void *watch_starter(void *argument)
{
    watch_wait(argument, -1);
    kill(getpid(), SIGKILL);
    return NULL;
}

/* stack_size 0: the usual one. 0, or the error. */
static int create_watcher(struct watch *watch, size_t stack_size)
{
    pthread_t watcher;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (stack_size != 0)
        pthread_attr_setstacksize(&attributes, stack_size);
    int error = pthread_create(&watcher, &attributes, watch_starter, watch);
    pthread_attr_destroy(&attributes);
    return error;
}

/* With all signals blocked: the thread takes none of those that the program blocks later. A small
 * stack is enough, unless the program's thread-local variables, which glibc puts there too, leave
 * no room in it. */
static int begin_watcher(struct watch *watch)
{
    enum { SMALL_STACK = 64 * 1024 };
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = create_watcher(watch, SMALL_STACK);
    if (error == EINVAL)
        error = create_watcher(watch, 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error == 0 ? 0 : -1;
}

/* A worker of a bound worker inherits the pidfd of its starter's starter. That it is a pidfd, of a
 * process that is no child, is asked too: before Linux 6.9 all pidfds have one inode, and share it
 * with other descriptors without a file. */
static void drop_inherited(struct descriptor *pidfd)
{
    siginfo_t info;
    if (pidfd->fd >= 0 &&
        waitid(P_PIDFD, (id_t)pidfd->fd, &info, WEXITED | WNOHANG | WNOWAIT) != 0 &&
        errno == ECHILD)
        descriptor_close(pidfd);
}

static int die_with(const struct identity *starter)
{
    static struct descriptor pidfd = {.fd = -1};
    static struct watch watch;
    drop_inherited(&pidfd);
    int failed = watch_begin(&watch, starter->start, starter->pid);
    if (failed && errno == ESRCH)
        raise(SIGKILL);
    if (failed)
        return -1;
    pidfd = descriptor_keep(watch.pidfd);
    watch.pidfd = pidfd.fd;
    return begin_watcher(&watch);
}

static _Noreturn void end_worker(struct worker_shm *worker, shmpool_worker id, int status)
{
    fflush(NULL);
    if (atomic_load(&self) == id) {
        members_end_thread();
        reap_ended();
        if (atomic_load(&worker->id) == id)
            atomic_store(&worker->own, WORKER_HAS_STATUS | (unsigned)(status & 0xff) << 8);
    }
    _exit(status & 0xff);
}

/* The starter writes pid and start time into the registry; where it died before, its child does. */
void workers_note(struct worker_shm *worker, pid_t pid)
{
    atomic_store(&worker->pid, pid);
    atomic_store(&worker->start, identity_start_of(pid));
    atomic_store(&worker->state, WORKER_RUNNING);
}

static void wait_until_known(const struct start *start)
{
    while (atomic_load(&start->worker->state) == WORKER_STARTING) {
        if (getppid() != start->starter.pid)
            workers_note(start->worker, getpid());
        else
            sched_yield();
    }
}

enum { CANNOT_START = 127 };

/* The signals that were blocked over the fork come through only when the worker is what it should
 * be. A child that cannot keep a promise does not run. */
static _Noreturn void run_worker(const struct start *start)
{
    if (process_begin() != 0 || grants_apply(start->grants) != 0)
        _exit(CANNOT_START);
    wait_until_known(start);
    atomic_store(&self, start->id);
    if ((start->flags & SHMPOOL_DIE_WITH_STARTER) && die_with(&start->starter) != 0)
        _exit(CANNOT_START);
    pthread_sigmask(SIG_SETMASK, &start->signals, NULL);
    end_worker(start->worker, start->id, start->run(start->arg));
}

/* ---- the spawned program ---- */

static struct worker_shm *own_entry;

/* As its last act, like end_worker; not in a fork of it, which is no worker. */
static void write_status(int status, void *id)
{
    if (process_era() == 0 || atomic_load(&self) != (shmpool_worker)(intptr_t)id)
        return;
    if (atomic_load(&own_entry->id) == (shmpool_worker)(intptr_t)id)
        atomic_store(&own_entry->own, WORKER_HAS_STATUS | (unsigned)(status & 0xff) << 8);
}

void workers_become(const struct letter_news *news)
{
    own_entry = registry_worker(news->worker);
    if (own_entry == NULL)
        return;
    atomic_store(&self, news->worker);
    on_exit(write_status, (void *)(intptr_t)news->worker);
    if ((news->flags & SHMPOOL_DIE_WITH_STARTER) && die_with(&news->starter) != 0)
        _exit(CANNOT_START);
}

/* A program that is to die with its starter does so from its first moment on, not from its first
 * call. */
__attribute__((constructor)) static void bind_to_starter(void)
{
    if (letter_binds())
        process_begin();
}

/* ---- start ---- */

int workers_check_options(const char *function, const struct shmpool_start_options *options)
{
    if (options == NULL)
        return 0;
    if (options->flags & ~(unsigned)SHMPOOL_DIE_WITH_STARTER)
        return error_set(EINVAL, "%s takes SHMPOOL_DIE_WITH_STARTER, not %#x", function,
                         options->flags & ~(unsigned)SHMPOOL_DIE_WITH_STARTER);
    for (size_t i = 0; i < sizeof options->reserved / sizeof options->reserved[0]; i++)
        if (options->reserved[i] != 0)
            return error_set(EINVAL, "reserved field %zu of the options is not zero", i);
    return 0;
}

/* Forks with all signals blocked: a handler of the program must not run in a half-made worker. */
static pid_t fork_worker(struct start *start)
{
    sigset_t all;
    sigfillset(&all);
    fflush(NULL);
    pthread_sigmask(SIG_SETMASK, &all, &start->signals);
    pid_t pid = fork();
    if (pid == 0)
        run_worker(start);
    int saved = errno;
    pthread_sigmask(SIG_SETMASK, &start->signals, NULL);
    errno = saved;
    return pid;
}

static void note_child(const struct start *start, pid_t pid)
{
    workers_note(start->worker, pid);
    process_lock();
    workers_add_child(start->id, pid, atomic_load(&start->worker->start));
    process_unlock();
}

shmpool_worker shmpool_start(int (*run)(void *), void *arg,
                             const struct shmpool_start_options *options)
{
    struct grants grants;
    if (process_begin() != 0)
        return -1;
    if (run == NULL)
        return error_set(EINVAL, "there is nothing to run: run is NULL");
    if (workers_check_options("shmpool_start", options) != 0 || grants_plan(&grants, options) != 0)
        return -1;
    struct start start = {.run = run,
                          .arg = arg,
                          .grants = &grants,
                          .flags = options != NULL ? options->flags : 0,
                          .starter = identity_self()};
    if (workers_check_descriptor() != 0)
        return -1;
    start.id = workers_take(&start.worker);
    if (start.id < 0)
        return -1;
    pid_t pid = fork_worker(&start);
    if (pid < 0) {
        int error = errno;
        workers_give_up(start.worker);
        return error_set(error,
                         "the worker's process cannot be made: %s; the limit may be that of "
                         "`ulimit -u` or of the control group",
                         strerror(error));
    }
    note_child(&start, pid);
    return start.id;
}

/* ---- join ---- */

static struct worker_shm *find_worker(shmpool_worker id)
{
    struct worker_shm *worker = registry_worker(id);
    if (worker == NULL)
        error_set(EBADF, "there is no worker %d in this family, or it was joined already", (int)id);
    return worker;
}

/* The pid of a child that was not reaped is nobody else's: what could not be read when it was noted
 * can be read now. */
static uint64_t start_of(struct worker_shm *worker)
{
    uint64_t start = atomic_load(&worker->start);
    pid_t pid = atomic_load(&worker->pid);
    siginfo_t info;
    if (start == 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
        start = identity_start_of(pid);
        atomic_store(&worker->start, start);
    }
    return start;
}

/* -1 and ESRCH when it ended. A start time that could not be read, though /proc is there, is that
 * of a process that was gone already. */
static int watch_worker(struct watch *watch, struct worker_shm *worker)
{
    uint64_t start = start_of(worker);
    if (start == 0 && identity_self().start != 0) {
        errno = ESRCH;
        return -1;
    }
    return watch_begin(watch, start, atomic_load(&worker->pid));
}

static void end_watch(void *watch)
{
    watch_end(watch);
}

/* The wait is a cancellation point. */
static int wait_for_end(struct worker_shm *worker, shmpool_worker id, int timeout_ms)
{
    struct watch watch;
    int ended;
    char reason[FDOBJECT_REASON_TEXT];
    int failed = watch_worker(&watch, worker) == 0 ? 0 : errno;
    if (failed == ESRCH)
        return 0;
    if (failed != 0)
        return error_set(failed, "worker %d cannot be watched: %s", (int)id,
                         fdobject_reason(failed, reason));
    pthread_cleanup_push(end_watch, &watch);
    ended = watch_wait(&watch, timeout_ms);
    pthread_cleanup_pop(1);
    if (ended)
        return 0;
    return error_set(timeout_ms == 0 ? EAGAIN : ETIMEDOUT, "worker %d (pid %d) still runs", (int)id,
                     (int)atomic_load(&worker->pid));
}

/* The status of who ended in a way that nobody tells. */
static int tell_unknown(const struct worker_shm *worker, shmpool_worker id, int is_hidden)
{
    int pid = atomic_load(&worker->pid);
    int saved = errno;
    if (is_hidden)
        error_set(saved,
                  "how worker %d (pid %d) ended is not known: this process may not look into it, "
                  "and its starter has not reaped it yet",
                  (int)id, pid);
    else
        error_set(saved,
                  "worker %d (pid %d) died of a signal that is not known, or of an exit of its "
                  "own: its starter is gone, or somebody else reaped it",
                  (int)id, pid);
    return SIGKILL;
}

/* The most certain that is known: what the starter reaped, what the zombie says, what the worker
 * wrote. */
static int read_status(const struct worker_shm *worker, shmpool_worker id)
{
    if (!(atomic_load(&worker->reaped) & WORKER_HAS_STATUS)) {
        int status = identity_zombie_status(atomic_load(&worker->pid), atomic_load(&worker->start));
        uint64_t own = atomic_load(&worker->own);
        if (status > 0 || (status == 0 && !(own & WORKER_HAS_STATUS)))
            return status;
        if (!(atomic_load(&worker->reaped) & WORKER_HAS_STATUS)) {
            if (own & WORKER_HAS_STATUS)
                return (int)(uint32_t)own;
            return tell_unknown(worker, id, status == IDENTITY_HIDDEN);
        }
    }
    return (int)(uint32_t)atomic_load(&worker->reaped);
}

static void recover_pool(void *context, struct pool *pool)
{
    (void)context;
    if (!pool->readonly)
        members_recover(pool);
}

/* The result of a worker that has ended, once. */
static int take_result(struct worker_shm *worker, shmpool_worker id, int *wait_status)
{
    uint32_t running = WORKER_RUNNING;
    reap_ended();
    int status = read_status(worker, id);
    if (atomic_load(&worker->id) != id ||
        !atomic_compare_exchange_strong(&worker->state, &running, WORKER_TAKEN))
        return error_set(EBADF, "worker %d was joined already", (int)id);
    registry_drop_worker(worker);
    process_lock(); /* no other thread releases a pool meanwhile */
    pools_each(recover_pool, NULL);
    mailbox_sweep();
    process_unlock();
    if (wait_status != NULL)
        *wait_status = status;
    return 0;
}

int shmpool_join(shmpool_worker id, int *wait_status, int timeout_ms)
{
    int saved = errno;
    int cancel;
    if (process_begin() != 0)
        return -1;
    struct worker_shm *worker = find_worker(id);
    if (worker == NULL)
        return -1;
    if (timeout_ms < -1)
        return error_set(EINVAL, "a timeout of %d ms: -1 waits for ever", timeout_ms);
    if (shmpool_self() == id)
        return error_set(EDEADLK, "worker %d waits for itself", (int)id);
    if (wait_for_end(worker, id, timeout_ms) != 0)
        return -1;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    int result = take_result(worker, id, wait_status);
    pthread_setcancelstate(cancel, &cancel);
    if (result == 0)
        errno = saved;
    return result;
}

/* ---- the rest ---- */

/* Under the lock no other thread reaps it, so that its pid stays its own. */
static int signal_worker(struct worker_shm *worker, int signal)
{
    struct watch watch;
    process_lock();
    int error = watch_worker(&watch, worker) == 0 ? 0 : errno;
    if (error == 0) {
        error = watch_signal(&watch, signal) == 0 ? 0 : errno;
        watch_end(&watch);
    }
    process_unlock();
    return error;
}

int shmpool_kill(shmpool_worker id, int signal)
{
    if (process_begin() != 0)
        return -1;
    struct worker_shm *worker = find_worker(id);
    if (worker == NULL)
        return -1;
    char reason[FDOBJECT_REASON_TEXT];
    int error = signal_worker(worker, signal);
    if (error == ESRCH)
        return error_set(ESRCH, "worker %d (pid %d) has ended", (int)id,
                         (int)atomic_load(&worker->pid));
    if (error == ENOTSUP)
        return error_set(ENOTSUP,
                         "this kernel lets nobody but its starter signal worker %d (pid %d): it "
                         "has no pidfds, or a filter forbids them",
                         (int)id, (int)atomic_load(&worker->pid));
    if (error != 0)
        return error_set(error, "signal %d cannot be sent to worker %d: %s", signal, (int)id,
                         fdobject_reason(error, reason));
    return 0;
}

pid_t shmpool_worker_pid(shmpool_worker id)
{
    if (process_begin() != 0)
        return -1;
    struct worker_shm *worker = find_worker(id);
    return worker != NULL ? atomic_load(&worker->pid) : -1;
}
