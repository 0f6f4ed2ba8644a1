#include "cache/server.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache/client.h"
#include "support/child.h"
#include "support/proc.h"

enum { PAUSE_US = 2000, PATIENCE = 60 * 1000000 / PAUSE_US };

void server_setup(struct server *server, const char *subject)
{
    *server = (struct server){.folder = "/tmp/shmpool-cache-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(server->folder));
    snprintf(server->socket, sizeof server->socket, "%s/socket", server->folder);
    run_name(server->name, subject);
}

static const char *said_path(const struct server *server)
{
    static char path[96];
    snprintf(path, sizeof path, "%s/said", server->folder);
    return path;
}

struct call {
    const struct server *server;
    const char *const *arguments;
};

static int execute(void *arg)
{
    const struct call *call = arg;
    const char *words[2 * MOST_ARGUMENTS] = {CACHE_PROGRAM};
    for (int i = 0; call->arguments[i] != NULL; i++)
        words[i + 1] = call->arguments[i];
    int said = open(said_path(call->server), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHILD_CHECK(said >= 0 && dup2(said, STDERR_FILENO) == STDERR_FILENO);
    execv(words[0], (char *const *)words);
    return 127;
}

int server_run(const struct server *server, const char *const arguments[], char said[512])
{
    struct call call = {server, arguments};
    int status = child_run(execute, &call);
    int file = open(said_path(server), O_RDONLY | O_CLOEXEC);
    ssize_t n = file < 0 ? 0 : read(file, said, 511);
    said[n < 0 ? 0 : n] = '\0';
    close(file);
    unlink(said_path(server));
    ck_assert_msg(WIFEXITED(status), "%s", child_text(status));
    return WEXITSTATUS(status);
}

/* What a dead server's socket still takes is lost. */
static void await_answer(const struct server *server)
{
    static char value[LONGEST_VALUE];
    struct client client;
    size_t length;
    client_open(&client, server->socket);
    while (client_get(&client, "nothing", value, &length) == LOST)
        ck_assert(proc_runs(server->pid));
    client_close(&client);
}

void server_start(struct server *server)
{
    const char *arguments[MOST_ARGUMENTS + 4] = {"-n", server->name, server->socket};
    for (int i = 0; server->options[i] != NULL; i++)
        arguments[i + 3] = server->options[i];
    struct call call = {server, arguments};
    server->pid = child_start(execute, &call);
    await_answer(server);
}

void server_stop(struct server *server)
{
    kill(server->pid, SIGTERM);
    ck_status_ok(child_wait(server->pid));
    ck_assert_int_ne(access(server->socket, F_OK), 0);
    server->pid = 0;
}

/* State and parent of a process, by /proc/PID/stat; a parent of 0: it is gone. */
static pid_t look_at(const char *pid, char *state)
{
    char path[64];
    char text[512] = "";
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    const char *end = strrchr(text, ')');
    return end != NULL && sscanf(end, ") %c %d", state, &parent) == 2 ? parent : 0;
}

bool server_is_stopped(pid_t pid)
{
    char text[32];
    char state = '?';
    snprintf(text, sizeof text, "%d", (int)pid);
    ck_assert_int_ne(look_at(text, &state), 0);
    return state == 'T';
}

int server_workers(const struct server *server, pid_t workers[MOST_SERVER_WORKERS])
{
    int n = 0;
    char state;
    DIR *processes = opendir("/proc");
    ck_assert_ptr_nonnull(processes);
    for (struct dirent *entry; (entry = readdir(processes)) != NULL;)
        if (isdigit((unsigned char)entry->d_name[0]) &&
            look_at(entry->d_name, &state) == server->pid) {
            ck_assert_int_lt(n, MOST_SERVER_WORKERS);
            workers[n++] = (pid_t)atoi(entry->d_name);
        }
    closedir(processes);
    return n;
}

void server_await_end(pid_t pid)
{
    for (int i = 0; proc_runs(pid) && i < PATIENCE; i++)
        usleep(PAUSE_US);
    ck_assert_msg(!proc_runs(pid), "process %d outlives its master", (int)pid);
}

void server_kill(struct server *server, bool with_workers)
{
    pid_t workers[MOST_SERVER_WORKERS];
    int n = server_workers(server, workers);
    if (with_workers)
        kill(server->pid, SIGSTOP); /* it starts no other ones meanwhile */
    for (int i = 0; with_workers && i < n; i++)
        kill(workers[i], SIGKILL);
    kill(server->pid, SIGKILL);
    child_wait(server->pid);
    server->pid = 0;
    for (int i = 0; i < n; i++)
        server_await_end(workers[i]);
}

void server_teardown(struct server *server)
{
    char said[512];
    if (server->pid != 0)
        server_kill(server, true);
    server_run(server, (const char *const[]){"--remove", "-n", server->name, NULL}, said);
    unlink(server->socket);
    unlink(said_path(server));
    ck_assert_int_eq(rmdir(server->folder), 0);
}
