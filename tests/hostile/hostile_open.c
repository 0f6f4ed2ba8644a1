/* What an object may hold when somebody opens it by name: every damage of the tables, every field
 * of the header by itself, and what is no pool at all. Of the backends posix alone has objects that
 * anybody can write; what it looks at before the header is tested in tests/backend. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostile/crowd.h"
#include "hostile/mill.h"
#include "hostile/population.h"
#include "hostile/victim.h"
#include "support/child.h"
#include "support/leftover.h"
#include "support/proc.h"

enum { CALLS = 8 };

static struct victim victim;
static char *tables; /* the object's, mapped by the test itself */

static const struct layout *layout(void)
{
    victim_layout(&victim.layout);
    return &victim.layout;
}

static void path_of(char path[256], const char *name)
{
    snprintf(path, 256, "/dev/shm/shmpool.%s", name);
}

/* ---- the object ---- */

/* Makes the victim, released here; the tests write into the object by a mapping of their own. */
static void begin(void)
{
    char name[RUN_NAME_SIZE];
    char path[256];
    victim_make(&victim, run_name(name, "open"));
    path_of(path, name);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    CHILD_CHECK(fd >= 0);
    tables = mmap(NULL, victim.layout.pages_offset, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHILD_CHECK(tables != MAP_FAILED);
    close(fd);
    CHILD_CHECK(shmpool_release(victim.id) == 0);
}

static void end(void)
{
    victim_restore(&victim, tables);
    munmap(tables, victim.layout.pages_offset);
    victim.id = shmpool_open(victim.name, 0);
    CHILD_CHECK(victim.id > 0);
    victim_drop(&victim);
}

/* ---- the mill ---- */

/* Opens what is there, as sound as it is. Refused, it is untouched. */
static int try_open(unsigned flags)
{
    static char before[LAYOUT_HEADER_SIZE];
    memcpy(before, tables, sizeof before);
    victim_forget();
    int shared = proc_count_shared();
    shmpool_id id = shmpool_open(victim.name, flags);
    if (id > 0) {
        victim.id = id; /* another one where the damage made it another pool */
        return 1;
    }
    int code = errno;
    CHILD_CHECK(code == EUCLEAN || code == EADDRINUSE || code == ENOMEM);
    victim_check_refusal();
    CHILD_CHECK(memcmp(before, tables, sizeof before) == 0);
    CHILD_CHECK(proc_count_shared() == shared);
    errno = code;
    return 0;
}

/* A header whose address was damaged may name one that is free: then the pool lies there. */
static int is_where_it_was(void)
{
    return ((struct header_shm *)(void *)tables)->address == (uintptr_t)victim.base;
}

static void use(const struct damage *damage)
{
    struct random random = {damage->operations};
    for (unsigned call = 0; call < CALLS; call++) {
        damage_apply(damage, call + 1, &victim.layout, tables);
        victim_use(&victim, &random);
    }
    victim_check_marks(&victim);
}

static void meet(const struct damage *damage)
{
    victim_restore(&victim, tables);
    damage_apply(damage, 0, &victim.layout, tables);
    int stays = is_where_it_was();
    victim.readonly = damage->operations % 8 == 0;
    if (!try_open(victim.readonly ? SHMPOOL_RDONLY : 0))
        return;
    if (stays)
        use(damage);
    CHILD_CHECK(shmpool_release(victim.id) == 0);
}

static const struct mill open_mill = {"hostile-open", CALLS, begin, layout, meet, end};

START_TEST(what_was_found_once_does_no_harm)
{
    ck_assert_uint_eq(mill_replay(&open_mill, HOSTILE_CORPUS "/open.txt"), 0);
}
END_TEST

START_TEST(damage_before_open_neither_crashes_nor_hangs_nor_escapes)
{
    ck_assert_uint_eq(mill_run(&open_mill, random_seed(), 0, 2000), 0);
}
END_TEST

/* ---- the header, field by field ---- */

static int refusal;
static const char *sentence;

/* The damaged pool is refused with that errno and sentence, for reading too, and is sound again
 * with the bytes back. */
static void ck_header_refused(void)
{
    for (unsigned flags = 0; flags <= SHMPOOL_RDONLY; flags += SHMPOOL_RDONLY) {
        ck_assert(!try_open(flags));
        ck_assert_msg(errno == refusal, "errno %d: %s", errno, shmpool_errmsg());
        ck_assert_msg(strstr(shmpool_errmsg(), sentence) != NULL, "\"%s\" is not in: %s", sentence,
                      shmpool_errmsg());
    }
    victim_restore(&victim, tables);
    ck_assert_int_eq(shmpool_open(victim.name, 0), victim.id);
    ck_assert_int_eq(shmpool_check(victim.id, stderr), 0);
    ck_assert_int_eq(shmpool_release(victim.id), 0);
    victim_restore(&victim, tables);
}

static void ck_value_refused(size_t offset, size_t size, uint64_t value)
{
    const uint32_t half = (uint32_t)value;
    memcpy(tables + offset, size == sizeof half ? (const void *)&half : &value, size);
    ck_header_refused();
}

static uint64_t field_of(size_t offset, size_t size)
{
    uint64_t whole;
    uint32_t half;
    if (size == sizeof half) {
        memcpy(&half, tables + offset, sizeof half);
        return half;
    }
    memcpy(&whole, tables + offset, sizeof whole);
    return whole;
}

#define FIELD(name) offsetof(struct header_shm, name), sizeof(((struct header_shm *)0)->name)

/* A field for which no value but its own is sound. */
static const struct fixed {
    size_t offset;
    size_t size;
    const char *sentence;
} fixed[] = {
    {FIELD(magic), "does not begin as a pool does"},
    {FIELD(version), "layout version"},
    {FIELD(stamp), "layout version"},
    {FIELD(mapping_size), "tables do not lie"},
    {FIELD(domains_offset), "tables do not lie"},
    {FIELD(rows_offset), "tables do not lie"},
    {FIELD(slots_offset), "tables do not lie"},
    {FIELD(words_offset), "tables do not lie"},
    {FIELD(hints_offset), "tables do not lie"},
    {FIELD(tags_offset), "tables do not lie"},
    {FIELD(used_offset), "tables do not lie"},
    {FIELD(pages_offset), "tables do not lie"},
    {FIELD(n_rows), "tables do not lie"},
};

START_TEST(a_fixed_field_has_one_sound_value)
{
    const struct fixed *field = &fixed[_i];
    begin();
    const uint64_t own = field_of(field->offset, field->size);
    const uint64_t values[] = {0, 1, own + 1, own - 1, own << 1, ~own, UINT64_MAX, own ^ 0x1000};
    refusal = EUCLEAN;
    sentence = field->sentence;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (field->size == 8 ? values[i] != own : (uint32_t)values[i] != own)
            ck_value_refused(field->offset, field->size, values[i]);
    end();
}
END_TEST

START_TEST(the_version_that_is_there_is_told)
{
    begin();
    refusal = EUCLEAN;
    sentence = "is of layout version 2, and this library knows version 1";
    ck_value_refused(FIELD(version), 2);
    end();
}
END_TEST

START_TEST(an_impossible_geometry_is_refused)
{
    static const uint64_t page_sizes[] = {0,       1,       4095,    4097, 8191,
                                          1 << 21, 3 << 12, 1 << 11, 2,    UINT64_MAX};
    static const uint64_t counts[] = {0, UINT64_MAX, UINT64_MAX / 4096, UINT64_C(1) << 33,
                                      UINT64_C(1) << 52};
    begin();
    refusal = EUCLEAN;
    sentence = "page size or page count";
    for (size_t i = 0; i < sizeof page_sizes / sizeof page_sizes[0]; i++)
        ck_value_refused(FIELD(page_size), page_sizes[i]);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        ck_value_refused(FIELD(max_pages), counts[i]);
    sentence = "tables do not lie";
    ck_value_refused(FIELD(page_size), victim.layout.page_size * 2);
    ck_value_refused(FIELD(max_pages), POPULATION_MAX_PAGES + 1);
    ck_value_refused(FIELD(max_pages), POPULATION_MAX_PAGES - 1);
    end();
}
END_TEST

START_TEST(a_page_count_is_met_by_the_object)
{
    begin();
    refusal = EUCLEAN;
    sentence = "page count is out of bounds";
    ck_value_refused(FIELD(limit), 0);
    ck_value_refused(FIELD(limit), POPULATION_MAX_PAGES + 1);
    ck_value_refused(FIELD(limit), UINT64_MAX);
    sentence = "shorter than its page count";
    ck_value_refused(FIELD(limit), POPULATION_PAGES + 1);
    ck_value_refused(FIELD(limit), POPULATION_MAX_PAGES);
    end();
}
END_TEST

static void lay_out_for(struct header_shm *header, uint64_t page_size)
{
    struct layout other;
    ck_assert_int_eq(layout_compute(&other, page_size, POPULATION_MAX_PAGES / 16), 0);
    layout_write(&other, header);
    atomic_store(&header->limit, 1);
}

START_TEST(a_pool_of_another_page_size_is_refused)
{
    begin();
    refusal = EUCLEAN;
    sentence = "another page size";
    lay_out_for((struct header_shm *)(void *)tables, victim.layout.page_size * 4);
    ck_header_refused();
    end();
}
END_TEST

START_TEST(an_address_where_nothing_can_be_is_refused)
{
    static const uint64_t impossible[] = {
        0, 1, 4095, 0x200000000001, (UINT64_C(1) << 56) + 4096, UINT64_MAX};
    begin();
    refusal = EUCLEAN;
    sentence = "address is impossible";
    for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++)
        ck_value_refused(FIELD(address), impossible[i]);
    ck_value_refused(FIELD(address), UINT64_MAX - victim.layout.page_size + 1);
    /* Beyond user space, whatever its size. */
    refusal = ENOMEM;
    sentence = "cannot be mapped";
    ck_value_refused(FIELD(address), UINT64_C(1) << 56);
    end();
}
END_TEST

