#include "support/leftover.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <shmpool.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/filefolder.h"
#include "support/proc.h"
#include "support/segments.h"

static const char prefix[] = "shmpool.";

enum { MAX_WATCHED = 64 };

static struct {
    int descriptors;
    time_t since; /* what is older was left over by another run, whose process IDs come round */
    int n_watched;
    pid_t watched[MAX_WATCHED];
} before;

const char *run_id(void)
{
    static char id[32];
    if (id[0] == '\0') {
        uint32_t random = 0;
        if (getrandom(&random, sizeof random, 0) != sizeof random)
            random = (uint32_t)getpid();
        snprintf(id, sizeof id, "run%08x", random);
    }
    return id;
}

const char *run_name(char name[RUN_NAME_SIZE], const char *subject)
{
    snprintf(name, RUN_NAME_SIZE, "%s.%d.%s", run_id(), (int)getpid(), subject);
    return name;
}

static bool generated_by(const char *name, pid_t pid)
{
    char start[32];
    int length = snprintf(start, sizeof start, "%d-", (int)pid);
    return strncmp(name, start, (size_t)length) == 0;
}

/* Whether the object was made by this process or one that it watches; by the run: see sweep. */
static bool is_ours(const char *name)
{
    char part[RUN_NAME_SIZE];
    if (strstr(name, run_name(part, "")) != NULL || generated_by(name, getpid()))
        return true;
    for (int i = 0; i < before.n_watched; i++)
        if (generated_by(name, before.watched[i]))
            return true;
    return false;
}

static bool is_of_this_run(const char *name)
{
    return strstr(name, run_id()) != NULL;
}

static bool is_older(int folder, const char *entry)
{
    struct stat status;
    return fstatat(folder, entry, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           status.st_mtime < before.since;
}

/* Counts the pools in the folder that match, prints them and removes them if told. */
static int look_in(const char *path, bool (*matches)(const char *), bool remove_them)
{
    DIR *folder = opendir(path);
    int found = 0;
    if (folder == NULL)
        return 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 ||
            !matches(entry->d_name + strlen(prefix)) || is_older(dirfd(folder), entry->d_name))
            continue;
        fprintf(stderr, "left over: %s/%s\n", path, entry->d_name);
        if (remove_them)
            unlinkat(dirfd(folder), entry->d_name, 0);
        found++;
    }
    closedir(folder);
    return found;
}

static bool is_ours_by_creator(const struct segment_seen *segment)
{
    bool ours = segment->creator == getpid();
    for (int i = 0; i < before.n_watched; i++)
        ours = ours || segment->creator == before.watched[i];
    return ours;
}

struct segment_look {
    bool (*matches)(const char *);
    bool remove_them;
    int found;
};

/* An unfinished segment has no name: its creator tells whose it is. */
static void look_at_segment(void *context, const struct segment_seen *segment)
{
    struct segment_look *look = context;
    if (segment->name[0] != '\0' ? !look->matches(segment->name) : !is_ours_by_creator(segment))
        return;
    if (segment->changed < before.since)
        return;
    fprintf(stderr, "left over: System V segment %d \"%s\"\n", segment->id, segment->name);
    if (look->remove_them)
        shmctl(segment->id, IPC_RMID, NULL);
    look->found++;
}

static int look_at_segments(bool (*matches)(const char *), bool remove_them)
{
    struct segment_look look = {matches, remove_them, 0};
    segments_each(look_at_segment, &look);
    return look.found;
}

static int look(bool (*matches)(const char *), bool remove_them)
{
    const char *folder = filefolder_path();
    return look_in("/dev/shm", matches, remove_them) +
           (folder != NULL ? look_in(folder, matches, remove_them) : 0);
}

/* What a family keeps open for its life is not left over: it begins with the first call. */
void leftover_setup(void)
{
    shmpool_worker_pid(1);
    before.n_watched = 0;
    before.since = time(NULL);
    before.descriptors = proc_count_descriptors();
}

void leftover_watch(pid_t pid)
{
    if (before.n_watched < MAX_WATCHED)
        before.watched[before.n_watched++] = pid;
}

void leftover_teardown(void)
{
    siginfo_t info;
    ck_assert_msg(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD,
                  "a child process is left over");
    int descriptors = proc_count_descriptors();
    if (descriptors != before.descriptors)
        proc_print_descriptors();
    ck_assert_msg(descriptors == before.descriptors, "%d descriptors before, %d after",
                  before.descriptors, descriptors);
    ck_assert_msg(look(is_ours, false) == 0, "objects are left over");
    ck_assert_msg(look_at_segments(is_ours, false) == 0, "System V segments are left over");
}

int leftover_sweep(void)
{
    return look(is_of_this_run, true) + look_at_segments(is_of_this_run, true);
}
