/* The verbs: each is one file, and returns the program's exit status. */
#ifndef VERBS_H
#define VERBS_H

#include "options.h"

int verb_ls(const struct request *request);
int verb_stat(const struct request *request);
int verb_check(const struct request *request);
int verb_dump(const struct request *request);

#endif
