// A program of somebody else in C++: consumer.c once more, as one would write it from C++11 on.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <shmpool.h>
#include <shmpool/backend.h>

static shmpool_id pool;

static int run(int (*work)(void *), void *arg, const shmpool_start_options &options)
{
    int status = -1;
    const shmpool_worker worker = shmpool_start(work, arg, &options);
    if (worker < 0 || shmpool_join(worker, &status, -1) != 0)
        std::fprintf(stderr, "%s\n", shmpool_errmsg());
    return status;
}

static int add_up(void *arg)
{
    auto *const sum = static_cast<long *>(shmpool_alloc(pool, sizeof(long)));
    if (sum == nullptr)
        return 1;
    *sum = 0;
    for (long i = 1; i <= 1000; i++)
        *sum += i;
    return shmpool_publish(pool, sum, arg) == 0 ? 0 : 1;
}

int main()
{
    shmpool_options options{};
    options.flags = SHMPOOL_COMMIT | SHMPOOL_DUMP;
    pool = shmpool_create(1 << 20, &options);
    const shmpool_grant grants[] = {{pool, 0}};
    shmpool_start_options all{}, none{};
    all.inherit = grants;
    all.n_inherit = 1;
    none.inherit = SHMPOOL_INHERIT_NONE;
    none.flags = SHMPOOL_DIE_WITH_STARTER;
    auto **const result = static_cast<long **>(shmpool_alloc(pool, sizeof(long *)));
    if (result == nullptr)
        return std::fprintf(stderr, "%s\n", shmpool_errmsg()), 1;
    *result = nullptr;
    const auto has_nothing = [](void *) {
        return shmpool_alloc(pool, 1) == nullptr && errno == EACCES ? 0 : 1;
    };
    const bool failed = run(add_up, result, all) != 0 || run(has_nothing, nullptr, none) != 0 ||
                        **result != 500500 || std::strcmp(shmpool_version(), VERSION) != 0;
    return shmpool_unlink(pool) == 0 && shmpool_release(pool) == 0 && !failed ? 0 : 1;
}
