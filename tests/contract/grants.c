/* Grants: a worker has exactly the pools it was started with, by the kernel's word. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "contract/contract.h"

enum { N_POOLS = 4 };

struct pool_set {
    shmpool_id pool[N_POOLS];
    struct proc_object object[N_POOLS];
    char *block[N_POOLS];
    const char *right; /* of each pool what the worker is to have: '-', 'r' or 'w' */
};

static struct pool_set set_new(void)
{
    struct pool_set set = {.right = ""};
    for (int i = 0; i < N_POOLS; i++) {
        set.pool[i] = pool_new(10);
        set.object[i] = pool_object(set.pool[i]);
        set.block[i] = shmpool_alloc(set.pool[i], page());
        ck_assert_ptr_nonnull(set.block[i]);
        *set.block[i] = (char)('a' + i);
    }
    return set;
}

static void set_drop(const struct pool_set *set)
{
    for (int i = 0; i < N_POOLS; i++)
        pool_drop(set->pool[i]);
}

static void has_nothing(const struct pool_set *set, int i)
{
    CHILD_CHECK(proc_count_mappings(set->object[i], NULL) == 0);
    CHILD_CHECK(proc_descriptors_of(set->object[i], NULL, 0) == 0);
    CHILD_CHECK(!proc_mapping_at(set->block[i], &(struct proc_mapping){0}));
    CHILD_FAILS_NULL(shmpool_alloc(set->pool[i], 1), EACCES);
    CHILD_FAILS(shmpool_of(set->block[i]), ENOENT);
}

static void can_read(const struct pool_set *set, int i)
{
    CHILD_CHECK(*set->block[i] == 'a' + i);
    CHILD_CHECK(shmpool_of(set->block[i]) == set->pool[i]);
    CHILD_CHECK(shmpool_size_at(set->pool[i], set->block[i]) == (ssize_t)page());
}

static void has_reading_only(const struct pool_set *set, int i)
{
    int fds[8] = {-1};
    int n_fds = proc_descriptors_of(set->object[i], fds, 8);
    CHILD_CHECK(n_fds <= 8);
    for (int f = 0; f < n_fds; f++)
        CHILD_CHECK((fcntl(fds[f], F_GETFL) & O_ACCMODE) == O_RDONLY);
    CHILD_CHECK(proc_count_mappings(set->object[i], "r--s") > 0);
    CHILD_CHECK(proc_count_mappings(set->object[i], "r--s") ==
                proc_count_mappings(set->object[i], NULL));
    CHILD_FAILS_NULL(shmpool_alloc(set->pool[i], 1), EROFS);
    can_read(set, i);
}

static void has_full_use(const struct pool_set *set, int i)
{
    CHILD_CHECK(proc_count_mappings(set->object[i], "rw-s") > 0);
    char *block = shmpool_alloc(set->pool[i], pages(2));
    CHILD_CHECK(block != NULL);
    block[pages(2) - 1] = 1;
    CHILD_CHECK(shmpool_free(set->pool[i], block) == 0);
    can_read(set, i);
}

static int has_exactly_its_rights(void *arg)
{
    const struct pool_set *set = arg;
    for (int i = 0; i < N_POOLS; i++) {
        if (set->right[i] == '-')
            has_nothing(set, i);
        else if (set->right[i] == 'r')
            has_reading_only(set, i);
        else
            has_full_use(set, i);
    }
    return 0;
}

/* The list that gives the rights, in this order or backwards. */
static size_t list_of(const struct pool_set *set, bool backwards, struct shmpool_grant *list)
{
    size_t n = 0;
    for (int k = 0; k < N_POOLS; k++) {
        int i = backwards ? N_POOLS - 1 - k : k;
        if (set->right[i] != '-')
            list[n++] =
                (struct shmpool_grant){set->pool[i], set->right[i] == 'r' ? SHMPOOL_RDONLY : 0};
    }
    return n;
}

static const char *const all_rights[] = {"w---", "-w--", "---w", "r---", "--r-", "wwww",
                                         "rrrr", "w-r-", "-rw-", "wr-r", "r-ww", "-rrw"};

enum { N_RIGHTS = sizeof all_rights / sizeof all_rights[0] };

