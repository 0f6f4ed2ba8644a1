/* Memory as the kernel gives it out: overcommit and huge pages. */
#include <inttypes.h>
#include <string.h>

#include "doctor.h"
#include "doctor_files.h"

/* ---- overcommit ---- */

static const struct judgement counted_late = {
    FINDING_OK,
    "Pages of pools are taken when they are first touched; SHMPOOL_COMMIT takes them at creation.",
    NULL};
static const struct judgement strict = {
    FINDING_OK, "Pages of pools count against this limit when they are first touched.", NULL};
static const struct judgement strict_and_full = {
    FINDING_WARNING, "Nearly all that the kernel may promise is promised: pools find no memory.",
    "sysctl -w vm.overcommit_memory=0, or a larger vm.overcommit_ratio, or more swap"};

static void judge_strict(const struct patient *patient, struct findings *findings)
{
    uint64_t limit = 0;
    uint64_t promised = 0;
    file_number_of(patient->root, "/proc/meminfo", "CommitLimit", &limit);
    file_number_of(patient->root, "/proc/meminfo", "Committed_AS", &promised);
    finding_add(findings, "vm.overcommit_memory",
                is_nearly_all(promised, limit) ? &strict_and_full : &strict,
                "2, never: %s of %s promised", size_text(promised << 10).text,
                size_text(limit << 10).text);
}

void doctor_overcommit(const struct patient *patient, struct findings *findings)
{
    uint64_t mode;
    if (!file_number(patient->root, "/proc/sys/vm/overcommit_memory", &mode))
        return;
    if (mode == 2)
        judge_strict(patient, findings);
    else
        finding_add(findings, "vm.overcommit_memory", &counted_late, "%s",
                    mode == 0 ? "0, by estimate" : "1, always");
}

/* ---- huge pages ---- */

static const struct judgement unreserved = {FINDING_OK, "Pools do not use them.", NULL};
static const struct judgement reserved = {
    FINDING_NOTE, "Pools do not use them: the memory that waits in them is not there for pools.",
    "sysctl -w vm.nr_hugepages=0, where no other program needs them"};

static const struct judgement by_page = {FINDING_OK, "sysv and memfd pools take memory by page.",
                                         NULL};
static const struct judgement by_huge_page = {
    FINDING_NOTE, "The first touch of a page may take a whole huge page of memory.",
    "echo never > /sys/kernel/mm/transparent_hugepage/shmem_enabled"};

static void judge_reserved(const struct patient *patient, struct findings *findings)
{
    uint64_t all, idle, kilobytes;
    if (!file_number_of(patient->root, "/proc/meminfo", "HugePages_Total", &all) ||
        !file_number_of(patient->root, "/proc/meminfo", "HugePages_Free", &idle) ||
        !file_number_of(patient->root, "/proc/meminfo", "Hugepagesize", &kilobytes))
        return;
    finding_add(findings, "huge pages", idle > 0 ? &reserved : &unreserved,
                "%" PRIu64 " of %s, %" PRIu64 " free", all, size_text(kilobytes << 10).text, idle);
}

/* The file lists all choices, with the one that holds in brackets. */
static void judge_transparent(const struct patient *patient, struct findings *findings)
{
    char line[128];
    if (!file_line(patient->root, "/sys/kernel/mm/transparent_hugepage/shmem_enabled", line,
                   sizeof line))
        return;
    const char *chosen = strchr(line, '[');
    if (chosen == NULL)
        return;
    size_t length = strcspn(++chosen, "]");
    bool is_huge = strncmp(chosen, "always", length) == 0 || strncmp(chosen, "force", length) == 0;
    finding_add(findings, "shmem_enabled", is_huge ? &by_huge_page : &by_page, "%.*s", (int)length,
                chosen);
}

void doctor_huge_pages(const struct patient *patient, struct findings *findings)
{
    judge_reserved(patient, findings);
    judge_transparent(patient, findings);
}
