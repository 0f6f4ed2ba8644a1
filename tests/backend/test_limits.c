/* What the library reads of memory limits: on folders that look like /proc and /sys/fs/cgroup. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "backend/limits.h"
#include "support/lookalike.h"

static const char *root;

#define MIB (UINT64_C(1) << 20)

static struct limits limits_here(void)
{
    struct limits limits;
    limits_read(&limits, root);
    return limits;
}

/* 1000 MiB, of which 600 can be had, and 100 MiB of swap space, of which 50 are free. */
static void set_up(void)
{
    root = lookalike_begin();
    lookalike_file("/proc/meminfo",
                   "MemTotal: 1024000 kB\nMemFree: 1 kB\nMemAvailable:     614400 kB\n"
                   "Cached: 5 kB\nSwapCached: 7 kB\nSwapTotal: 102400 kB\n"
                   "SwapFree: 51200 kB\n");
    lookalike_file("/proc/self/cgroup", "0::/\n");
    lookalike_file("/proc/self/mountinfo", "22 1 0:20 / /proc rw - proc proc rw\n");
}

static void tear_down(void)
{
    lookalike_end();
}

static void mount_version2(const char *top)
{
    lookalike_file(
        "/proc/self/mountinfo",
        "22 1 0:20 / /proc rw - proc proc rw\n"
        "30 22 0:26 %s /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n",
        top);
}

static void version2(const char *folder, const char *limit, uint64_t usage, uint64_t droppable)
{
    char name[256];
    snprintf(name, sizeof name, "/sys/fs/cgroup%s/memory.max", folder);
    lookalike_file(name, "%s\n", limit);
    snprintf(name, sizeof name, "/sys/fs/cgroup%s/memory.current", folder);
    lookalike_file(name, "%llu\n", (unsigned long long)usage);
    snprintf(name, sizeof name, "/sys/fs/cgroup%s/memory.stat", folder);
    lookalike_file(name, "anon 5\nfile 6\ninactive_file %llu\nactive_file 0\nslab_reclaimable 0\n",
                   (unsigned long long)droppable);
    snprintf(name, sizeof name, "/sys/fs/cgroup%s/memory.swap.max", folder);
    lookalike_file(name, "0\n");
    snprintf(name, sizeof name, "/sys/fs/cgroup%s/memory.swap.current", folder);
    lookalike_file(name, "0\n");
}

#define ck_limits(expected_most, expected_left, expected_cgroup)                                   \
    do {                                                                                           \
        struct limits limits = limits_here();                                                      \
        ck_assert_uint_eq(limits.most, expected_most);                                             \
        ck_assert_uint_eq(limits.left, expected_left);                                             \
        ck_assert_str_eq(limits.cgroup, expected_cgroup);                                          \
        ck_assert(!limits.unknown);                                                                \
    } while (0)

#define MACHINE_MOST (1100 * MIB)
#define MACHINE_LEFT (650 * MIB)

START_TEST(without_a_cgroup_the_machine_is_the_limit)
{
    mount_version2("/");
    lookalike_file("/sys/fs/cgroup/cgroup.procs", "1\n");
    ck_limits(MACHINE_MOST, MACHINE_LEFT, "");
    lookalike_file("/proc/self/cgroup", "%s", "");
    ck_limits(MACHINE_MOST, MACHINE_LEFT, "");
}
END_TEST

START_TEST(the_tightest_cgroup_up_to_the_root_counts)
{
    mount_version2("/");
    lookalike_file("/proc/self/cgroup", "0::/a/b/c\n");
    version2("/a/b/c", "max", 90 * MIB, 0);
    version2("/a/b", "209715200", 100 * MIB, 30 * MIB);
    version2("/a", "314572800", 100 * MIB, 0);
    ck_limits(200 * MIB, 130 * MIB, "/sys/fs/cgroup/a/b");
    version2("/a", "314572800", 299 * MIB, 0);
    ck_limits(300 * MIB, 1 * MIB, "/sys/fs/cgroup/a");
    version2("/a/b/c", "1048576", 3 * MIB, 0);
    ck_limits(1 * MIB, 0, "/sys/fs/cgroup/a/b/c");
}
END_TEST

START_TEST(a_wide_cgroup_leaves_the_machine_as_the_limit)
{
    mount_version2("/");
    lookalike_file("/proc/self/cgroup", "0::/a\n");
    version2("/a", "1073741824000", 0, 0);
    ck_limits(MACHINE_MOST, MACHINE_LEFT, "");
}
END_TEST

START_TEST(swap_space_counts_as_far_as_it_is_allowed)
{
    mount_version2("/");
    lookalike_file("/proc/self/cgroup", "0::/a\n");
    version2("/a", "104857600", 40 * MIB, 0);
    lookalike_file("/sys/fs/cgroup/a/memory.swap.max", "%llu\n", (unsigned long long)(30 * MIB));
    lookalike_file("/sys/fs/cgroup/a/memory.swap.current", "%llu\n",
                   (unsigned long long)(10 * MIB));
    ck_limits(100 * MIB, 80 * MIB, "/sys/fs/cgroup/a");
    lookalike_file("/sys/fs/cgroup/a/memory.swap.max", "max\n");
    ck_limits(100 * MIB, 110 * MIB, "/sys/fs/cgroup/a");
}
END_TEST