START_TEST(a_worker_has_exactly_what_the_list_says)
{
    struct shmpool_grant list[N_POOLS];
    struct pool_set set = set_new();
    set.right = all_rights[_i];
    for (int backwards = 0; backwards < 2; backwards++) {
        size_t n = list_of(&set, backwards, list);
        struct shmpool_start_options options = {.inherit = list, .n_inherit = n};
        ck_worker_ok(has_exactly_its_rights, &set, &options);
    }
    set.right = "wwww";
    ck_child_ok(has_exactly_its_rights, &set);
    set_drop(&set);
}
END_TEST

START_TEST(a_worker_without_a_list_has_everything)
{
    struct shmpool_start_options options = {0};
    struct pool_set set = set_new();
    set.right = "wwww";
    ck_worker_ok(has_exactly_its_rights, &set, NULL);
    ck_worker_ok(has_exactly_its_rights, &set, &options);
    set_drop(&set);
}
END_TEST

START_TEST(a_worker_with_the_empty_list_has_nothing)
{
    struct shmpool_start_options options = {.inherit = SHMPOOL_INHERIT_NONE};
    struct pool_set set = set_new();
    set.right = "----";
    ck_worker_ok(has_exactly_its_rights, &set, &options);
    set_drop(&set);
}
END_TEST

static int passes_on_all(void *arg)
{
    CHILD_CHECK(child_ok(worker_run(has_exactly_its_rights, arg, NULL)));
    return has_exactly_its_rights(arg);
}

START_TEST(a_worker_passes_on_what_it_has_as_it_has_it)
{
    struct shmpool_grant list[N_POOLS];
    struct pool_set set = set_new();
    set.right = "wr-r";
    struct shmpool_start_options options = {.inherit = list,
                                            .n_inherit = list_of(&set, false, list)};
    ck_worker_ok(passes_on_all, &set, &options);
    set_drop(&set);
}
END_TEST

static int passes_on_less(void *arg)
{
    struct pool_set *set = arg;
    struct shmpool_grant list[N_POOLS];
    struct shmpool_start_options options = {.inherit = list};
    set->right = "r---";
    options.n_inherit = list_of(set, false, list);
    CHILD_CHECK(child_ok(worker_run(has_exactly_its_rights, set, &options)));
    set->right = "w-r-";
    return has_exactly_its_rights(set);
}

static int cannot_pass_on_more(void *arg)
{
    const struct pool_set *set = arg;
    struct shmpool_grant lacking[] = {{set->pool[0], 0}, {set->pool[1], 0}};
    struct shmpool_grant more[] = {{set->pool[2], 0}};
    struct shmpool_start_options options = {.inherit = lacking, .n_inherit = 2};
    CHILD_FAILS(shmpool_start(has_exactly_its_rights, arg, &options), EACCES);
    options = (struct shmpool_start_options){.inherit = more, .n_inherit = 1};
    CHILD_FAILS(shmpool_start(has_exactly_its_rights, arg, &options), EROFS);
    lacking[1].flags = SHMPOOL_RDONLY;
    options = (struct shmpool_start_options){.inherit = lacking, .n_inherit = 2};
    CHILD_FAILS(shmpool_start(has_exactly_its_rights, arg, &options), EACCES);
    return 0;
}

START_TEST(a_worker_can_pass_on_less_but_not_more)
{
    struct shmpool_grant list[N_POOLS];
    struct pool_set set = set_new();
    set.right = "w-r-";
    struct shmpool_start_options options = {.inherit = list,
                                            .n_inherit = list_of(&set, false, list)};
    ck_worker_ok(passes_on_less, &set, &options);
    ck_worker_ok(cannot_pass_on_more, &set, &options);
    set_drop(&set);
}
END_TEST

START_TEST(a_private_pool_is_inherited)
{
    struct shmpool_options options = {.flags = SHMPOOL_PRIVATE};
    struct pool_set set = set_new();
    ck_ok(shmpool_unlink(set.pool[1]));
    ck_ok(shmpool_release(set.pool[1]));
    set.pool[1] = shmpool_create(pages(10), &options);
    ck_ok(set.pool[1]);
    set.object[1] = pool_object(set.pool[1]);
    set.block[1] = shmpool_alloc(set.pool[1], 1);
    *set.block[1] = 'b';
    set.right = "wwww";
    ck_worker_ok(has_exactly_its_rights, &set, NULL);
    set_drop(&set);
}
END_TEST

