/* shmpool: looks into pools of shared memory and keeps them in order.
 *
 * Built on the public headers of the library alone. Each verb is a file of its own (verbs.h); the
 * command line is two tables (options.c), which `shmpool --completion` prints for the build. Data
 * go to stdout, talk to stderr. */
#include <locale.h>
#include <string.h>

#include "completion.h"
#include "memory.h"
#include "options.h"
#include "say.h"

int main(int argc, char *argv[])
{
    setlocale(LC_CTYPE, ""); /* which characters there are; a number has its point everywhere */
    if (argc == 2 && strcmp(argv[1], "--completion") == 0) {
        completion_print();
        return say_ended(STATUS_FINE);
    }
    struct request request = options_parse(argc, argv);
    memory_watch(STATUS_FOUND);
    int status = request.verb->run(&request);
    options_end(&request);
    return status;
}
