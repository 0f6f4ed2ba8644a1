#include "hostile/mill.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "support/child.h"
#include "support/random.h"
#include "support/sanitized.h"

/* Where the damages come from. */
struct source {
    const struct mill *mill;
    uint64_t seed;
    const struct damage *given; /* NULL: drawn */
    uint64_t end;
    _Atomic uint64_t *now; /* the one that is met; shared with the child */
};

static void find_damage(const struct source *source, uint64_t number, struct damage *damage)
{
    if (source->given != NULL) {
        *damage = source->given[number];
        return;
    }
    struct random random = random_stream(source->seed, number);
    damage_draw(damage, source->mill->layout(), &random, source->mill->last_moment);
}

void mill_allow_time(void)
{
    const struct itimerval allowance = {.it_value.tv_sec = MILL_SECONDS * (SANITIZED ? 10 : 1)};
    signal(SIGPROF, SIG_DFL);
    setitimer(ITIMER_PROF, &allowance, NULL);
}

static int turn(void *arg)
{
    const struct source *source = arg;
    struct damage damage;
    source->mill->begin();
    for (uint64_t number = atomic_load(source->now); number < source->end; number++) {
        atomic_store(source->now, number);
        find_damage(source, number, &damage);
        mill_allow_time();
        source->mill->meet(&damage);
    }
    atomic_store(source->now, source->end);
    source->mill->end();
    return 0;
}

/* The backend that the environment names. */
static const char *backend(void)
{
    const char *name = getenv("SHMPOOL_BACKEND");
    return name != NULL ? name : "";
}

static void report(const struct source *source, int status)
{
    struct damage damage;
    find_damage(source, atomic_load(source->now), &damage);
    printf("%s: %s; repeat it by: SHMPOOL_BACKEND=%s test-%s meet '", source->mill->name,
           WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF ? "hangs" : child_text(status),
           backend(), source->mill->name);
    damage_print(stdout, &damage);
    puts("'");
    fflush(stdout);
}

static unsigned go_through(struct source *source, uint64_t first)
{
    unsigned failures = 0;
    source->now =
        mmap(NULL, sizeof *source->now, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (source->now == MAP_FAILED)
        return 1;
    atomic_store(source->now, first);
    while (atomic_load(source->now) < source->end) {
        int status = child_run(turn, source);
        if (child_ok(status))
            continue;
        failures++;
        report(source, status);
        atomic_fetch_add(source->now, 1);
    }
    munmap((void *)source->now, sizeof *source->now);
    return failures;
}

unsigned mill_run(const struct mill *mill, uint64_t seed, uint64_t first, uint64_t count)
{
    struct source source = {.mill = mill, .seed = seed, .end = first + count};
    return go_through(&source, first);
}

/* ---- the corpus ---- */

enum { CORPUS = 1000 };

static uint64_t read_corpus(struct damage *damages, FILE *file)
{
    char line[DAMAGE_LINE];
    uint64_t n = 0;
    while (n < CORPUS && fgets(line, sizeof line, file) != NULL) {
        if (line[0] == '#' || line[0] == '\n')
            continue;
        if (!damage_read(&damages[n], line)) {
            printf("no damage: %s", line);
            return 0;
        }
        n++;
    }
    return n;
}

unsigned mill_replay(const struct mill *mill, const char *path)
{
    static struct damage damages[CORPUS];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        printf("%s: %s\n", path, strerror(errno));
        return 1;
    }
    struct source source = {.mill = mill, .given = damages, .end = read_corpus(damages, file)};
    fclose(file);
    return source.end > 0 ? go_through(&source, 0) : 1;
}

/* ---- by hand ---- */

static int campaign(const struct mill *mill, const char *count_text)
{
    uint64_t count = strtoull(count_text, NULL, 0);
    uint64_t seed = random_seed();
    time_t start = time(NULL);
    unsigned failures = mill_run(mill, seed, 0, count);
    printf("%s %s: %" PRIu64 " damages, %u failures, %ld seconds\n", mill->name, backend(), count,
           failures, (long)(time(NULL) - start));
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int meet_one(const struct mill *mill, const char *line)
{
    struct damage damage;
    if (!damage_read(&damage, line)) {
        fprintf(stderr, "no damage: %s\n", line);
        return 2;
    }
    mill->begin();
    mill_allow_time();
    mill->meet(&damage);
    mill->end();
    return EXIT_SUCCESS;
}

int mill_main(const struct mill *mill, int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "campaign") == 0)
        return campaign(mill, argv[2]);
    if (argc == 3 && strcmp(argv[1], "meet") == 0)
        return meet_one(mill, argv[2]);
    return -1;
}
