/* memfd: what is sealed, and what old kernels leave of it. */
#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backend/backends.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

static const struct shmpool_backend *memfd(void)
{
    return backend_by_name("memfd", 5);
}

/* Whatever the kernel knows: close-on-exec, of the mode asked for, and never shrunk. */
static void is_tight(const struct shmpool_object *object, mode_t mode)
{
    struct stat status;
    CHILD_CHECK(fcntl(object->fd, F_GETFD) & FD_CLOEXEC);
    CHILD_CHECK(fcntl(object->fd_readonly, F_GETFD) & FD_CLOEXEC);
    CHILD_CHECK(fstat(object->fd, &status) == 0 && (status.st_mode & 07777) == mode);
    CHILD_CHECK((fcntl(object->fd, F_GET_SEALS) & (F_SEAL_SHRINK | F_SEAL_SEAL | F_SEAL_GROW)) ==
                (F_SEAL_SHRINK | F_SEAL_SEAL));
    CHILD_CHECK(ftruncate(object->fd, 0) == -1 && errno == EPERM);
    CHILD_CHECK(fcntl(object->fd, F_ADD_SEALS, F_SEAL_WRITE) == -1);
    CHILD_CHECK(ftruncate(object->fd, (off_t)pages(N_PAGES + 1)) == 0);
}

static int makes_tight_objects(void *arg)
{
    static const mode_t modes[] = {0600, 0660, 0755};
    struct shmpool_object object;
    (void)arg;
    umask(0);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        CHILD_CHECK(memfd()->create(&object, "tight", pages(1), pages(1), modes[i]) == 0);
        is_tight(&object, modes[i]);
        memfd()->close(&object);
    }
    return 0;
}

START_TEST(an_object_is_sealed_and_closed_by_exec)
{
    ck_child_ok(makes_tight_objects, NULL);
}
END_TEST

/* Linux before 6.3 does not know the flag. */
static int steps_down(void *arg)
{
    refuse_call(__NR_memfd_create, EINVAL, 1, MFD_NOEXEC_SEAL);
    CHILD_CHECK(memfd_create("probe", MFD_NOEXEC_SEAL) == -1 && errno == EINVAL);
    return makes_tight_objects(arg);
}

START_TEST(an_old_kernel_seals_all_the_same)
{
    ck_child_ok(steps_down, NULL);
}
END_TEST

struct refusal {
    int call;
    int error;
    unsigned argument;
    unsigned mask;
};

/* Nothing that is less than sealed comes out. */
static int is_refused(void *arg)
{
    const struct refusal *refusal = arg;
    struct shmpool_object object;
    int n_descriptors = proc_count_descriptors();
    refuse_call(refusal->call, refusal->error, refusal->argument, refusal->mask);
    CHILD_CHECK(memfd()->create(&object, "refused", pages(1), pages(1), 0600) == -1);
    CHILD_CHECK(errno == refusal->error);
    CHILD_CHECK(object.fd == -1 && object.fd_readonly == -1);
    CHILD_CHECK(proc_count_descriptors() == n_descriptors);
    return 0;
}

/* F_ADD_SEALS is the only command with this bit of those that are used. */
static const struct refusal refusals[] = {
    {__NR_memfd_create, ENOSYS, 0, 0}, {__NR_memfd_create, EMFILE, 0, 0},
    {__NR_ftruncate, ENOSPC, 0, 0},    {__NR_fchmod, EPERM, 0, 0},
    {__NR_fcntl, EINVAL, 1, 8},
};

START_TEST(a_step_that_fails_leaves_nothing)
{
    struct refusal refusal = refusals[_i];
    ck_child_ok(is_refused, &refusal);
}
END_TEST

void add_memfd(Suite *suite)
{
    TCase *tcase = add_case(suite, "memfd");
    tcase_add_test(tcase, an_object_is_sealed_and_closed_by_exec);
    tcase_add_test(tcase, an_old_kernel_seals_all_the_same);
    tcase_add_loop_test(tcase, a_step_that_fails_leaves_nothing, 0,
                        sizeof refusals / sizeof refusals[0]);
}
