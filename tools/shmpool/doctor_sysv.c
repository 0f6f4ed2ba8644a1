/* The limits of System V segments, which are the objects of sysv pools, against what is used. */
#include <inttypes.h>
#include <unistd.h>

#include "doctor.h"
#include "doctor_files.h"

#define NO_LIMIT (UINT64_C(1) << 62)

static const struct judgement no_sysv = {FINDING_NOTE, "This kernel has no sysv pools.",
                                         "use posix or memfd: SHMPOOL_BACKEND=memfd"};

static const struct judgement any_size = {FINDING_OK, "A sysv pool may be as large as memory.",
                                          NULL};
static const struct judgement size_limited = {
    FINDING_NOTE, "No sysv pool can be larger, less than the memory of this machine.",
    "sysctl -w kernel.shmmax=18446744073692774399"};

static const struct judgement room = {FINDING_OK, "All segments of the machine count together.",
                                      NULL};
static const struct judgement pages_full = {
    FINDING_WARNING, "Little is left for sysv pools: creation fails with ENOSPC.",
    "ipcs -m shows segments to remove; or sysctl -w kernel.shmall=PAGES"};
static const struct judgement segments_full = {
    FINDING_WARNING, "Few further sysv pools can be made: creation fails with ENOSPC.",
    "ipcs -m shows segments to remove; or sysctl -w kernel.shmmni=NUMBER"};

struct used {
    uint64_t segments;
    uint64_t pages;
};

static struct used read_used(const struct patient *patient, uint64_t page)
{
    struct used used = {0};
    char line[512];
    uint64_t size;
    FILE *file = file_open(patient->root, "/proc/sysvipc/shm");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "%*d %*d %*o %" SCNu64, &size) == 1) {
            used.segments++;
            used.pages += size / page + (size % page != 0);
        }
    if (file != NULL)
        fclose(file);
    return used;
}

static void judge_largest(const struct patient *patient, uint64_t most, struct findings *findings)
{
    uint64_t kilobytes = 0;
    file_number_of(patient->root, "/proc/meminfo", "MemTotal", &kilobytes);
    if (most >= NO_LIMIT)
        finding_add(findings, "kernel.shmmax", &any_size, "no limit");
    else
        finding_add(findings, "kernel.shmmax", most < kilobytes << 10 ? &size_limited : &any_size,
                    "%s", size_text(most).text);
}

static void judge_all(uint64_t pages, uint64_t page, uint64_t used, struct findings *findings)
{
    if (pages >= NO_LIMIT / page)
        finding_add(findings, "kernel.shmall", &room, "no limit, %s used",
                    size_text(used * page).text);
    else
        finding_add(findings, "kernel.shmall", is_nearly_all(used, pages) ? &pages_full : &room,
                    "%s, %s used", size_text(pages * page).text, size_text(used * page).text);
}

void doctor_sysv(const struct patient *patient, struct findings *findings)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t largest, pages, segments;
    if (!file_number(patient->root, "/proc/sys/kernel/shmmax", &largest) ||
        !file_number(patient->root, "/proc/sys/kernel/shmall", &pages) ||
        !file_number(patient->root, "/proc/sys/kernel/shmmni", &segments)) {
        finding_add(findings, "System V segments", &no_sysv, "not there");
        return;
    }
    struct used used = read_used(patient, page);
    judge_largest(patient, largest, findings);
    judge_all(pages, page, used.pages, findings);
    finding_add(findings, "kernel.shmmni",
                is_nearly_all(used.segments, segments) ? &segments_full : &room,
                "%" PRIu64 " of %" PRIu64 " segments", used.segments, segments);
}
