/* How much stack the calls take: a thread with a small stack, or a handler on an alternate one, has
 * to know. */
#include <pthread.h>
#include <shmpool/inspect.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "contract/contract.h"
#include "support/sanitized.h"

enum { PAINT = 0x5a, STACK = 1 << 20, PROMISED = 32 << 10 };

static struct {
    shmpool_id pool;
    void *block;
    shmpool_worker worker;
    char name[RUN_NAME_SIZE];
} it;

static void *told(bool succeeded)
{
    return succeeded ? &it : NULL;
}

static void *does_nothing(void *unused)
{
    (void)unused;
    return told(true);
}

static void *creates(void *unused)
{
    const struct shmpool_options options = {
        .name = it.name, .max_size = pages(4000), .flags = SHMPOOL_COMMIT};
    (void)unused;
    it.pool = shmpool_create(pages(400), &options);
    return told(it.pool > 0);
}

static void *allocates(void *unused)
{
    (void)unused;
    it.block = shmpool_alloc(it.pool, pages(100));
    void *aligned = shmpool_alloc_aligned(it.pool, pages(8), pages(4));
    return told(it.block != NULL && aligned != NULL && shmpool_free(it.pool, aligned) == 0);
}

static void *publishes(void *unused)
{
    (void)unused;
    void **link = shmpool_alloc(it.pool, sizeof *link);
    *link = NULL;
    return told(shmpool_publish(it.pool, it.block, (void *)link) == 0 &&
                shmpool_free(it.pool, it.block) == 0 && shmpool_free(it.pool, link) == 0);
}

static void *asks_for_too_much(void *unused)
{
    (void)unused;
    return told(shmpool_alloc(it.pool, pages(3000)) == NULL && errno == ENOSPC);
}

static void *frees_what_is_none(void *unused)
{
    (void)unused;
    return told(shmpool_free(it.pool, &it) == -1);
}

static int dies_with_blocks(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < 80; i++)
        CHILD_CHECK(shmpool_alloc(it.pool, pages(i % 5 + 1)) != NULL);
    return raise(SIGKILL);
}

static void *starts(void *unused)
{
    (void)unused;
    it.worker = shmpool_start(dies_with_blocks, NULL, NULL);
    return told(it.worker > 0);
}

static void *spawns(void *unused)
{
    char *const argv[] = {"true", NULL};
    (void)unused;
    it.worker = shmpool_spawn("/bin/true", argv, NULL, NULL);
    return told(it.worker > 0);
}

static void *joins(void *unused)
{
    int status;
    (void)unused;
    return told(shmpool_join(it.worker, &status, -1) == 0);
}

static void *recovers(void *unused)
{
    (void)unused;
    return told(shmpool_recover(it.pool) >= 0);
}

static void *reclaims(void *unused)
{
    (void)unused;
    return told(shmpool_reclaim(it.pool, 0) > 0);
}

static void *grows(void *unused)
{
    (void)unused;
    return told(shmpool_grow(it.pool, pages(2000)) == 0);
}

static void *looks(void *unused)
{
    struct shmpool_stats stats;
    (void)unused;
    return told(shmpool_stats(it.pool, &stats) == 0 && shmpool_check(it.pool, NULL) == 0);
}

static int visits(const struct shmpool_listed *listed, void *unused)
{
    (void)listed, (void)unused;
    return 0;
}

static void *lists(void *unused)
{
    (void)unused;
    return told(shmpool_list(visits, NULL) == 0);
}

static void *opens(void *unused)
{
    (void)unused;
    if (!backend()->has_names)
        return told(true);
    shmpool_release(it.pool);
    it.pool = shmpool_open(it.name, 0);
    return told(it.pool > 0);
}

static void *drops(void *unused)
{
    (void)unused;
    return told(shmpool_unlink(it.pool) == 0 && shmpool_release(it.pool) == 0);
}

/* What a thread that runs this takes of its stack, the system's own part with it. */
static size_t taken_by(void *(*run)(void *))
{
    pthread_t thread;
    pthread_attr_t attributes;
    size_t untouched = 0;
    void *result;
    unsigned char *stack =
        mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(stack != MAP_FAILED);
    memset(stack, PAINT, STACK);
    ck_assert_int_eq(pthread_attr_init(&attributes), 0);
    ck_assert_int_eq(pthread_attr_setstack(&attributes, stack, STACK), 0);
    ck_assert_int_eq(pthread_create(&thread, &attributes, run, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_quiet(result != NULL);
    pthread_attr_destroy(&attributes);
    while (stack[untouched] == PAINT)
        untouched++;
    munmap(stack, STACK);
    return STACK - untouched;
}

START_TEST(no_call_takes_more_stack_than_promised)
{
    static const struct {
        const char *name;
        void *(*run)(void *);
    } calls[] = {
        {"create", creates},
        {"alloc", allocates},
        {"publish", publishes},
        {"start", starts},
        {"join", joins},
        {"recover", recovers},
        {"reclaim", reclaims},
        {"start", starts},
        {"alloc in vain", asks_for_too_much},
        {"join", joins},
        {"reclaim", reclaims},
        {"free of what is none", frees_what_is_none},
        {"spawn", spawns},
        {"join", joins},
        {"grow", grows},
        {"stats and check", looks},
        {"open", opens},
        {"list", lists},
        {"unlink", drops},
    };
    const size_t before = taken_by(does_nothing);
    run_name(it.name, "stack");
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        size_t taken = taken_by(calls[i].run) - before;
        if (taken > PROMISED)
            ck_abort_msg("%s takes %zu bytes of stack", calls[i].name, taken);
    }
}
END_TEST

TCase *stack_case(void)
{
    TCase *tcase = contract_case("stack");
    if (SANITIZED) /* sanitizers have larger frames, and hooks of their own in every call */
        return tcase;
    tcase_add_test(tcase, no_call_takes_more_stack_than_promised);
    return tcase;
}
