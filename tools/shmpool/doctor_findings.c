#include "doctor_findings.h"

#include <bsd/libutil.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void finding_add(struct findings *findings, const char *what, const struct judgement *judgement,
                 const char *format, ...)
{
    va_list arguments;
    if (findings->n == FINDINGS_MOST)
        return;
    struct finding *finding = &findings->all[findings->n++];
    finding->what = what;
    finding->state = judgement->state;
    finding->meaning = judgement->meaning;
    finding->remedy = judgement->remedy;
    va_start(arguments, format);
    vsnprintf(finding->value, sizeof finding->value, format, arguments);
    va_end(arguments);
}

struct size_text size_text(uint64_t bytes)
{
    struct size_text size;
    if (bytes > INT64_MAX || humanize_number(size.text, 5, (int64_t)bytes, "", HN_AUTOSCALE,
                                             HN_DECIMAL | HN_NOSPACE | HN_B) < 0)
        snprintf(size.text, sizeof size.text, "%" PRIu64, bytes);
    return size;
}

int is_nearly_all(uint64_t part, uint64_t whole)
{
    return part >= whole - whole / 10;
}
