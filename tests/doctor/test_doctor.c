/* What doctor says of systems that look like all kinds of others. */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "support/lookalike.h"

static struct patient patient;
static struct findings findings;

static void set_up(void)
{
    patient = (struct patient){lookalike_begin(), 1000, "alice"};
}

static void tear_down(void)
{
    lookalike_end();
}

/* The finding of that name, of a subject that is examined alone; NULL: there is none. */
static const struct finding *find(subject *examine, const char *what)
{
    findings.n = 0;
    examine(&patient, &findings);
    for (size_t i = 0; i < findings.n; i++)
        if (strcmp(findings.all[i].what, what) == 0)
            return &findings.all[i];
    return NULL;
}

static void expect(subject *examine, const char *what, enum finding_state state, const char *value)
{
    const struct finding *finding = find(examine, what);
    ck_assert_msg(finding != NULL, "nothing on %s", what);
    ck_assert_str_eq(finding->value, value);
    ck_assert_int_eq(finding->state, state);
    ck_assert_int_eq(finding->remedy == NULL, state == FINDING_OK);
    ck_assert_ptr_nonnull(finding->meaning);
}

/* ---- /dev/shm ---- */

#define MIB (UINT64_C(1) << 20)

static void expect_folder(const struct shm_folder *folder, enum finding_state state,
                          const char *value)
{
    findings.n = 0;
    doctor_judge_shm_folder(folder, &findings);
    ck_assert_uint_eq(findings.n, 1);
    ck_assert_int_eq(findings.all[0].state, state);
    ck_assert_str_eq(findings.all[0].value, value);
}

START_TEST(a_folder_of_shared_memory_that_serves_is_fine)
{
    struct shm_folder folder = {true, true, true, true, 1024 * MIB, 512 * MIB};
    expect_folder(&folder, FINDING_OK, "1.0G, 512M free");
    folder.size = folder.free = 0;
    expect_folder(&folder, FINDING_OK, "no limit");
    folder.size = folder.free = 64 * MIB;
    expect_folder(&folder, FINDING_NOTE, "64M, 64M free");
}
END_TEST

START_TEST(a_folder_of_shared_memory_that_fails_pools_is_a_warning)
{
    const struct shm_folder good = {true, true, true, true, 1000 * MIB, 100 * MIB};
    struct shm_folder folder = good;
    expect_folder(&folder, FINDING_WARNING, "1.0G, 100M free");
    folder.free++;
    expect_folder(&folder, FINDING_OK, "1.0G, 100M free");
    folder.has_inodes = false;
    expect_folder(&folder, FINDING_WARNING, "1.0G, 100M free");
    folder = good;
    folder.free *= 2;
    folder.is_in_memory = false;
    expect_folder(&folder, FINDING_WARNING, "1.0G, 200M free");
    folder.is_in_memory = true;
    folder.is_writable = false;
    expect_folder(&folder, FINDING_WARNING, "1.0G, 200M free");
}
END_TEST

START_TEST(a_folder_of_shared_memory_may_be_missing)
{
    expect(doctor_shm_folder, "/dev/shm", FINDING_WARNING, "not there");
    patient.root = "";
    const struct finding *finding = find(doctor_shm_folder, "/dev/shm");
    ck_assert_int_eq(strcmp(finding->value, "not there") == 0, access("/dev/shm", F_OK) != 0);
}
END_TEST

/* ---- System V ---- */

static void sysv_limits(const char *largest, const char *pages, const char *segments)
{
    lookalike_file("/proc/meminfo", "MemTotal:  8388608 kB\n");
    lookalike_file("/proc/sys/kernel/shmmax", "%s\n", largest);
    lookalike_file("/proc/sys/kernel/shmall", "%s\n", pages);
    lookalike_file("/proc/sys/kernel/shmmni", "%s\n", segments);
}

