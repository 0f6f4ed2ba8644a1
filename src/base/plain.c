#include "base/plain.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 4, ESCAPED = 4 /* \xNN */ };

/* How many bytes a character has by its first one; 0: no character begins so. */
static size_t length_by(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* No controls of either kind, no longer forms, no surrogates. */
static int is_printable(uint32_t character, size_t length)
{
    static const uint32_t least[LONGEST + 1] = {0, 0x20, 0xa0, 0x800, 0x10000};
    return character >= least[length] && character != 0x7f &&
           (character < 0xd800 || character > 0xdfff) && character <= 0x10ffff;
}

/* Bytes of the printable character that the text begins with; 0: it begins with none. */
static size_t printable_length(const char *text)
{
    unsigned char first = (unsigned char)*text;
    size_t length = length_by(first);
    uint32_t character = length == 1 ? first : first & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        unsigned char next = (unsigned char)text[i];
        if ((next & 0xc0) != 0x80)
            return 0;
        character = character << 6 | (next & 0x3f);
    }
    return length > 0 && is_printable(character, length) ? length : 0;
}

void plain_copy(char *plain, size_t size, const char *text)
{
    char *end = plain + size - 1;
    size_t written = 0;
    for (; *text != '\0' && end - plain >= ESCAPED; plain += written) {
        size_t length = printable_length(text);
        if (length > 0)
            memcpy(plain, text, length);
        else
            snprintf(plain, ESCAPED + 1, "\\x%02x", (unsigned)(unsigned char)*text);
        written = length > 0 ? length : ESCAPED;
        text += length > 0 ? length : 1;
    }
    *plain = '\0';
}