/* The address of something that this process has: it stays, and is named. */
START_TEST(an_address_that_is_occupied_is_told)
{
    char on_stack = 7;
    const uintptr_t pages = ~(uintptr_t)(sysconf(_SC_PAGESIZE) - 1);
    begin();
    refusal = EADDRINUSE;
    sentence = "[stack]";
    ck_value_refused(FIELD(address), (uintptr_t)&on_stack & pages);
    sentence = "is occupied in this process";
    ck_value_refused(FIELD(address), (uintptr_t)&victim & pages);
    ck_value_refused(FIELD(address), (uintptr_t)path_of & pages);
    ck_value_refused(FIELD(address), (uintptr_t)tables);
    ck_value_refused(FIELD(address), (uintptr_t)tables - victim.layout.page_size);
    ck_assert_int_eq(on_stack, 7);
    end();
}
END_TEST

/* ---- what has the name and is no pool ---- */

static void squat_fifo(const char *path)
{
    ck_assert_int_eq(mkfifo(path, 0666), 0);
}

static void squat_link_to_a_pool(const char *path)
{
    char target[256];
    path_of(target, victim.name);
    ck_assert_int_eq(symlink(target, path), 0);
}

static void squat_link_to_nothing(const char *path)
{
    ck_assert_int_eq(symlink("/dev/shm/shmpool.nothing.is.here", path), 0);
}