START_TEST(segments_are_counted_against_their_limits)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    sysv_limits("18446744073692774399", "18446744073692774399", "10");
    expect(doctor_sysv, "kernel.shmmax", FINDING_OK, "no limit");
    expect(doctor_sysv, "kernel.shmall", FINDING_OK, "no limit, 0B used");
    expect(doctor_sysv, "kernel.shmmni", FINDING_OK, "0 of 10 segments");
    lookalike_file("/proc/sysvipc/shm",
                   "       key      shmid perms                  size  cpid  lpid nattch\n"
                   "         0          1  1600              %" PRIu64 " 19596 14062      0\n"
                   " 109366273          2   600                     1 19596 14062      0\n",
                   page * 8);
    sysv_limits("33554432", "10", "2");
    expect(doctor_sysv, "kernel.shmmax", FINDING_NOTE, "32M");
    expect(doctor_sysv, "kernel.shmmni", FINDING_WARNING, "2 of 2 segments");
    ck_assert_int_eq(find(doctor_sysv, "kernel.shmall")->state, FINDING_WARNING);
    sysv_limits("8589934592", "11", "3");
    expect(doctor_sysv, "kernel.shmmax", FINDING_OK, "8.0G");
    ck_assert_int_eq(find(doctor_sysv, "kernel.shmall")->state, FINDING_OK);
    expect(doctor_sysv, "kernel.shmmni", FINDING_OK, "2 of 3 segments");
}
END_TEST

START_TEST(a_kernel_may_lack_segments)
{
    expect(doctor_sysv, "System V segments", FINDING_NOTE, "not there");
    ck_assert_uint_eq(findings.n, 1);
}
END_TEST

/* ---- memory ---- */

START_TEST(overcommit_is_strict_or_not)
{
    lookalike_file("/proc/sys/vm/overcommit_memory", "0\n");
    expect(doctor_overcommit, "vm.overcommit_memory", FINDING_OK, "0, by estimate");
    lookalike_file("/proc/sys/vm/overcommit_memory", "1\n");
    expect(doctor_overcommit, "vm.overcommit_memory", FINDING_OK, "1, always");
    lookalike_file("/proc/sys/vm/overcommit_memory", "2\n");
    lookalike_file("/proc/meminfo", "CommitLimit:  1048576 kB\nCommitted_AS:  524288 kB\n");
    expect(doctor_overcommit, "vm.overcommit_memory", FINDING_OK,
           "2, never: 512M of 1.0G promised");
    lookalike_file("/proc/meminfo", "CommitLimit:  1048576 kB\nCommitted_AS:  1048570 kB\n");
    expect(doctor_overcommit, "vm.overcommit_memory", FINDING_WARNING,
           "2, never: 1.0G of 1.0G promised");
}
END_TEST

START_TEST(huge_pages_in_waiting_are_a_note)
{
    static const char enabled[] = "/sys/kernel/mm/transparent_hugepage/shmem_enabled";
    ck_assert_ptr_null(find(doctor_huge_pages, "huge pages"));
    lookalike_file("/proc/meminfo",
                   "HugePages_Total: 8\nHugePages_Free: 0\nHugepagesize: 2048 kB\n");
    expect(doctor_huge_pages, "huge pages", FINDING_OK, "8 of 2.0M, 0 free");
    lookalike_file("/proc/meminfo",
                   "HugePages_Total: 8\nHugePages_Free: 3\nHugepagesize: 2048 kB\n");
    expect(doctor_huge_pages, "huge pages", FINDING_NOTE, "8 of 2.0M, 3 free");
    lookalike_file(enabled, "always within_size advise [never] deny force\n");
    expect(doctor_huge_pages, "shmem_enabled", FINDING_OK, "never");
    lookalike_file(enabled, "[always] within_size advise never deny force\n");
    expect(doctor_huge_pages, "shmem_enabled", FINDING_NOTE, "always");
}
END_TEST

/* ---- control groups ---- */

