/* The program under test, as a process of its own: in a scratch folder, with a pool of this run. */
#ifndef TESTS_CACHE_SERVER_H
#define TESTS_CACHE_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "support/leftover.h"

enum { MOST_SERVER_WORKERS = 16, MOST_ARGUMENTS = 12 };

struct server {
    char folder[64];
    char socket[96];
    char name[RUN_NAME_SIZE];
    const char *options[MOST_ARGUMENTS]; /* besides name and socket; NULL at the end */
    pid_t pid;                           /* 0: does not run */
};

/* For a fixture or the begin of a test: a folder and a name; nothing runs. */
void server_setup(struct server *server, const char *subject);

/* Ends what runs, removes pool and folder. */
void server_teardown(struct server *server);

/* Starts it and waits until it accepts clients. */
void server_start(struct server *server);

/* By SIGTERM; it ends with status 0 and its socket is gone. */
void server_stop(struct server *server);

/* The workers that run; how many. */
int server_workers(const struct server *server, pid_t workers[MOST_SERVER_WORKERS]);

/* Whether a process stands still by SIGSTOP. */
bool server_is_stopped(pid_t pid);

/* Waits until a process is gone: a worker whose master is dead still serves its last call. */
void server_await_end(pid_t pid);

/* Kills the master, and with_workers all of its workers at the same moment; they all end. */
void server_kill(struct server *server, bool with_workers);

/* Runs the program to its end with these arguments; its exit status, what it said on stderr. */
int server_run(const struct server *server, const char *const arguments[], char said[512]);

#endif
