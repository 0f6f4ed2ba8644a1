/* What hides processes from this user, so that the other verbs see less than there is. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "doctor_files.h"

static const struct judgement no_proc = {
    FINDING_WARNING,
    "No posix or memfd pool can be made or opened, and it cannot be told who has a pool.",
    "mount -t proc proc /proc"};
static const struct judgement open_proc = {FINDING_OK, "All processes can be seen.", NULL};
static const struct judgement lets_in_own = {
    FINDING_OK,
    "All processes can be seen, but only root looks into those of others: to this user a pool that "
    "only they have mapped looks idle or orphaned.",
    NULL};
static const struct judgement sees_all = {FINDING_OK, "It does not hold for this user.", NULL};
static const struct judgement blind = {
    FINDING_WARNING,
    "Processes of other users are not seen: a pool that only they use looks idle or orphaned.",
    "run shmpool as root, or mount -o remount,gid=GROUP /proc with a group of this user"};
static const struct judgement harmless = {
    FINDING_OK, "It forbids debuggers, not looking at who has a pool mapped.", NULL};

/* The word behind "key=" in a list with commas; "" where it is not there. */
static void read_option(const char *list, const char *key, char *word, size_t size)
{
    size_t length = strlen(key);
    word[0] = '\0';
    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, key, length) == 0)
            snprintf(word, size, "%.*s", (int)strcspn(at + length, ",\n"), at + length);
    }
}

static bool is_in_group(const char *gid)
{
    gid_t groups[256];
    gid_t sought = (gid_t)strtoul(gid, NULL, 10);
    int n = getgroups(sizeof groups / sizeof groups[0], groups);
    for (int i = 0; i < n; i++)
        if (groups[i] == sought)
            return true;
    return getegid() == sought;
}

/* The options of the mount at /proc that was made last. A line is
 * "22 27 0:21 / /proc rw,relatime - proc proc rw,hidepid=2". Source: proc_pid_mountinfo(5). */
static void read_proc_options(const struct patient *patient, char *options, size_t size)
{
    char line[PATH_MAX];
    FILE *file = file_open(patient->root, "/proc/self/mountinfo");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *behind = strstr(line, " - proc ");
        if (strstr(line, " /proc ") != NULL && behind != NULL)
            snprintf(options, size, "%s", strrchr(behind, ' ') + 1);
    }
    if (file != NULL)
        fclose(file);
}

static void judge_hidepid(const struct patient *patient, struct findings *findings)
{
    char options[256] = "";
    char hidepid[24];
    char gid[24];
    if (!file_is_there(patient->root, "/proc/self/mountinfo")) {
        finding_add(findings, "/proc", &no_proc, "not mounted");
        return;
    }
    read_proc_options(patient, options, sizeof options);
    read_option(options, "hidepid=", hidepid, sizeof hidepid);
    read_option(options, "gid=", gid, sizeof gid);
    if (hidepid[0] == '\0' || strcmp(hidepid, "0") == 0 || strcmp(hidepid, "off") == 0)
        finding_add(findings, "hidepid of /proc", patient->uid == 0 ? &open_proc : &lets_in_own,
                    "off");
    else if (patient->uid == 0 || (gid[0] != '\0' && is_in_group(gid)))
        finding_add(findings, "hidepid of /proc", &sees_all, "%s", hidepid);
    else
        finding_add(findings, "hidepid of /proc", &blind, "%s", hidepid);
}

void doctor_sight(const struct patient *patient, struct findings *findings)
{
    uint64_t scope;
    judge_hidepid(patient, findings);
    if (file_number(patient->root, "/proc/sys/kernel/yama/ptrace_scope", &scope))
        finding_add(findings, "ptrace_scope", &harmless, "%u", (unsigned)scope);
}