START_TEST(the_tightest_group_above_counts)
{
    expect(doctor_cgroup, "cgroup memory", FINDING_OK, "no limit");
    lookalike_file("/proc/self/cgroup", "0::/a/b\n");
    lookalike_file("/sys/fs/cgroup/a/b/memory.max", "max\n");
    expect(doctor_cgroup, "cgroup memory", FINDING_OK, "no limit");
    lookalike_file("/sys/fs/cgroup/a/memory.max", "1048576\n");
    lookalike_file("/sys/fs/cgroup/a/memory.current", "1048576\n");
    expect(doctor_cgroup, "cgroup memory", FINDING_WARNING, "1.0M, 1.0M used");
    lookalike_file("/sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file 524288\n");
    expect(doctor_cgroup, "cgroup memory", FINDING_OK, "1.0M, 512K used");
    lookalike_file("/sys/fs/cgroup/a/b/memory.max", "524288\n");
    expect(doctor_cgroup, "cgroup memory", FINDING_OK, "512K, 0B used");
}
END_TEST

START_TEST(a_container_sees_its_own_group_as_the_top)
{
    lookalike_file("/proc/self/cgroup", "0::/docker/0123\n");
    lookalike_file("/sys/fs/cgroup/memory.max", "1048576\n");
    lookalike_file("/sys/fs/cgroup/memory.current", "4096\n");
    expect(doctor_cgroup, "cgroup memory", FINDING_OK, "1.0M, 4.0K used");
}
END_TEST

