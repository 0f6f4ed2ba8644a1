#include "passage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scan.h"

enum { READ_AHEAD = 512 }; /* few words are cut by a border and longer than that */

static int make_room(struct passage *passage, size_t length)
{
    if (length <= passage->room)
        return 0;
    unsigned char *text = realloc(passage->text, length + SCAN_PADDING);
    if (text == NULL)
        return -1;
    passage->text = text;
    passage->room = length;
    return 0;
}

/* Extends the text, which starts at `offset` of the file, to this length. */
static int read_up_to(struct passage *passage, const struct file *file, uint64_t offset,
                      size_t length)
{
    if (make_room(passage, length) != 0)
        return -1;
    while (passage->length < length) {
        ssize_t n = pread(file->fd, passage->text + passage->length, length - passage->length,
                          (off_t)(offset + passage->length));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n == 0 ? ENODATA : errno;
            return -1;
        }
        passage->length += (size_t)n;
    }
    return 0;
}

static size_t at_most(uint64_t n, uint64_t limit)
{
    return (size_t)(n < limit ? n : limit);
}

/* Moves *at, a place in the text, to the end of the letters that stand there, reading on while they
 * go on beyond the text. */
static int skip_letters(struct passage *passage, const struct file *file, uint64_t offset,
                        size_t *at)
{
    uint64_t rest = file->size - offset;
    for (;;) {
        const unsigned char *limit = passage->text + passage->length;
        *at = (size_t)(scan_letters(passage->text + *at, limit) - passage->text);
        if (*at < passage->length || *at == rest)
            return 0;
        if (read_up_to(passage, file, offset, at_most(rest, 2 * (uint64_t)passage->length)) != 0)
            return -1;
    }
}

int passage_read(struct passage *passage, const struct input *input, size_t chunk)
{
    const struct file *file = input_file(input, chunk);
    uint64_t start = (uint64_t)(chunk - file->first_chunk) * CHUNK_SIZE;
    size_t before = start > 0; /* one byte more tells whether the chunk starts inside a word */
    uint64_t offset = start - before;
    size_t begin = before, end = before + at_most(file->size - start, CHUNK_SIZE);

    passage->length = 0;
    if (read_up_to(passage, file, offset, at_most(file->size - offset, end + READ_AHEAD)) != 0)
        return -1;
    if (before && scan_is_letter(passage->text[0]))
        begin = (size_t)(scan_letters(passage->text, passage->text + end) - passage->text);
    if (begin < end && scan_is_letter(passage->text[end - 1]) &&
        skip_letters(passage, file, offset, &end) != 0)
        return -1;
    memset(passage->text + end, 0, SCAN_PADDING);
    passage->begin = passage->text + begin;
    passage->end = passage->text + end;
    return 0;
}

void passage_free(struct passage *passage)
{
    free(passage->text);
    *passage = (struct passage){0};
}
