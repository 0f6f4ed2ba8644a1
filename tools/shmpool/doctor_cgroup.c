/* The memory limit of the control group: the tightest of all groups above this process. */
#include <string.h>

#include "doctor.h"
#include "doctor_files.h"

#define NO_LIMIT (UINT64_C(1) << 62)

/* Where a version of control groups has its numbers. */
struct version {
    const char *mount;
    const char *limit;
    const char *usage;
    const char *droppable; /* the key of memory.stat that counts file pages not used lately */
};

static const struct version version1 = {"/sys/fs/cgroup/memory", "memory.limit_in_bytes",
                                        "memory.usage_in_bytes", "total_inactive_file"};
static const struct version version2 = {"/sys/fs/cgroup", "memory.max", "memory.current",
                                        "inactive_file"};

struct tightest {
    uint64_t limit;
    uint64_t used;
};

static const struct judgement unlimited = {FINDING_OK, "Pools may take all memory there is.", NULL};
static const struct judgement limited = {
    FINDING_OK,
    "A page of a pool counts for the group of the process that touches it first. SHMPOOL_COMMIT "
    "takes them at creation, and fails where the group has no room.",
    NULL};
static const struct judgement full = {
    FINDING_WARNING, "Nearly all is used: the kernel kills processes that touch further pages.",
    "a higher memory.max of the group (container: --memory), or SHMPOOL_COMMIT, which fails early"};

/* The group's limit, if it is tighter than those seen before. */
static void look(const struct patient *patient, const struct version *version, const char *group,
                 struct tightest *tightest)
{
    uint64_t limit;
    uint64_t used = 0;
    uint64_t droppable = 0;
    struct path file = file_path(version->mount, "%s/%s", group, version->limit);
    if (!file_number(patient->root, file.text, &limit) || limit >= tightest->limit)
        return;
    file = file_path(version->mount, "%s/%s", group, version->usage);
    file_number(patient->root, file.text, &used);
    file = file_path(version->mount, "%s/memory.stat", group);
    file_number_of(patient->root, file.text, version->droppable, &droppable);
    *tightest = (struct tightest){limit, used > droppable ? used - droppable : 0};
}

/* The group and all above it. Where a container mounts its own group as the top, that one is read
 * at the end, whatever the path is. */
static void look_upwards(const struct patient *patient, const struct version *version, char *group,
                         struct tightest *tightest)
{
    char *slash;
    while ((slash = strrchr(group, '/')) != NULL) {
        look(patient, version, slash[1] != '\0' ? group : "", tightest);
        *slash = '\0';
    }
    look(patient, version, "", tightest);
}

/* A line of /proc/self/cgroup is "0::/group" in version 2, "4:memory:/group" in version 1. */
static void look_at_line(const struct patient *patient, char *line, struct tightest *tightest)
{
    line[strcspn(line, "\n")] = '\0';
    char *group = strstr(line, ":/");
    if (group == NULL)
        return;
    if (strncmp(line, "0::", 3) == 0)
        look_upwards(patient, &version2, group + 1, tightest);
    else if (strstr(line, ":memory:") != NULL || strstr(line, ",memory:") != NULL)
        look_upwards(patient, &version1, group + 1, tightest);
}

void doctor_cgroup(const struct patient *patient, struct findings *findings)
{
    struct tightest tightest = {.limit = NO_LIMIT};
    char line[PATH_MAX];
    FILE *file = file_open(patient->root, "/proc/self/cgroup");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        look_at_line(patient, line, &tightest);
    if (file != NULL)
        fclose(file);
    if (tightest.limit >= NO_LIMIT)
        finding_add(findings, "cgroup memory", &unlimited, "no limit");
    else
        finding_add(findings, "cgroup memory",
                    is_nearly_all(tightest.used, tightest.limit) ? &full : &limited, "%s, %s used",
                    size_text(tightest.limit).text, size_text(tightest.used).text);
}
