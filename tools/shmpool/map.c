/* map: a pool as a picture, in the terminal or as SVG; as JSON its runs. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "json.h"
#include "picture.h"
#include "pools.h"
#include "say.h"
#include "verbs.h"

enum { USUAL_WIDTH = 80, MOST_LINES = 16, SVG_CELLS = 128 * 128 };

/* ---- for programs ---- */

static int write_run(const struct shmpool_run *run, void *arg)
{
    static const char *const kinds[] = {[SHMPOOL_FREE] = "free",
                                        [SHMPOOL_BLOCK] = "block",
                                        [SHMPOOL_CLAIMED] = "claimed",
                                        [SHMPOOL_STRAY] = "stray"};
    static const char *const ownerships[] = {
        [SHMPOOL_OWNED] = "process", [SHMPOOL_SHARED] = "shared", [SHMPOOL_PENDING] = "pending"};
    (void)arg;
    json_object(NULL);
    json_number("page", run->page);
    json_number("pages", run->pages);
    json_text("kind", kinds[run->kind]);
    if (run->kind == SHMPOOL_BLOCK)
        json_text("owner", ownerships[run->ownership]);
    if (run->owner != 0)
        json_number("pid", (uint64_t)run->owner);
    json_object_end();
    return 0;
}

static int write_runs(const struct seen *seen, shmpool_id pool)
{
    struct shmpool_stats stats;
    if (shmpool_stats(pool, &stats) != 0)
        return say_failure();
    json_object(NULL);
    json_text("name", pools_shown(seen));
    json_number("page_size", stats.page_size);
    json_array("runs");
    int result = shmpool_runs(pool, write_run, NULL);
    json_array_end();
    json_object_end();
    if (result != 0)
        return say_failure();
    return say_ended(STATUS_FINE);
}

/* ---- for people ---- */

static size_t width_of_terminal(void)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    long given = columns != NULL ? strtol(columns, NULL, 10) : 0;
    if (given > 0 && given < 10000)
        return (size_t)given;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return USUAL_WIDTH;
}

static bool has_colours(void)
{
    const char *no = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') && terminal != NULL &&
           strcmp(terminal, "dumb") != 0;
}

static int print_picture(const struct request *request, shmpool_id pool)
{
    struct picture picture;
    size_t width = width_of_terminal();
    if (picture_take(&picture, pool, request->by_owner, width * MOST_LINES) != 0)
        return STATUS_FOUND;
    picture_text(&picture, width, has_colours());
    picture_end(&picture);
    return say_ended(STATUS_FINE);
}

/* 0, or -1 after a word. */
static int write_file(const char *path, const struct picture *picture, const char *name)
{
    FILE *out = fopen(path, "we");
    if (out != NULL) {
        picture_svg(picture, name, out);
        bool failed = ferror(out) != 0;
        if (fclose(out) == 0 && !failed)
            return 0;
    }
    warn("%s", path);
    return -1;
}

static int write_svg(const struct request *request, const struct seen *seen, shmpool_id pool)
{
    struct picture picture;
    int failed;
    if (picture_take(&picture, pool, request->by_owner, SVG_CELLS) != 0)
        return STATUS_FOUND;
    if (strcmp(request->svg, "-") == 0) {
        picture_svg(&picture, pools_shown(seen), stdout);
        failed = say_written(0);
    } else {
        failed = write_file(request->svg, &picture, pools_shown(seen));
    }
    picture_end(&picture);
    return failed == 0 ? STATUS_FINE : STATUS_FOUND;
}

int verb_map(const struct request *request)
{
    if (request->json && request->svg != NULL)
        options_refuse("map: --json writes runs and --svg a picture: say one of them");
    const struct seen *seen = pools_find(request->operands[0]);
    shmpool_id pool = seen != NULL ? pools_open(seen) : -1;
    if (pool < 0)
        return STATUS_FOUND;
    if (request->json)
        return write_runs(seen, pool);
    return request->svg != NULL ? write_svg(request, seen, pool) : print_picture(request, pool);
}
