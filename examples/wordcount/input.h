/* The files, and their division into chunks.
 *
 * The master opens and looks at all files before anything else is done; the workers inherit the
 * descriptors and read with pread(2), so that they share no file position, and a file that gets
 * shorter is an error and not a signal. What is appended to a file after it was opened does not
 * count. A chunk belongs to one file. */
#ifndef WORDCOUNT_INPUT_H
#define WORDCOUNT_INPUT_H

#include <stddef.h>
#include <stdint.h>

enum { CHUNK_SIZE = 256 * 1024 };

struct file {
    const char *name;
    int fd;
    uint64_t size;
    size_t first_chunk;
};

struct input {
    struct file *files;
    size_t n_files;
    size_t n_chunks;
    uint64_t bytes;
};

/* Opens the files; 0, or -1 when one cannot be read: a line on stderr says which and why. The names
 * must stay. */
int input_open(struct input *input, char *const names[], size_t n_names);

void input_close(struct input *input);

/* The file that the chunk is a part of. */
const struct file *input_file(const struct input *input, size_t chunk);

#endif
