#include "input.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(const char *name, const char *reason)
{
    warnx("%s: %s", name, reason);
    return -1;
}

static int refuse_mode(const char *name, mode_t mode)
{
    return refuse(name, S_ISDIR(mode) ? strerror(EISDIR) : "Not a regular file");
}

/* Looks before it opens, since opening a device or a pipe may have effects or wait. */
static int open_file(struct file *file, const char *name)
{
    struct stat found;
    if (stat(name, &found) != 0)
        return refuse(name, strerror(errno));
    if (!S_ISREG(found.st_mode))
        return refuse_mode(name, found.st_mode);
    int fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return refuse(name, strerror(errno));
    if (fstat(fd, &found) != 0 || !S_ISREG(found.st_mode)) {
        close(fd);
        return refuse_mode(name, found.st_mode);
    }
    *file = (struct file){.name = name, .fd = fd, .size = (uint64_t)found.st_size};
    return 0;
}

/* All files are open at once: asks for as many descriptors as the system lets us have. */
static void allow_many_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* The number of a chunk fits into 32 bits. */
static int add_file(struct input *input, const char *name)
{
    struct file *file = &input->files[input->n_files];
    if (open_file(file, name) != 0)
        return -1;
    input->n_files++;
    uint64_t n_chunks = file->size / CHUNK_SIZE + (file->size % CHUNK_SIZE != 0);
    if (n_chunks > UINT32_MAX - input->n_chunks)
        return refuse(name, strerror(EFBIG));
    file->first_chunk = input->n_chunks;
    input->n_chunks += n_chunks;
    input->bytes += file->size;
    return 0;
}

int input_open(struct input *input, char *const names[], size_t n_names)
{
    *input = (struct input){.files = calloc(n_names, sizeof *input->files)};
    if (input->files == NULL)
        return refuse("list of files", strerror(errno));
    allow_many_files();
    for (size_t i = 0; i < n_names; i++)
        if (add_file(input, names[i]) != 0) {
            input_close(input);
            return -1;
        }
    return 0;
}

void input_close(struct input *input)
{
    for (size_t i = 0; i < input->n_files; i++)
        close(input->files[i].fd);
    free(input->files);
    *input = (struct input){0};
}

/* The last file that starts at or before the chunk: empty files before it start there too. */
const struct file *input_file(const struct input *input, size_t chunk)
{
    size_t low = 0, high = input->n_files;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (input->files[middle].first_chunk <= chunk)
            low = middle;
        else
            high = middle;
    }
    return &input->files[low];
}
