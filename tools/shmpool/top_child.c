#include "top_child.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIECE = 1 << 16 };

/* ---- the child's side ---- */

/* The signals that the program handles would be handled on its screen. */
static void forget_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &action, NULL);
}

static void work(int out, int error, int (*run)(const void *arg), const void *arg)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    forget_signals();
    if (dup2(out, STDOUT_FILENO) < 0 || dup2(error, STDERR_FILENO) < 0)
        _exit(EXIT_FAILURE);
    int status = run(arg);
    _exit(fflush(stdout) == 0 ? status : EXIT_FAILURE);
}

/* ---- the program's side ---- */

int child_start(struct child *child, int (*run)(const void *arg), const void *arg)
{
    int out[2] = {-1, -1};
    int error[2] = {-1, -1};
    fflush(stdout);
    bool has_pipes = pipe2(out, O_CLOEXEC) == 0 && pipe2(error, O_CLOEXEC) == 0;
    pid_t pid = has_pipes ? fork() : -1;
    if (pid == 0)
        work(out[1], error[1], run, arg);
    if (pid < 0)
        warn("a look at the pools");
    close(out[1]);
    close(error[1]);
    *child = (struct child){.pid = pid, .out.fd = out[0], .err.fd = error[0]};
    if (pid < 0)
        child_free(child);
    return pid < 0 ? -1 : 0;
}

void child_polls(const struct child *child, struct pollfd polls[CHILD_POLLS])
{
    polls[0] = (struct pollfd){.fd = child->out.fd, .events = POLLIN};
    polls[1] = (struct pollfd){.fd = child->err.fd, .events = POLLIN};
}

static void end(struct stream *stream)
{
    if (stream->fd >= 0)
        close(stream->fd);
    stream->fd = -1;
}

/* One piece, where something has come. */
static void take(struct stream *stream)
{
    struct pollfd ready = {.fd = stream->fd, .events = POLLIN};
    if (stream->fd < 0 || poll(&ready, 1, 0) <= 0)
        return;
    char *more = realloc(stream->bytes, stream->size + PIECE + 1);
    if (more == NULL)
        err(EXIT_FAILURE, "no memory for a look at the pools");
    stream->bytes = more;
    more[stream->size] = '\0';
    ssize_t n = read(stream->fd, more + stream->size, PIECE);
    if (n > 0) {
        stream->size += (size_t)n;
        more[stream->size] = '\0';
    } else if (n == 0 || errno != EINTR) {
        end(stream);
    }
}

bool child_read(struct child *child)
{
    take(&child->out);
    take(&child->err);
    return child->out.fd < 0 && child->err.fd < 0;
}

int child_status(struct child *child)
{
    int status = 0;
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    child->pid = -1;
    return status;
}

void child_stop(struct child *child)
{
    kill(child->pid, SIGKILL);
    child_status(child);
    child_free(child);
}

void child_free(struct child *child)
{
    end(&child->out);
    end(&child->err);
    free(child->out.bytes);
    free(child->err.bytes);
    *child = (struct child){.pid = -1, .out.fd = -1, .err.fd = -1};
}