static void squat_folder(const char *path)
{
    ck_assert_int_eq(mkdir(path, 0777), 0);
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

static void squat_empty(const char *path)
{
    write_file(path, "", 0);
}

static void squat_short(const char *path)
{
    write_file(path, "shmpool", 8);
}

static void squat_foreign(const char *path)
{
    static const char text[16384] = "somebody else's bytes";
    write_file(path, text, sizeof text);
}

static void squat_noise(const char *path)
{
    static uint64_t noise[8192];
    struct random random = {random_seed()};
    for (size_t i = 0; i < sizeof noise / sizeof noise[0]; i++)
        noise[i] = random_next(&random);
    write_file(path, noise, sizeof noise);
}

/* The first page of a pool and nothing behind it. */
static void squat_cut_off(const char *path)
{
    write_file(path, victim.image, victim.layout.page_size);
}

static const struct squat {
    const char *what;
    void (*make)(const char *path);
    const char *open; /* a part of the sentence */
    int unlink_errno; /* 0: unlink_name removes it, for it begins as a pool does */
} squats[] = {
    {"fifo", squat_fifo, "is not a pool", ENOENT},
    {"link-to-pool", squat_link_to_a_pool, "is not a pool", ENOENT},
    {"link-to-nothing", squat_link_to_nothing, "is not a pool", ENOENT},
    {"folder", squat_folder, "is not a pool", ENOENT},
    {"empty", squat_empty, "is not a pool", ENOENT},
    {"short", squat_short, "is not a pool", ENOENT},
    {"foreign", squat_foreign, "is not a sound pool", ENOENT},
    {"noise", squat_noise, "is not a sound pool", ENOENT},
    {"cut-off", squat_cut_off, "is not a sound pool", 0},
};

enum { N_SQUATS = sizeof squats / sizeof squats[0] };

static void ck_says_of(const char *text, const char *name)
{
    ck_assert_msg(strstr(shmpool_errmsg(), text) != NULL && strstr(shmpool_errmsg(), name) != NULL,
                  "\"%s\" of %s is not in: %s", text, name, shmpool_errmsg());
}

static void ck_cannot_be_opened(const struct squat *squat, const char *name)
{
    for (unsigned flags = 0; flags <= SHMPOOL_RDONLY; flags += SHMPOOL_RDONLY) {
        errno = 0;
        ck_assert_int_eq(shmpool_open(name, flags), -1);
        ck_assert_int_eq(errno, EUCLEAN);
        ck_says_of(squat->open, name);
    }
}

static void ck_name_stays_taken(const char *name)
{
    const struct shmpool_options options = {.name = name};
    errno = 0;
    ck_assert_int_eq(shmpool_create(1, &options), -1);
    ck_assert_int_eq(errno, EEXIST);
    ck_says_of("taken", name);
}

START_TEST(a_squatter_is_refused_and_left_alone)
{
    const struct squat *squat = &squats[_i];
    char name[RUN_NAME_SIZE], path[256];
    struct stat before, after;
    begin();
    path_of(path, run_name(name, squat->what));
    squat->make(path);
    ck_assert_int_eq(lstat(path, &before), 0);
    ck_cannot_be_opened(squat, name);
    ck_name_stays_taken(name);
    ck_assert_int_eq(lstat(path, &after), 0);
    ck_assert(before.st_ino == after.st_ino && before.st_mode == after.st_mode &&
              before.st_size == after.st_size && before.st_mtime == after.st_mtime);
    errno = 0;
    ck_assert_int_eq(shmpool_unlink_name(name), squat->unlink_errno == 0 ? 0 : -1);
    ck_assert(squat->unlink_errno == 0 || errno == squat->unlink_errno);
    ck_assert_int_eq(remove(path), squat->unlink_errno == 0 ? -1 : 0);
    end();
}
END_TEST

/* ---- another user's ---- */

enum { STRANGER = 65534 };

static int meets_strange_pools(void *name)
{
    const struct shmpool_options options = {.name = name};
    CHILD_CHECK(shmpool_open(name, 0) == -1 && errno == EACCES);
    CHILD_CHECK(strstr(shmpool_errmsg(), name) != NULL);
    CHILD_CHECK(shmpool_open(name, SHMPOOL_RDONLY) == -1 && errno == EACCES);
    CHILD_CHECK(shmpool_unlink_name(name) == -1 && errno == EACCES);
    CHILD_CHECK(shmpool_create(1, &options) == -1 && errno == EEXIST);
    return 0;
}

/* Closed to others, and open to everybody: a pool holds pointers, so its owner decides. */
START_TEST(another_users_pool_is_refused)
{
    char name[RUN_NAME_SIZE], path[256];
    const struct shmpool_options options = {.name = run_name(name, "strange")};
    shmpool_id pool = shmpool_create(1, &options);
    ck_assert_int_gt(pool, 0);
    path_of(path, name);
    ck_child_ok_as(STRANGER, STRANGER, meets_strange_pools, name);
    ck_assert_int_eq(chmod(path, 0666), 0);
    ck_child_ok_as(STRANGER, STRANGER, meets_strange_pools, name);
    ck_assert_int_eq(shmpool_check(pool, stderr), 0);
    ck_assert_int_eq(shmpool_unlink(pool), 0);
    ck_assert_int_eq(shmpool_release(pool), 0);
}
END_TEST

/* ---- the program ---- */

static Suite *hostile_suite(void)
{
    Suite *suite = suite_create("hostile-open");
    TCase *tcase = tcase_create("open");
    tcase_add_checked_fixture(tcase, leftover_setup, leftover_teardown);
    tcase_add_loop_test(tcase, a_fixed_field_has_one_sound_value, 0,
                        sizeof fixed / sizeof fixed[0]);
    tcase_add_test(tcase, the_version_that_is_there_is_told);
    tcase_add_test(tcase, an_impossible_geometry_is_refused);
    tcase_add_test(tcase, a_page_count_is_met_by_the_object);
    tcase_add_test(tcase, a_pool_of_another_page_size_is_refused);
    tcase_add_test(tcase, an_address_where_nothing_can_be_is_refused);
    tcase_add_test(tcase, an_address_that_is_occupied_is_told);
    tcase_add_loop_test(tcase, a_squatter_is_refused_and_left_alone, 0, N_SQUATS);
    /* An ordinary user cannot make another one's file: the check itself is tested on modes and
     * groups in tests/backend. */
    if (child_can_be_others())
        tcase_add_test(tcase, another_users_pool_is_refused);
    tcase_add_test(tcase, what_was_found_once_does_no_harm);
    tcase_add_test(tcase, damage_before_open_neither_crashes_nor_hangs_nor_escapes);
    suite_add_tcase(suite, tcase);
    suite_add_tcase(suite, crowd_case());
    return suite;
}

int main(int argc, char **argv)
{
    run_id();
    int status = mill_main(&open_mill, argc, argv);
    if (status >= 0)
        return leftover_sweep() + status;
    random_seed();
    SRunner *runner = srunner_create(hostile_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return leftover_sweep() + failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
