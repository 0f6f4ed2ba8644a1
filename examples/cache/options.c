#include "options.h"

#include <bsd/libutil.h>
#include <bsd/stdlib.h>
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

static const char help[] =
    "usage: cache [-j WORKERS] [-b BACKEND] [-n NAME] [-s SIZE] [-m MAXSIZE] SOCKET\n"
    "       cache --remove [-b BACKEND] [-n NAME]\n"
    "\n"
    "Serves a key-value cache at a Unix socket, with several processes that share one table in\n"
    "shared memory. The cache outlives them: the next start serves what it holds. When it is full\n"
    "what was not asked for lately makes room.\n"
    "\n"
    "  -j, --workers=N     processes that serve, 1 to 64 (default: 4)\n"
    "  -b, --backend=NAME  where the shared memory comes from: posix, sysv, ...\n"
    "                      (default: $SHMPOOL_BACKEND, else posix)\n"
    "  -n, --name=NAME     the name of the cache (default: cache)\n"
    "  -s, --size=SIZE     bytes of a new cache; k, M and G are powers of 1024 (default: 16M)\n"
    "  -m, --max-size=SIZE bytes up to which it grows (default: 256M)\n"
    "      --remove        remove the cache, and serve nobody\n"
    "  -h, --help          print this\n"
    "\n"
    "Requests are lines: SET key length, followed by that many bytes and a line end; GET key; DEL\n"
    "key; STATS; QUIT.\n"
    "\n"
    "SIGINT, SIGTERM and SIGHUP end the program, and the cache stays. Exit status: 0 it was ended\n"
    "so, or has removed the cache; 1 it cannot serve; 2 the command line is wrong.\n";

static size_t parse_size(const char *option, const char *text)
{
    uint64_t size;
    if (!isdigit((unsigned char)text[0]) || expand_number(text, &size) != 0 || size > INT64_MAX)
        errx(STATUS_USAGE, "%s %s: not a size; say 64M, for example", option, text);
    return size;
}

static unsigned parse_workers(const char *text)
{
    const char *wrong;
    long long number = strtonum(text, 1, MOST_WORKERS, &wrong);
    if (wrong != NULL)
        errx(STATUS_USAGE, "-j %s: the number is %s (1 to %d)", text, wrong, MOST_WORKERS);
    return (unsigned)number;
}

static void parse_option(struct options *options, int option)
{
    switch (option) {
    case 'j':
        options->order.n_workers = parse_workers(optarg);
        break;
    case 'b':
        options->order.backend = optarg;
        break;
    case 'n':
        options->order.name = optarg;
        break;
    case 's':
        options->order.size = parse_size("-s", optarg);
        break;
    case 'm':
        options->order.max_size = parse_size("-m", optarg);
        break;
    case 'R':
        options->remove = true;
        break;
    case 'h':
        fputs(help, stdout);
        exit(STATUS_FINE);
    default: /* getopt has said what is wrong */
        fputs("Try: cache --help\n", stderr);
        exit(STATUS_USAGE);
    }
}

/* No name at all would be one that the system chooses, and that everybody may connect to. */
static bool is_socket(const char *path)
{
    return path != NULL && path[0] != '\0';
}

struct options options_parse(int argc, char *argv[])
{
    static const struct option known[] = {
        {"workers", required_argument, NULL, 'j'},  {"backend", required_argument, NULL, 'b'},
        {"name", required_argument, NULL, 'n'},     {"size", required_argument, NULL, 's'},
        {"max-size", required_argument, NULL, 'm'}, {"remove", no_argument, NULL, 'R'},
        {"help", no_argument, NULL, 'h'},           {0}};
    struct options options = {
        .order = {.name = "cache", .size = 16 << 20, .max_size = 256 << 20, .n_workers = 4}};
    int option;
    while ((option = getopt_long(argc, argv, "j:b:n:s:m:h", known, NULL)) != -1)
        parse_option(&options, option);
    if (argc - optind != (options.remove ? 0 : 1) || (!options.remove && !is_socket(argv[optind])))
        errx(STATUS_USAGE, "%s Try: cache --help",
             options.remove ? "--remove takes no socket." : "at which socket?");
    options.socket = argv[optind];
    return options;
}