START_TEST(version_1_of_groups_is_read)
{
    lookalike_file("/proc/self/cgroup", "9:name=systemd:/x\n4:cpu,memory:/a\n0::/\n");
    lookalike_file("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    expect(doctor_cgroup, "cgroup memory", FINDING_OK, "no limit");
    lookalike_file("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1048576\n");
    lookalike_file("/sys/fs/cgroup/memory/a/memory.usage_in_bytes", "1048575\n");
    expect(doctor_cgroup, "cgroup memory", FINDING_WARNING, "1.0M, 1.0M used");
}
END_TEST

/* ---- limits of the process ---- */

START_TEST(limits_of_the_process_are_judged)
{
    static const char limits[] = "Limit                     Soft Limit           Hard Limit\n"
                                 "Max file size             %s            unlimited      bytes\n"
                                 "Max open files            %s            20000          files\n"
                                 "Max locked memory         65536         65536          bytes\n"
                                 "Max address space         %s            unlimited      bytes\n";
    lookalike_file("/proc/self/limits", limits, "unlimited", "256", "unlimited");
    expect(doctor_rlimits, "RLIMIT_FSIZE", FINDING_OK, "unlimited");
    expect(doctor_rlimits, "RLIMIT_NOFILE", FINDING_OK, "256");
    expect(doctor_rlimits, "RLIMIT_MEMLOCK", FINDING_OK, "64K");
    expect(doctor_rlimits, "RLIMIT_AS", FINDING_OK, "unlimited");
    lookalike_file("/proc/self/limits", limits, "1048576", "255", "1073741824");
    expect(doctor_rlimits, "RLIMIT_FSIZE", FINDING_WARNING, "1.0M");
    expect(doctor_rlimits, "RLIMIT_NOFILE", FINDING_WARNING, "255");
    expect(doctor_rlimits, "RLIMIT_AS", FINDING_WARNING, "1.0G");
}
END_TEST

/* ---- logind ---- */

START_TEST(objects_are_removed_at_logout_where_systemd_runs)
{
    expect(doctor_logind, "RemoveIPC", FINDING_OK, "no systemd here");
    lookalike_file("/run/systemd/system/empty", "%s", "");
    expect(doctor_logind, "RemoveIPC", FINDING_WARNING, "yes");
    patient.uid = 999;
    expect(doctor_logind, "RemoveIPC", FINDING_OK, "yes");
    patient.uid = 1000;
    lookalike_file("/var/lib/systemd/linger/alice", "%s", "");
    expect(doctor_logind, "RemoveIPC", FINDING_OK, "yes");
    patient.user = NULL;
    expect(doctor_logind, "RemoveIPC", FINDING_WARNING, "yes");
}
END_TEST

START_TEST(the_last_setting_of_logind_holds)
{
    lookalike_file("/run/systemd/system/empty", "%s", "");
    lookalike_file("/usr/lib/systemd/logind.conf", "[Login]\nRemoveIPC=no\n");
    expect(doctor_logind, "RemoveIPC", FINDING_OK, "no");
    lookalike_file("/etc/systemd/logind.conf", "[Login]\n#RemoveIPC=no\n");
    expect(doctor_logind, "RemoveIPC", FINDING_WARNING, "yes");
    lookalike_file("/usr/lib/systemd/logind.conf.d/50.conf", "[Login]\nRemoveIPC = off\n");
    expect(doctor_logind, "RemoveIPC", FINDING_OK, "no");
    lookalike_file("/etc/systemd/logind.conf.d/10.conf", "[Login]\nRemoveIPC=yes\n");
    expect(doctor_logind, "RemoveIPC", FINDING_OK, "no"); /* by name, not by folder */
    lookalike_file("/run/systemd/logind.conf.d/50.conf", "[Login]\nRemoveIPC=maybe\n");
    expect(doctor_logind, "RemoveIPC", FINDING_WARNING, "yes"); /* in place of the other 50.conf */
}
END_TEST

/* ---- sight ---- */

START_TEST(hidden_processes_blind_who_is_not_root)
{
    static const char mounts[] = "22 27 0:21 / /proc rw,relatime - proc proc rw%s\n"
                                 "23 27 0:21 / /srv/proc rw - proc proc rw,hidepid=invisible\n";
    expect(doctor_sight, "/proc", FINDING_WARNING, "not mounted");
    lookalike_file("/proc/self/mountinfo", mounts, "");
    expect(doctor_sight, "hidepid of /proc", FINDING_OK, "off");
    ck_assert_ptr_nonnull(
        strstr(find(doctor_sight, "hidepid of /proc")->meaning, "only root looks into"));
    lookalike_file("/proc/self/mountinfo", mounts, ",gid=4294967294,hidepid=invisible");
    expect(doctor_sight, "hidepid of /proc", FINDING_WARNING, "invisible");
    patient.uid = 0;
    expect(doctor_sight, "hidepid of /proc", FINDING_OK, "invisible");
    lookalike_file("/proc/self/mountinfo", mounts, "");
    ck_assert_ptr_null(
        strstr(find(doctor_sight, "hidepid of /proc")->meaning, "only root looks into"));
}
END_TEST

START_TEST(a_ptrace_scope_hides_nothing)
{
    ck_assert_ptr_null(find(doctor_sight, "ptrace_scope"));
    lookalike_file("/proc/sys/kernel/yama/ptrace_scope", "2\n");
    expect(doctor_sight, "ptrace_scope", FINDING_OK, "2");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("doctor");
    TCase *tcase = tcase_create("doctor");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_folder_of_shared_memory_that_serves_is_fine);
    tcase_add_test(tcase, a_folder_of_shared_memory_that_fails_pools_is_a_warning);
    tcase_add_test(tcase, a_folder_of_shared_memory_may_be_missing);
    tcase_add_test(tcase, segments_are_counted_against_their_limits);
    tcase_add_test(tcase, a_kernel_may_lack_segments);
    tcase_add_test(tcase, overcommit_is_strict_or_not);
    tcase_add_test(tcase, huge_pages_in_waiting_are_a_note);
    tcase_add_test(tcase, the_tightest_group_above_counts);
    tcase_add_test(tcase, a_container_sees_its_own_group_as_the_top);
    tcase_add_test(tcase, version_1_of_groups_is_read);
    tcase_add_test(tcase, limits_of_the_process_are_judged);
    tcase_add_test(tcase, objects_are_removed_at_logout_where_systemd_runs);
    tcase_add_test(tcase, the_last_setting_of_logind_holds);
    tcase_add_test(tcase, hidden_processes_blind_who_is_not_root);
    tcase_add_test(tcase, a_ptrace_scope_hides_nothing);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
