/* check: the faults of some pools, or of all. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "memory.h"
#include "pools.h"
#include "say.h"
#include "verbs.h"

/* The lines of a report, as an array. */
static void write_lines(char *report)
{
    json_array("report");
    for (char *line = strtok(report, "\n"); line != NULL; line = strtok(NULL, "\n"))
        json_text(NULL, line);
    json_array_end();
}

static void write_pool(const struct seen *seen, int faults, char *report)
{
    json_object(NULL);
    json_text("name", pools_shown(seen));
    json_text("backend", seen->listed.backend);
    json_text("state", pools_state(seen->listed.state));
    if (faults >= 0)
        json_number("faults", (uint64_t)faults);
    else
        json_text("faults", NULL);
    write_lines(report);
    json_object_end();
}

static void print_pool(const struct seen *seen, int faults, const char *report)
{
    fputs(report, stdout);
    if (faults == 0)
        printf("%s: sound\n", pools_shown(seen));
    if (faults > 0)
        printf("%s: %d fault%s\n", pools_shown(seen), faults, faults == 1 ? "" : "s");
}

enum { HIDDEN = -1, GONE = -2 };

/* Pools come and go: one of all that went since it was listed is none any more. */
static shmpool_id open_pool(const struct request *request, const struct seen *seen)
{
    if (request->n_operands > 0 || !pools_is_sound(seen))
        return pools_open(seen);
    shmpool_id pool = shmpool_inspect(seen->listed.handle);
    if (pool < 0 && errno == ENOENT)
        return GONE;
    if (pool < 0)
        say_failure();
    return pool;
}

struct checking {
    shmpool_id pool;
    FILE *report;
    int faults;
};

static void recompute(void *arg)
{
    struct checking *checking = arg;
    checking->faults = shmpool_check(checking->pool, checking->report);
}

/* The number of faults, HIDDEN when the pool cannot be looked into, of which a word was said, or
 * GONE. */
static int check_pool(const struct request *request, const struct seen *seen, FILE *report)
{
    shmpool_id pool = open_pool(request, seen);
    struct checking checking = {pool, report, HIDDEN};
    if (pool < 0)
        return pool;
    if (!memory_outlasts(recompute, &checking))
        say("%s: " MEMORY_LOST, pools_shown(seen));
    shmpool_release(pool);
    return checking.faults;
}

static int check_and_show(const struct request *request, const struct seen *seen)
{
    char *report = NULL;
    size_t size;
    FILE *stream = open_memstream(&report, &size);
    int faults = stream != NULL ? check_pool(request, seen, stream) : HIDDEN;
    if (stream == NULL || fclose(stream) != 0) {
        say("no memory for a report");
        return STATUS_FOUND;
    }
    if (request->json && faults != GONE)
        write_pool(seen, faults, report);
    else if (!request->json)
        print_pool(seen, faults, report);
    free(report);
    return faults == 0 || faults == GONE ? STATUS_FINE : STATUS_FOUND;
}

static int check_all(const struct request *request)
{
    struct pools pools;
    int status = STATUS_FINE;
    if (pools_read(&pools, false) != 0)
        return STATUS_FOUND;
    for (size_t i = 0; i < pools.n; i++)
        status |= check_and_show(request, &pools.all[i]);
    pools_end(&pools);
    return status;
}

int verb_check(const struct request *request)
{
    if (request->json) {
        json_object(NULL);
        json_array("check");
    }
    int status =
        request->n_operands > 0 ? pools_each_named(request, check_and_show) : check_all(request);
    if (request->json) {
        json_array_end();
        json_object_end();
    }
    return say_ended(status);
}
