/* Plays the corpus of operation strings, and some that nobody has seen. By hand: "expand FOLDER"
 * makes a file of each string, as libFuzzer wants them; "line FILE" prints a file as a line of the
 * corpus. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostile/strings.h"
#include "support/random.h"

enum { STRING_SIZE = 1024, NEW_STRINGS = 1500 };

/* The bytes of a line of two-digit hexadecimal numbers. */
static size_t read_line(uint8_t bytes[STRING_SIZE], const char *line)
{
    size_t n = 0;
    unsigned byte;
    while (n < STRING_SIZE && sscanf(line + 2 * n, "%2x", &byte) == 1)
        bytes[n++] = (uint8_t)byte;
    return n;
}

static int play(const uint8_t *bytes, size_t size, const char *folder)
{
    (void)folder;
    return LLVMFuzzerTestOneInput(bytes, size);
}

static int expand(const uint8_t *bytes, size_t size, const char *folder)
{
    static int number;
    char path[4096];
    snprintf(path, sizeof path, "%s/%03d", folder, number++);
    FILE *file = fopen(path, "w");
    size_t written = file != NULL ? fwrite(bytes, 1, size, file) : 0;
    if (file != NULL)
        fclose(file);
    return written == size ? 0 : 1;
}

/* How many strings there were; 0 when something failed. */
static int for_each_string(int (*act)(const uint8_t *bytes, size_t size, const char *folder),
                           const char *folder)
{
    char line[2 * STRING_SIZE + 2];
    uint8_t bytes[STRING_SIZE];
    int n = 0;
    FILE *file = fopen(HOSTILE_CORPUS "/strings.txt", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (line[0] == '#')
            continue;
        if (act(bytes, read_line(bytes, line), folder) != 0) {
            n = 0;
            break;
        }
        n++;
    }
    if (file != NULL)
        fclose(file);
    return n;
}

static int print_line(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return EXIT_FAILURE;
    }
    for (int byte = fgetc(file); byte != EOF; byte = fgetc(file))
        printf("%02x", (unsigned)byte);
    printf("\n");
    fclose(file);
    return EXIT_SUCCESS;
}

static void play_new_strings(void)
{
    uint64_t seed = random_seed();
    for (uint64_t i = 0; i < NEW_STRINGS; i++) {
        uint8_t bytes[STRING_SIZE];
        struct random random = random_stream(seed, i);
        size_t size = random_between(&random, 1, 200);
        for (size_t b = 0; b < size; b++)
            bytes[b] = (uint8_t)random_next(&random);
        LLVMFuzzerTestOneInput(bytes, size);
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "expand") == 0)
        return for_each_string(expand, argv[2]) > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    if (argc == 3 && strcmp(argv[1], "line") == 0)
        return print_line(argv[2]);
    int n = for_each_string(play, NULL);
    play_new_strings();
    printf("%d strings of the corpus, %d new ones\n", n, NEW_STRINGS);
    return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
