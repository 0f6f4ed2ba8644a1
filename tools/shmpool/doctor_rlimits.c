/* The limits of this process, which programs started like it have too. */
#include <string.h>

#include "doctor.h"
#include "doctor_files.h"

/* A limit is wide enough from some value on. */
struct rlimit_row {
    const char *key; /* in /proc/self/limits */
    const char *what;
    uint64_t enough;
    bool is_size;
    struct judgement when_enough;
    struct judgement when_not;
};

static const struct rlimit_row rows[] = {
    {"Max file size",
     "RLIMIT_FSIZE",
     UINT64_MAX,
     true,
     {FINDING_OK, "Pools may have any size.", NULL},
     {FINDING_WARNING, "No posix or memfd pool can be larger, its tables included.",
      "ulimit -f unlimited"}},
    {"Max address space",
     "RLIMIT_AS",
     UINT64_MAX,
     true,
     {FINDING_OK, "Any number of pools may be mapped.", NULL},
     {FINDING_WARNING,
      "All pools that a process has mapped must fit in it beside the program, each with the size "
      "that it may grow to.",
      "ulimit -v unlimited"}},
    {"Max open files",
     "RLIMIT_NOFILE",
     256,
     false,
     {FINDING_OK, "A posix or memfd pool keeps two descriptors, numbered above 100.", NULL},
     {FINDING_WARNING, "Few pools fit: a posix or memfd pool keeps two descriptors.",
      "ulimit -n 1024"}},
    {"Max locked memory",
     "RLIMIT_MEMLOCK",
     0,
     true,
     {FINDING_OK, "Pools lock no memory.", NULL},
     {FINDING_OK, "Pools lock no memory.", NULL}},
};

/* The soft limit: the first word behind the key. */
static bool read_soft(const char *line, const char *key, uint64_t *soft)
{
    size_t length = strlen(key);
    char word[24];
    unsigned long long number = 0;
    if (strncmp(line, key, length) != 0 || sscanf(line + length, "%23s", word) != 1)
        return false;
    bool is_unlimited = strcmp(word, "unlimited") == 0;
    if (!is_unlimited && sscanf(word, "%llu", &number) != 1)
        return false;
    *soft = is_unlimited ? UINT64_MAX : number;
    return true;
}

static void judge(const struct rlimit_row *row, uint64_t soft, struct findings *findings)
{
    const struct judgement *judgement = soft >= row->enough ? &row->when_enough : &row->when_not;
    if (soft == UINT64_MAX)
        finding_add(findings, row->what, judgement, "unlimited");
    else if (row->is_size)
        finding_add(findings, row->what, judgement, "%s", size_text(soft).text);
    else
        finding_add(findings, row->what, judgement, "%llu", (unsigned long long)soft);
}

void doctor_rlimits(const struct patient *patient, struct findings *findings)
{
    char line[256];
    uint64_t soft;
    FILE *file = file_open(patient->root, "/proc/self/limits");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
            if (read_soft(line, rows[i].key, &soft))
                judge(&rows[i], soft, findings);
    if (file != NULL)
        fclose(file);
}
