/* Threads: any number, any time; their slots come back. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contract/contract.h"
#include "support/random.h"
#include "support/sanitized.h"

enum { N_THREADS = 8, N_HELD = 16, N_ROUNDS = 20000, MANY = 10000, MORE_THAN_SLOTS = 1100 };

struct holder {
    shmpool_id pool;
    int number;
    _Atomic int *others;
};

struct held {
    char *block;
    size_t length;
};

static void take(const struct holder *holder, struct held *held, struct random *random)
{
    held->length = random_between(random, 1, random_next(random) % 4 == 0 ? 100 : 4);
    held->block = shmpool_alloc(holder->pool, pages(held->length));
    if (held->block == NULL) {
        ck_quiet(errno == ENOSPC);
        return;
    }
    for (size_t i = 0; i < held->length; i++)
        memcpy(held->block + pages(i), &holder->number, sizeof holder->number);
}

static void give(const struct holder *holder, struct held *held)
{
    for (size_t i = 0; i < held->length; i++)
        ck_quiet(memcmp(held->block + pages(i), &holder->number, sizeof holder->number) == 0);
    ck_ok(shmpool_free(holder->pool, held->block));
    held->block = NULL;
}

static void *takes_and_gives(void *arg)
{
    const struct holder *holder = arg;
    struct random random = random_stream(random_seed(), (uint64_t)holder->number);
    struct held held[N_HELD] = {{0}};
    for (int i = 0; i < N_ROUNDS; i++) {
        struct held *one = &held[random_between(&random, 0, N_HELD - 1)];
        if (one->block == NULL)
            take(holder, one, &random);
        else
            give(holder, one);
    }
    for (int i = 0; i < N_HELD; i++)
        if (held[i].block != NULL)
            give(holder, &held[i]);
    return NULL;
}

START_TEST(eight_threads_do_not_meet_in_a_block)
{
    pthread_t threads[N_THREADS];
    struct holder holders[N_THREADS];
    shmpool_id pool = pool_new(1500);
    for (int i = 0; i < N_THREADS; i++) {
        holders[i] = (struct holder){pool, i + 1, NULL};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, takes_and_gives, &holders[i]), 0);
    }
    for (int i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_pool_is_whole(pool);
    ck_assert_uint_eq(stats_of(pool).members, 0);
    pool_drop(pool);
}
END_TEST

static void *comes_and_goes(void *arg)
{
    const struct holder *holder = arg;
    void *one = shmpool_alloc(holder->pool, 1);
    void *two = shmpool_alloc(holder->pool, pages(40));
    ck_quiet(one != NULL && two != NULL);
    ck_ok(shmpool_free(holder->pool, one));
    ck_ok(shmpool_free(holder->pool, two));
    return NULL;
}

START_TEST(threads_that_come_and_go_give_their_slots_back)
{
    struct holder holder = {.pool = pool_new(200)};
    for (int i = 0; i < MANY; i += 2) {
        pthread_t one, two;
        ck_assert_int_eq(pthread_create(&one, NULL, comes_and_goes, &holder), 0);
        ck_assert_int_eq(pthread_create(&two, NULL, comes_and_goes, &holder), 0);
        pthread_join(one, NULL);
        pthread_join(two, NULL);
        ck_assert_uint_eq(stats_of(holder.pool).members, 0);
    }
    ck_pool_is_whole(holder.pool);
    pool_drop(holder.pool);
}
END_TEST

static void *allocates(void *arg)
{
    const struct holder *holder = arg;
    return shmpool_alloc(holder->pool, pages(2));
}

START_TEST(a_threads_blocks_outlive_it)
{
    struct holder holder = {.pool = pool_new(100)};
    pthread_t thread;
    void *block = NULL;
    ck_assert_int_eq(pthread_create(&thread, NULL, allocates, &holder), 0);
    pthread_join(thread, &block);
    ck_assert_ptr_nonnull(block);
    ck_assert_int_eq(shmpool_size_at(holder.pool, block), (ssize_t)pages(2));
    ck_assert_int_eq(shmpool_reclaim(holder.pool, 0), 0);
    ck_ok(shmpool_free(holder.pool, block));
    ck_pool_is_whole(holder.pool);
    pool_drop(holder.pool);
}
END_TEST

struct gathering {
    shmpool_id pool;
    pthread_barrier_t all_hold;
    _Atomic int failures;
};

static void *holds_with_the_others(void *arg)
{
    struct gathering *gathering = arg;
    void *block = shmpool_alloc(gathering->pool, 1);
    void *longer = shmpool_alloc(gathering->pool, pages(2));
    pthread_barrier_wait(&gathering->all_hold);
    if (block == NULL || shmpool_free(gathering->pool, block) != 0)
        atomic_fetch_add(&gathering->failures, 1);
    if (longer == NULL || shmpool_free(gathering->pool, longer) != 0)
        atomic_fetch_add(&gathering->failures, 1);
    return NULL;
}

START_TEST(more_threads_than_slots_work)
{
    static pthread_t threads[MORE_THAN_SLOTS];
    struct gathering gathering = {.pool = pool_new(4 * MORE_THAN_SLOTS)};
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (size_t)256 << 10);
    pthread_barrier_init(&gathering.all_hold, NULL, MORE_THAN_SLOTS);
    for (int i = 0; i < MORE_THAN_SLOTS; i++)
        ck_assert_int_eq(
            pthread_create(&threads[i], &attributes, holds_with_the_others, &gathering), 0);
    for (int i = 0; i < MORE_THAN_SLOTS; i++)
        pthread_join(threads[i], NULL);
    pthread_attr_destroy(&attributes);
    ck_assert_int_eq(atomic_load(&gathering.failures), 0);
    ck_pool_is_whole(gathering.pool);
    ck_assert_uint_eq(stats_of(gathering.pool).members, 0);
    pool_drop(gathering.pool);
}
END_TEST

enum { N_EXCHANGED = 48, N_EXCHANGES = 10000, IDLERS = 1024 };

struct exchange {
    shmpool_id pool;
    pthread_mutex_t lock;
    struct held held[N_EXCHANGED];
    pthread_barrier_t all_idle;
    pthread_barrier_t end;
};

/* What one thread allocated another one frees, next to blocks of a third. */
static void *exchanges(void *arg)
{
    static _Atomic unsigned number;
    struct exchange *exchange = arg;
    struct random random = random_stream(random_seed(), atomic_fetch_add(&number, 1));
    for (int i = 0; i < N_EXCHANGES; i++) {
        int at = (int)random_between(&random, 0, N_EXCHANGED - 1);
        struct holder holder = {exchange->pool, at + 1, NULL};
        pthread_mutex_lock(&exchange->lock);
        if (exchange->held[at].block == NULL)
            take(&holder, &exchange->held[at], &random);
        else
            give(&holder, &exchange->held[at]);
        pthread_mutex_unlock(&exchange->lock);
        if (i % 8 == 0)
            sched_yield();
    }
    return NULL;
}