static int writes_to_the_pipe(void *arg)
{
    const int *fds = arg;
    return write(fds[1], "x", 1) == 1 ? 0 : 1;
}

START_TEST(the_programs_own_descriptors_stay)
{
    int fds[2];
    char byte = 0;
    struct shmpool_start_options options = {.inherit = SHMPOOL_INHERIT_NONE};
    struct pool_set set = set_new();
    ck_assert_int_eq(pipe(fds), 0);
    ck_worker_ok(writes_to_the_pipe, fds, &options);
    ck_assert_int_eq(read(fds[0], &byte, 1), 1);
    close(fds[0]);
    close(fds[1]);
    set_drop(&set);
}
END_TEST

START_TEST(a_list_with_a_mistake_starts_nobody)
{
    shmpool_id pool = pool_new(1);
    shmpool_id released = pool_new(1);
    pool_drop(released);
    const struct {
        struct shmpool_grant list[2];
        int code;
    } cases[] = {
        {{{pool, 0}, {0, 0}}, EBADF},
        {{{-1, 0}, {pool, 0}}, EBADF},
        {{{pool, 0}, {pool + 100, SHMPOOL_RDONLY}}, EBADF},
        {{{INT32_MAX, 0}, {pool, 0}}, EBADF},
        {{{pool, 0}, {released, 0}}, EACCES},
        {{{pool, 0}, {pool, 0}}, EINVAL},
        {{{pool, 0}, {pool, SHMPOOL_RDONLY}}, EINVAL},
        {{{pool, SHMPOOL_COMMIT}, {0, 0}}, EINVAL},
        {{{pool, 1u << 31}, {0, 0}}, EINVAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t n = cases[i].code == EINVAL && cases[i].list[1].pool == 0 ? 1 : 2;
        struct shmpool_start_options options = {.inherit = cases[i].list, .n_inherit = n};
        ck_fails(shmpool_start(child_sleep, NULL, &options), cases[i].code);
    }
    pool_drop(pool);
}
END_TEST

START_TEST(options_with_a_mistake_start_nobody)
{
    struct shmpool_start_options options = {.n_inherit = 1};
    ck_fails(shmpool_start(child_sleep, NULL, &options), EINVAL);
    ck_fails(shmpool_start(NULL, NULL, NULL), EINVAL);
    for (unsigned bit = 0; bit < 32; bit++) {
        options = (struct shmpool_start_options){.flags = 1u << bit};
        if (options.flags != SHMPOOL_DIE_WITH_STARTER)
            ck_fails(shmpool_start(child_sleep, NULL, &options), EINVAL);
    }
    for (int i = 0; i < 8; i++) {
        options = (struct shmpool_start_options){0};
        options.reserved[i] = 1;
        ck_fails(shmpool_start(child_sleep, NULL, &options), EINVAL);
    }
}
END_TEST

static void close_descriptors_of(struct proc_object object)
{
    int fds[8];
    int n_fds = proc_descriptors_of(object, fds, 8);
    for (int i = 0; i < n_fds; i++)
        close(fds[i]);
}

static int goes_on_without_descriptors(void *arg)
{
    struct pool_set *set = arg;
    struct shmpool_grant list[] = {{set->pool[0], SHMPOOL_RDONLY}};
    struct shmpool_start_options options = {.inherit = list, .n_inherit = 1};
    close_descriptors_of(set->object[0]);
    has_full_use(set, 0);
    CHILD_FAILS(shmpool_start(has_exactly_its_rights, set, &options), EBADF);
    list[0].flags = 0;
    set->right = "w---";
    CHILD_CHECK(child_ok(worker_run(has_exactly_its_rights, set, &options)));
    has_full_use(set, 0);
    return shmpool_release(set->pool[0]);
}

START_TEST(a_program_that_closes_our_descriptors_keeps_its_pools)
{
    if (!backend()->has_descriptors)
        return;
    struct pool_set set = set_new();
    ck_child_ok(goes_on_without_descriptors, &set);
    set_drop(&set);
}
END_TEST

/* Puts a file of the program's own under every descriptor number of the object. */
static int take_over_descriptors(struct proc_object object, int *fds)
{
    int n_fds = proc_descriptors_of(object, fds, 8);
    for (int i = 0; i < n_fds; i++) {
        int own = open("/dev/null", O_RDWR);
        CHILD_CHECK(own >= 0 && dup2(own, fds[i]) == fds[i]);
        close(own);
    }
    return n_fds;
}

static int all_open(void *arg)
{
    const int *fds = arg;
    for (int i = 0; fds[i] >= 0; i++)
        CHILD_CHECK(fcntl(fds[i], F_GETFD) >= 0);
    return 0;
}

static int reuses_descriptor_numbers(void *arg)
{
    struct pool_set *set = arg;
    struct shmpool_start_options none = {.inherit = SHMPOOL_INHERIT_NONE};
    int fds[9];
    int n_fds = take_over_descriptors(set->object[0], fds);
    CHILD_CHECK(n_fds > 0 && n_fds < 9);
    fds[n_fds] = -1;
    CHILD_CHECK(child_ok(worker_run(all_open, fds, &none)));
    CHILD_CHECK(shmpool_release(set->pool[0]) == 0);
    return all_open(fds);
}

START_TEST(a_descriptor_that_the_program_took_over_is_left_alone)
{
    if (!backend()->has_descriptors)
        return;
    struct pool_set set = set_new();
    ck_child_ok(reuses_descriptor_numbers, &set);
    set_drop(&set);
}
END_TEST

START_TEST(descriptors_lie_out_of_the_programs_way)
{
    int fds[8];
    if (!backend()->has_descriptors)
        return;
    shmpool_id pool = pool_new(1);
    int n_fds = proc_descriptors_of(pool_object(pool), fds, 8);
    ck_assert_int_ge(n_fds, 1);
    for (int i = 0; i < n_fds; i++) {
        ck_assert_int_ge(fds[i], 100);
        ck_assert_int_ne(fcntl(fds[i], F_GETFD) & FD_CLOEXEC, 0);
    }
    pool_drop(pool);
}
END_TEST

static int works_undumpable(void *arg)
{
    (void)arg;
    CHILD_CHECK(prctl(PR_SET_DUMPABLE, 0) == 0);
    struct pool_set set = set_new();
    struct shmpool_grant list[N_POOLS];
    set.right = "wr-r";
    struct shmpool_start_options options = {.inherit = list,
                                            .n_inherit = list_of(&set, false, list)};
    CHILD_CHECK(child_ok(worker_run(has_exactly_its_rights, &set, &options)));
    set_drop(&set);
    return 0;
}

START_TEST(a_process_that_is_not_dumpable_can_do_it_all)
{
    ck_child_ok(works_undumpable, NULL);
    if (child_can_be_others())
        ck_child_ok_as(65534, 65534, works_undumpable, NULL);
}
END_TEST

TCase *grants_case(void)
{
    TCase *tcase = contract_case("grants");
    tcase_add_loop_test(tcase, a_worker_has_exactly_what_the_list_says, 0, N_RIGHTS);
    tcase_add_test(tcase, a_worker_without_a_list_has_everything);
    tcase_add_test(tcase, a_worker_with_the_empty_list_has_nothing);
    tcase_add_test(tcase, a_worker_passes_on_what_it_has_as_it_has_it);
    tcase_add_test(tcase, a_worker_can_pass_on_less_but_not_more);
    tcase_add_test(tcase, a_private_pool_is_inherited);
    tcase_add_test(tcase, the_programs_own_descriptors_stay);
    tcase_add_test(tcase, a_list_with_a_mistake_starts_nobody);
    tcase_add_test(tcase, options_with_a_mistake_start_nobody);
    tcase_add_test(tcase, a_program_that_closes_our_descriptors_keeps_its_pools);
    tcase_add_test(tcase, a_descriptor_that_the_program_took_over_is_left_alone);
    tcase_add_test(tcase, descriptors_lie_out_of_the_programs_way);
    tcase_add_test(tcase, a_process_that_is_not_dumpable_can_do_it_all);
    return tcase;
}