/* The container's own cgroup stands at the mount point, its path is of the world outside. */
START_TEST(in_a_container_the_cgroup_that_is_mounted_counts)
{
    version2("", "104857600", 40 * MIB, 0);
    lookalike_file("/proc/self/cgroup", "0::/docker/0123\n");
    mount_version2("/docker/0123");
    ck_limits(100 * MIB, 60 * MIB, "/sys/fs/cgroup");
    mount_version2("/../../docker/0123");
    ck_assert_uint_eq(limits_here().left, 60 * MIB);
    lookalike_file("/proc/self/cgroup", "0::/docker/0123/inner\n");
    mount_version2("/docker/0123");
    version2("/inner", "52428800", 40 * MIB, 0);
    ck_limits(50 * MIB, 10 * MIB, "/sys/fs/cgroup/inner");
}
END_TEST

START_TEST(version_1_is_read_where_it_has_the_memory)
{
    lookalike_file("/proc/self/cgroup", "9:name=systemd:/x\n4:cpu,memory:/a/b\n0::/elsewhere\n");
    lookalike_file("/proc/self/mountinfo",
                   "30 22 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
                   "31 22 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
                   "32 22 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,cpu,memory\n");
    lookalike_file("/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
    lookalike_file("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "104857600\n");
    lookalike_file("/sys/fs/cgroup/memory/a/memory.usage_in_bytes", "83886080\n");
    lookalike_file("/sys/fs/cgroup/memory/a/memory.stat",
                   "active_file 1048576\ntotal_inactive_file 4194304\ntotal_active_file 1048576\n");
    ck_limits(100 * MIB, 75 * MIB, "/sys/fs/cgroup/memory/a");
    lookalike_file("/sys/fs/cgroup/memory/a/memory.memsw.limit_in_bytes", "104857600\n");
    lookalike_file("/sys/fs/cgroup/memory/a/memory.memsw.usage_in_bytes", "94371840\n");
    ck_limits(100 * MIB, 15 * MIB, "/sys/fs/cgroup/memory/a");
}
END_TEST

START_TEST(a_cgroup_that_ends_as_a_whole_is_told)
{
    mount_version2("/");
    lookalike_file("/proc/self/cgroup", "0::/a/b\n");
    version2("/a/b", "max", 0, 0);
    version2("/a", "max", 0, 0);
    lookalike_file("/sys/fs/cgroup/a/b/memory.oom.group", "0\n");
    ck_assert(!limits_here().ends_all);
    lookalike_file("/sys/fs/cgroup/a/memory.oom.group", "1\n");
    ck_assert(limits_here().ends_all);
}
END_TEST

START_TEST(what_cannot_be_read_is_told)
{
    ck_assert(limits_here().unknown); /* no hierarchy is mounted */
    mount_version2("/");
    lookalike_file("/proc/self/cgroup", "0::/a\n");
    ck_assert(limits_here().unknown); /* and here not the cgroup */
    version2("/a", "104857600", 0, 0);
    ck_assert(!limits_here().unknown);
    lookalike_remove("/sys/fs/cgroup/a/memory.current");
    ck_assert(limits_here().unknown);
    version2("/a", "104857600", 0, 0);
    lookalike_remove("/proc/self/mountinfo");
    ck_assert(limits_here().unknown);
    mount_version2("/");
    lookalike_remove("/proc/self/cgroup");
    ck_assert(limits_here().unknown);
    lookalike_file("/proc/self/cgroup", "0::/a\n");
    lookalike_remove("/proc/meminfo");
    ck_assert(limits_here().unknown);
    ck_assert_uint_eq(limits_here().left, 100 * MIB);
}
END_TEST

START_TEST(a_want_of_descriptors_is_told)
{
    struct rlimit before;
    int lowest = dup(STDIN_FILENO);
    close(lowest);
    mount_version2("/");
    lookalike_file("/proc/self/cgroup", "0::/a\n");
    version2("/a", "104857600", 0, 0);
    ck_assert_int_eq(limits_here().shortage, 0);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit none = {(rlim_t)lowest, before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct limits limits = limits_here();
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(limits.shortage, EMFILE);
    ck_assert_int_eq(limits_here().shortage, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("limits");
    TCase *tcase = tcase_create("limits");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, without_a_cgroup_the_machine_is_the_limit);
    tcase_add_test(tcase, the_tightest_cgroup_up_to_the_root_counts);
    tcase_add_test(tcase, a_wide_cgroup_leaves_the_machine_as_the_limit);
    tcase_add_test(tcase, swap_space_counts_as_far_as_it_is_allowed);
    tcase_add_test(tcase, in_a_container_the_cgroup_that_is_mounted_counts);
    tcase_add_test(tcase, version_1_is_read_where_it_has_the_memory);
    tcase_add_test(tcase, a_cgroup_that_ends_as_a_whole_is_told);
    tcase_add_test(tcase, what_cannot_be_read_is_told);
    tcase_add_test(tcase, a_want_of_descriptors_is_told);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
