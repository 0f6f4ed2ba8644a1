#include "options.h"

#include <bsd/libutil.h>
#include <bsd/stdlib.h>
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_TOP = 10, MAX_WORKERS = 1024 };

static const char help[] =
    "usage: wordcount [-j WORKERS] [-b BACKEND] [-n TOP] [-s POOLSIZE] [--json] FILE...\n"
    "\n"
    "Counts the words of the files with several processes, in one hash table in shared memory,\n"
    "and prints the most frequent ones. A word is a run of ASCII letters in one file, folded to\n"
    "lower case. Standard input is not read.\n"
    "\n"
    "  -j, --workers=N     processes that count, 1 to 1024 (default: one for each processor)\n"
    "  -b, --backend=NAME  where the shared memory comes from: posix, sysv, memfd, ...\n"
    "                      (default: $SHMPOOL_BACKEND, else posix)\n"
    "  -n, --top=N         how many words to print, or \"all\" (default: 10)\n"
    "  -s, --size=SIZE     bytes of the pool; k, M, G and T are powers of 1024 (default: enough\n"
    "                      for any text of that length; only what is used takes memory)\n"
    "      --json          print one line of JSON\n"
    "  -h, --help          print this\n"
    "\n"
    "Exit status: 0 all words were counted; 1 they were not: a file cannot be read, the pool is\n"
    "too small, ...; 2 the command line is wrong. In no case anything is left behind.\n";

static unsigned count_processors(void)
{
    cpu_set_t processors;
    if (sched_getaffinity(0, sizeof processors, &processors) == 0)
        return (unsigned)CPU_COUNT(&processors);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (unsigned)online : 1;
}

static unsigned default_workers(void)
{
    unsigned n = count_processors();
    return n < MAX_WORKERS ? n : MAX_WORKERS;
}

static size_t parse_number(const char *option, const char *text, long long low, long long high)
{
    const char *wrong;
    long long number = strtonum(text, low, high, &wrong);
    if (wrong != NULL)
        errx(STATUS_USAGE, "%s %s: the number is %s (%lld to %lld)", option, text, wrong, low,
             high);
    return (size_t)number;
}

static size_t parse_top(const char *text)
{
    return strcmp(text, "all") == 0 ? SIZE_MAX : parse_number("-n", text, 0, INT64_MAX);
}

static size_t parse_size(const char *text)
{
    uint64_t size;
    if (!isdigit((unsigned char)text[0]))
        errx(STATUS_USAGE, "-s %s: not a size; say 64M, for example", text);
    int result = expand_number(text, &size);
    if (result == 0 ? size > INT64_MAX : errno == ERANGE)
        errx(STATUS_USAGE, "-s %s: the size is too large", text);
    if (result != 0)
        errx(STATUS_USAGE, "-s %s: not a size; say 64M, for example", text);
    if (size == 0)
        errx(STATUS_USAGE, "-s %s: the pool needs a size above 0", text);
    return size;
}

static void parse_option(struct options *options, int option)
{
    switch (option) {
    case 'j':
        options->n_workers = (unsigned)parse_number("-j", optarg, 1, MAX_WORKERS);
        break;
    case 'b':
        options->backend = optarg;
        break;
    case 'n':
        options->top = parse_top(optarg);
        break;
    case 's':
        options->pool_size = parse_size(optarg);
        break;
    case 'J':
        options->json = true;
        break;
    case 'h':
        fputs(help, stdout);
        exit(STATUS_FINE);
    default: /* getopt has said what is wrong */
        fputs("Try: wordcount --help\n", stderr);
        exit(STATUS_USAGE);
    }
}

struct options options_parse(int argc, char *argv[])
{
    static const struct option known[] = {{"workers", required_argument, NULL, 'j'},
                                          {"backend", required_argument, NULL, 'b'},
                                          {"top", required_argument, NULL, 'n'},
                                          {"size", required_argument, NULL, 's'},
                                          {"json", no_argument, NULL, 'J'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    struct options options = {.n_workers = default_workers(), .top = DEFAULT_TOP};
    int option;
    while ((option = getopt_long(argc, argv, "j:b:n:s:h", known, NULL)) != -1)
        parse_option(&options, option);
    if (optind >= argc)
        errx(STATUS_USAGE, "which files? Try: wordcount --help");
    options.files = argv + optind;
    options.n_files = (size_t)(argc - optind);
    return options;
}
