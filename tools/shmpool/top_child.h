/* Work done in a child process, of which what it prints is collected while the program goes on.
 *
 * Each look of top is one: what the library keeps of a pool ends with it, memory that a pool loses
 * ends the child alone, and keys are answered meanwhile. */
#ifndef TOP_CHILD_H
#define TOP_CHILD_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What came from one stream of the child. */
struct stream {
    int fd;      /* -1: it has ended */
    char *bytes; /* NULL before the first; a zero byte stands behind the last */
    size_t size;
};

struct child {
    pid_t pid;
    struct stream out;
    struct stream err;
};

/* Runs it in a child, and ends that with the status that it returns. 0, or -1 after a word. */
int child_start(struct child *child, int (*run)(const void *arg), const void *arg);

enum { CHILD_POLLS = 2 };

/* What to wait for. */
void child_polls(const struct child *child, struct pollfd polls[CHILD_POLLS]);

/* Takes what has come. Whether the child has ended: then child_status. */
bool child_read(struct child *child);

/* Waits for the end of a child: its wait status. What it printed stays, until child_free. */
int child_status(struct child *child);

/* Ends a child that is not wanted any more, and frees it. */
void child_stop(struct child *child);

void child_free(struct child *child);

#endif
