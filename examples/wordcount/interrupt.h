/* SIGHUP, SIGINT and SIGTERM: the program ends by the signal, but not in the middle of what would
 * leave something behind. Signals that were ignored when it started stay ignored. */
#ifndef WORDCOUNT_INTERRUPT_H
#define WORDCOUNT_INTERRUPT_H

#include <stdbool.h>

/* From here on the signals are noted and nothing else. */
void interrupt_hold(void);

/* Whether one was noted: time to put things in order. */
bool interrupt_noted(void);

/* From here on the signals end the program; one that was noted does so now. For workers too, to
 * whom what the master noted means nothing. */
void interrupt_let_through(void);

#endif
