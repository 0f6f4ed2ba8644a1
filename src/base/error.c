#include "base/error.h"

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/plain.h"

enum { SENTENCE_SIZE = sizeof((struct error_before *)0)->text };

/* Larger than the room that a library loaded late may take in the initial TLS block, so this one
 * variable keeps the general model. */
static _Thread_local char sentence[SENTENCE_SIZE] __attribute__((tls_model("global-dynamic"))) =
    "no failure yet";
static _Thread_local unsigned count;

int error_set(int code, const char *format, ...)
{
    char text[SENTENCE_SIZE], plain[SENTENCE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) < 0)
        text[0] = '\0';
    va_end(arguments);
    plain_copy(plain, sizeof plain, text);
    return error_set_plain(code, plain);
}

void error_add(const char *format, ...)
{
    int code = errno;
    char text[SENTENCE_SIZE];
    size_t used = strlen(sentence);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    plain_copy(sentence + used, sizeof sentence - used, text);
    errno = code;
}

int error_set_plain(int code, const char *text)
{
    strlcpy(sentence, text, sizeof sentence);
    count++;
    errno = code;
    return -1;
}

void error_remember(struct error_before *before)
{
    before->code = errno;
    strlcpy(before->text, sentence, sizeof before->text);
}

void error_forget_since(const struct error_before *before)
{
    error_set_plain(before->code, before->text);
}

unsigned error_count(void)
{
    return count;
}

const char *error_sentence(void)
{
    return sentence;
}

const char *error_size(char text[ERROR_SIZE_TEXT], size_t bytes)
{
    char human[8];
    if (bytes > INT64_MAX || humanize_number(human, sizeof human, (int64_t)bytes, "B", HN_AUTOSCALE,
                                             HN_DECIMAL | HN_IEC_PREFIXES) < 0)
        snprintf(text, ERROR_SIZE_TEXT, "%zu bytes", bytes);
    else
        snprintf(text, ERROR_SIZE_TEXT, "%s (%zu bytes)", human, bytes);
    return text;
}
