/* SIGHUP, SIGINT and SIGTERM end the program in order; SIGCHLD says that a worker has ended. They
 * are blocked, and looked at where it suits: no signal interrupts anything else. */
#ifndef CACHE_SIGNALS_H
#define CACHE_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* Blocks them; for the workers too, who inherit that. Those that were ignored stay ignored. */
void signals_block(void);

/* The master waits for one, at most a second: its number, or 0. */
int signals_wait(void);

/* For a worker: from here on those that end the program are noted while none is blocked. */
void signals_note(void);
bool signals_noted(void);

/* For ppoll(2). */
const sigset_t *signals_none(void);

#endif
