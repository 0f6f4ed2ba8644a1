/* A memory cgroup is the limit: a real one below our own, where we may make one. What is read of
 * cgroups is tested in tests/backend on folders that only look like them; here the kernel kills. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commit/commit.h"
#include "support/random.h"
#include "support/sanitized.h"

enum { LIMIT = 16 << 20, RACERS = 3, ROUNDS = 120 };

struct group {
    char path[512];
};

static bool write_number(const struct group *group, const char *file, long number)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", group->path, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && dprintf(fd, "%ld", number) > 0;
    if (fd >= 0)
        close(fd);
    return done;
}

/* Our own, in version 1 or 2, at the usual place. */
static bool find_own(struct group *group)
{
    char line[400];
    bool found = false;
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (!found && file != NULL && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        const char *path = strchr(line, '/');
        if (path == NULL)
            continue;
        bool old = strstr(line, ":memory:") != NULL;
        snprintf(group->path, sizeof group->path, "/sys/fs/cgroup%s%s", old ? "/memory" : "", path);
        found = old || strncmp(line, "0::", 3) == 0;
    }
    if (file != NULL)
        fclose(file);
    return found;
}

/* Below our own one: what bounds that bounds it too. */
static bool make_group(struct group *group)
{
    char below[64];
    snprintf(below, sizeof below, "/shmpool-%s", run_id());
    if (!find_own(group))
        return false;
    strncat(group->path, below, sizeof group->path - strlen(group->path) - 1);
    if (mkdir(group->path, 0755) != 0)
        return false;
    if (write_number(group, "memory.limit_in_bytes", LIMIT) ||
        write_number(group, "memory.max", LIMIT))
        return true;
    rmdir(group->path);
    return false;
}

static int race(void *arg)
{
    struct random random = random_stream(random_seed(), (uint64_t)(uintptr_t)arg);
    for (int i = 0; i < ROUNDS; i++)
        attempt(random_between(&random, 1, LIMIT), ENOMEM, "the memory cgroup /");
    return 0;
}

/* Alone the last bytes are asked for again and again, with nothing made before, for a family's
 * first pool takes more than itself; together everything is. */
static int create_in_group(void *arg)
{
    pid_t racers[RACERS];
    unsigned n[2] = {0, 0};
    CHILD_CHECK(write_number(arg, "cgroup.procs", getpid()));
    for (size_t i = 0; i < 100; i++)
        n[attempt(LIMIT - pages(i * 20), ENOMEM, "the memory cgroup /sys/fs/cgroup/")]++;
    CHILD_CHECK(n[MADE] > 0 && n[REFUSED] > 0);
    struct state before = state_now(false);
    for (uintptr_t i = 0; i < RACERS; i++)
        racers[i] = child_start(race, (void *)(i + 31));
    for (int i = 0; i < RACERS; i++)
        CHILD_CHECK(child_ok(child_wait(racers[i])));
    check_same(&before, false);
    return 0;
}

START_TEST(the_limit_of_a_cgroup_is_an_error)
{
    struct group group;
    if (SANITIZED) {
        not_run("a sanitizer's own memory does not fit into the cgroup");
        return;
    }
    if (!make_group(&group)) {
        not_run("no memory cgroup can be made here");
        return;
    }
    int status = child_run(create_in_group, &group);
    while (rmdir(group.path) != 0 && errno == EBUSY)
        usleep(1000);
    ck_status_ok(status);
}
END_TEST

static void constrain(void)
{
    part = PART_CGROUP;
}

TCase *cgroup_case(void)
{
    TCase *tcase = tcase_create("cgroup");
    tcase_add_checked_fixture(tcase, constrain, NULL);
    tcase_add_test(tcase, the_limit_of_a_cgroup_is_an_error);
    return tcase;
}
