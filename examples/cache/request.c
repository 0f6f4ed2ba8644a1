#include "request.h"

#include <bsd/stdlib.h>
#include <string.h>

enum { MOST_WORDS = 3, LONGEST_NUMBER = 20 };

struct word {
    const char *bytes;
    size_t length;
};

/* Splits at single spaces; MOST_WORDS + 1 when there are more. */
static size_t split(struct word words[MOST_WORDS], const char *line, size_t n)
{
    const char *end = line + n;
    for (size_t i = 0; i < MOST_WORDS; i++) {
        const char *space = memchr(line, ' ', (size_t)(end - line));
        words[i] = (struct word){line, (size_t)((space != NULL ? space : end) - line)};
        if (space == NULL)
            return i + 1;
        line = space + 1;
    }
    return MOST_WORDS + 1;
}

static bool is(const struct word *word, const char *text)
{
    return word->length == strlen(text) && memcmp(word->bytes, text, word->length) == 0;
}

static const char *parse_key(struct key *key, const struct word *word)
{
    if (word->length == 0 || word->length > LONGEST_KEY)
        return "a key has 1 to 250 characters";
    for (size_t i = 0; i < word->length; i++)
        if (word->bytes[i] <= ' ' || word->bytes[i] > '~')
            return "a key has printable ASCII characters only";
    key->length = word->length;
    memcpy(key->bytes, word->bytes, word->length);
    key_close(key);
    return NULL;
}

static bool is_number(const struct word *word)
{
    for (size_t i = 0; i < word->length; i++)
        if (word->bytes[i] < '0' || word->bytes[i] > '9')
            return false;
    return word->length > 0 && word->length < LONGEST_NUMBER;
}

static const char *parse_length(size_t *length, const struct word *word)
{
    char text[LONGEST_NUMBER] = "";
    const char *wrong = "not a number";
    if (is_number(word)) {
        memcpy(text, word->bytes, word->length);
        *length = (size_t)strtonum(text, 0, LONGEST_VALUE, &wrong);
    }
    return wrong == NULL ? NULL : "the length of a value is a number from 0 to 131072";
}

const char *request_parse(struct request *request, const char *line, size_t n)
{
    static const struct {
        const char *name;
        enum verb verb;
        size_t n_words;
    } verbs[] = {{"SET", VERB_SET, 3},
                 {"GET", VERB_GET, 2},
                 {"DEL", VERB_DEL, 2},
                 {"STATS", VERB_STATS, 1},
                 {"QUIT", VERB_QUIT, 1}};
    struct word words[MOST_WORDS];
    const char *wrong = NULL;
    size_t n_words = split(words, line, n);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (!is(&words[0], verbs[i].name))
            continue;
        request->verb = verbs[i].verb;
        if (n_words != verbs[i].n_words)
            return "the number of words is wrong";
        if (n_words > 1)
            wrong = parse_key(&request->key, &words[1]);
        return wrong == NULL && n_words > 2 ? parse_length(&request->length, &words[2]) : wrong;
    }
    return "SET key length, GET key, DEL key, STATS or QUIT";
}