static void *idles_with_a_slot(void *arg)
{
    struct exchange *exchange = arg;
    ck_ok(shmpool_free(exchange->pool, shmpool_alloc(exchange->pool, 1)));
    pthread_barrier_wait(&exchange->all_idle);
    pthread_barrier_wait(&exchange->end);
    return NULL;
}

/* With as many idlers as there are slots the others have none; else all of them have. */
START_TEST(threads_free_each_others_blocks)
{
    static pthread_t idlers[IDLERS];
    static struct exchange exchange = {.lock = PTHREAD_MUTEX_INITIALIZER};
    unsigned n_idlers = _i ? IDLERS : 1;
    pthread_t threads[N_THREADS];
    pthread_attr_t attributes;
    exchange.pool = pool_new(4000);
    pthread_barrier_init(&exchange.all_idle, NULL, n_idlers + 1);
    pthread_barrier_init(&exchange.end, NULL, n_idlers + 1);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (size_t)256 << 10);
    for (unsigned i = 0; i < n_idlers; i++)
        ck_assert_int_eq(pthread_create(&idlers[i], &attributes, idles_with_a_slot, &exchange), 0);
    pthread_attr_destroy(&attributes);
    pthread_barrier_wait(&exchange.all_idle);
    ck_assert_uint_eq(stats_of(exchange.pool).members, n_idlers);
    for (int i = 0; i < N_THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, exchanges, &exchange), 0);
    for (int i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_wait(&exchange.end);
    for (unsigned i = 0; i < n_idlers; i++)
        pthread_join(idlers[i], NULL);
    for (int i = 0; i < N_EXCHANGED; i++)
        if (exchange.held[i].block != NULL)
            give(&(struct holder){exchange.pool, i + 1, NULL}, &exchange.held[i]);
    ck_pool_is_whole(exchange.pool);
    pool_drop(exchange.pool);
}
END_TEST

static void *works_until_cancelled(void *arg)
{
    const struct holder *holder = arg;
    void *warm = shmpool_alloc(holder->pool, 1);
    shmpool_free(holder->pool, warm);
    atomic_fetch_add(holder->others, 1);
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    for (size_t n = 1;; n = n % 40 + 1)
        shmpool_free(holder->pool, shmpool_alloc(holder->pool, pages(n)));
    return NULL;
}

static int cancels_threads(void *arg)
{
    struct holder holder = {.pool = *(shmpool_id *)arg};
    _Atomic int running = 0;
    holder.others = &running;
    for (int i = 0; i < 100; i++) {
        pthread_t thread;
        CHILD_CHECK(pthread_create(&thread, NULL, works_until_cancelled, &holder) == 0);
        wait_for(&running, i + 1);
        for (int spin = 0; spin < i % 10; spin++)
            sched_yield();
        CHILD_CHECK(pthread_cancel(thread) == 0);
        CHILD_CHECK(pthread_join(thread, NULL) == 0);
    }
    CHILD_CHECK(shmpool_check(holder.pool, stderr) == 0);
    return 0;
}

/* What a cancelled thread had just allocated is lost to the program and goes with the process, as
 * with any allocator. Not for sanitizers: they take the stack that it left for poisoned. */
START_TEST(threads_may_be_cancelled_inside_a_call)
{
    shmpool_id pool = pool_new(20000);
    pid_t child = child_start(cancels_threads, &pool);
    ck_status_ok(child_wait(child));
    ck_assert_int_ge(shmpool_reclaim(pool, child), 0);
    ck_pool_is_whole(pool);
    ck_assert_uint_le(stats_of(pool).members, 1);
    pool_drop(pool);
}
END_TEST

TCase *threads_case(void)
{
    TCase *tcase = contract_case("threads");
    tcase_add_test(tcase, eight_threads_do_not_meet_in_a_block);
    tcase_add_test(tcase, threads_that_come_and_go_give_their_slots_back);
    tcase_add_test(tcase, a_threads_blocks_outlive_it);
    tcase_add_test(tcase, more_threads_than_slots_work);
    tcase_add_loop_test(tcase, threads_free_each_others_blocks, 0, 2);
    if (!SANITIZED)
        tcase_add_test(tcase, threads_may_be_cancelled_inside_a_call);
    return tcase;
}
