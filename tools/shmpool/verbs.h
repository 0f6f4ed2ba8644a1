/* The verbs: each is one file, and returns the program's exit status. */
#ifndef VERBS_H
#define VERBS_H

#include "options.h"

int verb_ls(const struct request *request);
int verb_stat(const struct request *request);
int verb_who(const struct request *request);
int verb_map(const struct request *request);
int verb_top(const struct request *request);
int verb_check(const struct request *request);
int verb_dump(const struct request *request);
int verb_recover(const struct request *request);
int verb_create(const struct request *request);
int verb_grow(const struct request *request);
int verb_trim(const struct request *request);
int verb_rm(const struct request *request);
int verb_exec(const struct request *request);
int verb_doctor(const struct request *request);
int verb_gc(const struct request *request);

#endif
