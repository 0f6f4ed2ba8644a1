/* Death at every system call of the calls that make, find, change and remove pools and workers.
 *
 * A victim is led from system call to system call of one call of the library and killed, once
 * before and once after each. After each death, and after the end of what the victim had started,
 * nothing half-made is visible, nothing is left that the next call of that kind cannot deal with,
 * and then nothing is left at all. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crash/deeds.h"
#include "crash/sysstop.h"
#include "support/child.h"
#include "support/filefolder.h"

enum { PATIENCE = 60, SKIPPED = 77 };

static const char *doing;

static const char *backend(void)
{
    const char *name = getenv("SHMPOOL_BACKEND");
    return name != NULL ? name : "posix";
}

static void on_alarm(int number)
{
    (void)number;
    dprintf(STDOUT_FILENO, "crash/syscalls: backend=%s op=%s blocked=1: no end for %d seconds\n",
            backend(), doing, PATIENCE);
    _exit(EXIT_FAILURE);
}

/* What the victim had started is this process's by now, and ends by itself. */
static void wait_for_orphans(void)
{
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        continue;
}

/* Whether the operation lasted until its n-th stop, where the victim was killed. */
static bool kill_at(const struct deed *deed, struct scene *scene, size_t n,
                    struct faults_seen *seen)
{
    alarm(PATIENCE);
    *scene->slate = (struct deed_slate){0};
    leftover_setup();
    deed->stage(scene);
    pid_t victim = sysstop_start(deed->prepare, deed->perform, scene);
    leftover_watch(victim);
    bool lasted = deed->of_started ? sysstop_kill_started(victim, n) : sysstop_follow(victim, n);
    sysstop_kill(victim);
    wait_for_orphans();
    deed->judge(scene, seen);
    seen->left += (unsigned)leftover_sweep() + (scene->slate->failed ? 1 : 0);
    return lasted;
}

static bool go_through(const struct deed *deed, struct scene *scene)
{
    struct faults_seen seen = {0};
    size_t n = 0;
    doing = deed->name;
    while (kill_at(deed, scene, n, &seen))
        n++;
    printf("crash/syscalls: backend=%s op=%s stops=%zu kills=%zu left=%u halfmade=%u\n", backend(),
           deed->name, n, n + !deed->of_started, seen.left, seen.halfmade);
    fflush(stdout);
    return seen.left + seen.halfmade == 0;
}

static void begin(void)
{
    const char *refusal = sysstop_refusal();
    if (refusal != NULL) {
        printf("crash/syscalls: skipped: %s\n", refusal);
        exit(SKIPPED);
    }
    filefolder_begin();
    signal(SIGALRM, on_alarm);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* With an argument those whose names begin so. */
static bool is_wanted(const struct deed *deed, const char *start)
{
    return (deeds_by_name() || !deed->by_name) &&
           (start == NULL || strncmp(deed->name, start, strlen(start)) == 0);
}

int main(int argc, char **argv)
{
    bool right = true;
    struct scene scene = {0};
    begin();
    run_name(scene.name, "syscalls");
    scene.slate =
        mmap(NULL, sizeof *scene.slate, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (scene.slate == MAP_FAILED)
        return EXIT_FAILURE;
    for (int i = 0; i < n_deeds; i++)
        if (is_wanted(&deeds[i], argc > 1 ? argv[1] : NULL))
            right = go_through(&deeds[i], &scene) && right;
    return filefolder_end() == 0 && right ? EXIT_SUCCESS : EXIT_FAILURE;
}
