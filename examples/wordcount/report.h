/* The result on stdout. */
#ifndef WORDCOUNT_REPORT_H
#define WORDCOUNT_REPORT_H

#include "input.h"
#include "tally.h"

/* Lines as those of uniq -c, then one with the totals; or one line of JSON. 0, or -1: stderr says
 * why it could not be written. */
int report(const struct tally *tally, const struct input *input, double seconds, bool json);

#endif
