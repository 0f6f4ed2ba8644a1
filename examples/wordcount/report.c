#include "report.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>

static double mb_per_s(const struct input *input, double seconds)
{
    return seconds > 0 ? (double)input->bytes / 1e6 / seconds : 0;
}

static void print_word(const struct word_shm *word)
{
    fwrite(word->letters, 1, word->length, stdout);
}

static void report_text(const struct tally *tally, const struct input *input, double seconds)
{
    for (size_t i = 0; i < tally->n_top; i++) {
        printf("%7" PRIu64 " ", tally->top[i].count);
        print_word(tally->top[i].word);
        putchar('\n');
    }
    printf("%zu files, %" PRIu64 " bytes, %" PRIu64 " words, %" PRIu64 " distinct, %.3f seconds, "
           "%.1f MB/s\n",
           input->n_files, input->bytes, tally->words, tally->distinct, seconds,
           mb_per_s(input, seconds));
}

/* Words are letters, so nothing must be escaped. */
static void report_json(const struct tally *tally, const struct input *input, double seconds)
{
    printf("{\"files\":%zu,\"bytes\":%" PRIu64 ",\"words\":%" PRIu64 ",\"distinct\":%" PRIu64
           ",\"seconds\":%.6f,\"mb_per_s\":%.3f,\"top\":[",
           input->n_files, input->bytes, tally->words, tally->distinct, seconds,
           mb_per_s(input, seconds));
    for (size_t i = 0; i < tally->n_top; i++) {
        printf("%s{\"word\":\"", i > 0 ? "," : "");
        print_word(tally->top[i].word);
        printf("\",\"count\":%" PRIu64 "}", tally->top[i].count);
    }
    printf("]}\n");
}

int report(const struct tally *tally, const struct input *input, double seconds, bool json)
{
    (json ? report_json : report_text)(tally, input, seconds);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    warn("standard output");
    return -1;
}
