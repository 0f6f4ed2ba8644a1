/* RemoveIPC of systemd-logind: whether the objects of a user are removed at the last logout.
 *
 * The value that holds is the last one of logind.conf and its drop-ins. Drop-ins are read in the
 * order of their names, whatever folder they are in; of two with one name that in the folder named
 * first below counts. Source: logind.conf(5). */
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "doctor.h"
#include "doctor_files.h"

static const char *const folders[] = {"/etc/systemd", "/run/systemd", "/usr/local/lib/systemd",
                                      "/usr/lib/systemd"};
enum { N_FOLDERS = sizeof folders / sizeof folders[0], FIRST_ORDINARY_UID = 1000 };

static const struct judgement absent = {FINDING_OK, "Nobody removes objects at logout.", NULL};
static const struct judgement switched_off = {FINDING_OK, "Pools outlive the logout of their user.",
                                              NULL};
static const struct judgement exempt = {
    FINDING_OK, "Pools of this user outlive its logout; those of ordinary users do not.", NULL};
static const struct judgement lingering = {
    FINDING_OK, "This user lingers: its pools outlive its logout.", NULL};
static const struct judgement removes = {
    FINDING_WARNING, "posix and sysv pools of this user are removed at its last logout.",
    "loginctl enable-linger, or RemoveIPC=no in /etc/systemd/logind.conf"};

/* ---- one file ---- */

/* 1 or 0 as systemd reads it, or -1. */
static int read_boolean(const char *text)
{
    static const char *const words[][2] = {{"0", "1"},        {"no", "yes"}, {"n", "y"},
                                           {"false", "true"}, {"f", "t"},    {"off", "on"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        for (int value = 0; value < 2; value++)
            if (strcasecmp(text, words[i][value]) == 0)
                return value;
    return -1;
}

static void read_conf(const char *path, int *removes_ipc)
{
    char line[512];
    char value[16];
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, " RemoveIPC = %15s", value) == 1 && read_boolean(value) >= 0)
            *removes_ipc = read_boolean(value);
    if (file != NULL)
        fclose(file);
}

/* ---- all files ---- */

struct drop_in {
    const char *path;
    const char *name;
    size_t rank; /* of its folder */
};

static int by_name_and_rank(const void *a, const void *b)
{
    const struct drop_in *left = a;
    const struct drop_in *right = b;
    int order = strcmp(left->name, right->name);
    return order != 0 ? order : (left->rank > right->rank) - (left->rank < right->rank);
}

static size_t rank_of(const char *path, const char *root)
{
    size_t rank = 0;
    while (rank + 1 < N_FOLDERS &&
           strncmp(path + strlen(root), folders[rank], strlen(folders[rank])) != 0)
        rank++;
    return rank;
}

static void read_sorted(const glob_t *found, const char *root, int *removes_ipc)
{
    struct drop_in *all = calloc(found->gl_pathc, sizeof *all);
    if (all == NULL)
        return;
    for (size_t i = 0; i < found->gl_pathc; i++) {
        const char *path = found->gl_pathv[i];
        all[i] = (struct drop_in){path, strrchr(path, '/') + 1, rank_of(path, root)};
    }
    qsort(all, found->gl_pathc, sizeof *all, by_name_and_rank);
    for (size_t i = 0; i < found->gl_pathc; i++)
        if (i == 0 || strcmp(all[i].name, all[i - 1].name) != 0)
            read_conf(all[i].path, removes_ipc);
    free(all);
}

static void read_drop_ins(const char *root, int *removes_ipc)
{
    glob_t found;
    for (size_t i = 0; i < N_FOLDERS; i++)
        glob(file_path(root, "%s/logind.conf.d/*.conf", folders[i]).text, i > 0 ? GLOB_APPEND : 0,
             NULL, &found);
    if (found.gl_pathc > 0)
        read_sorted(&found, root, removes_ipc);
    globfree(&found);
}

static bool does_remove(const char *root)
{
    int removes_ipc = 1;
    for (size_t i = 0; i < N_FOLDERS; i++) {
        struct path path = file_path(root, "%s/logind.conf", folders[i]);
        if (!file_is_there("", path.text))
            continue;
        read_conf(path.text, &removes_ipc);
        break;
    }
    read_drop_ins(root, &removes_ipc);
    return removes_ipc;
}

static bool lingers(const struct patient *patient)
{
    struct path path =
        file_path("/var/lib/systemd/linger", "/%s", patient->user != NULL ? patient->user : "");
    return patient->user != NULL && file_is_there(patient->root, path.text);
}

static const struct judgement *judge(const struct patient *patient)
{
    if (!does_remove(patient->root))
        return &switched_off;
    if (patient->uid < FIRST_ORDINARY_UID)
        return &exempt;
    return lingers(patient) ? &lingering : &removes;
}

void doctor_logind(const struct patient *patient, struct findings *findings)
{
    if (!file_is_there(patient->root, "/run/systemd/system"))
        finding_add(findings, "RemoveIPC", &absent, "no systemd here");
    else
        finding_add(findings, "RemoveIPC", judge(patient), "%s",
                    does_remove(patient->root) ? "yes" : "no");
}
