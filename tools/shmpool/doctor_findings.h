/* What doctor finds: a list of values of the system, each with what it means for pools. */
#ifndef DOCTOR_FINDINGS_H
#define DOCTOR_FINDINGS_H

#include <stddef.h>
#include <stdint.h>

enum finding_state {
    FINDING_OK,
    FINDING_NOTE,   /* a limit that some programs meet */
    FINDING_WARNING /* pools fail by it, or soon will */
};

struct finding {
    const char *what;
    char value[96];
    enum finding_state state;
    const char *meaning;
    const char *remedy; /* NULL where all is well */
};

enum { FINDINGS_MOST = 32 };

struct findings {
    struct finding all[FINDINGS_MOST];
    size_t n;
};

/* What is judged, and what is said of it: a row of a judgement. */
struct judgement {
    enum finding_state state;
    const char *meaning;
    const char *remedy;
};

/* Adds a finding; its value is printed by the format. The other strings are kept as they are. */
void finding_add(struct findings *findings, const char *what, const struct judgement *judgement,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A size for people, as 1.5M. */
struct size_text {
    char text[24];
};
struct size_text size_text(uint64_t bytes);

/* Whether part is nine tenths of the whole, or more. */
int is_nearly_all(uint64_t part, uint64_t whole);

#endif
