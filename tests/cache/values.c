#include "cache/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/client.h"
#include "support/random.h"

/* Most are short, some longer than a page. */
static size_t choose_length(struct random *random, size_t longest)
{
    size_t most = random_between(random, 1, 8) == 1 ? longest : longest / 64 + 100;
    return random_between(random, 64, most);
}

size_t value_make(char *value, const char *key, unsigned n, size_t longest)
{
    struct random random = random_stream(n, (unsigned char)key[strlen(key) - 1]);
    size_t length = choose_length(&random, longest);
    size_t head = (size_t)snprintf(value, 64, "%s %u ", key, n);
    for (size_t i = head; i < length; i++)
        value[i] = (char)(random.state >> (i % 56));
    return length;
}

unsigned value_number(const char *value, size_t length, const char *key, size_t longest)
{
    static char expected[LONGEST_VALUE];
    char head[64] = "";
    unsigned n = 0;
    memcpy(head, value, length < 63 ? length : 63);
    if (strncmp(head, key, strlen(key)) != 0 || sscanf(head + strlen(key), " %u ", &n) != 1)
        return 0;
    return value_make(expected, key, n, longest) == length && memcmp(expected, value, length) == 0
               ? n
               : 0;
}
