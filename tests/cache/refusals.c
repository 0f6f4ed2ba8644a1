/* What the program cannot do it says, and ends; and what it finds that is not quite in order. */
#include <fcntl.h>
#include <shmpool.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/client.h"
#include "cache/server.h"
#include "cache/tests.h"
#include "support/child.h"

static struct server server;

static void setup(void)
{
    leftover_setup();
    server_setup(&server, "refusals");
}

static void teardown(void)
{
    if (server.pid != 0)
        server_stop(&server);
    server_teardown(&server);
    leftover_teardown();
}

/* Arguments besides the name. */
static void check_refused(int status, const char *sentence, const char *const arguments[])
{
    const char *all[MOST_ARGUMENTS] = {"-n", server.name};
    char said[512];
    for (int i = 0; arguments[i] != NULL; i++)
        all[i + 2] = arguments[i];
    int got = server_run(&server, all, said);
    ck_assert_msg(got == status, "%s: status %d, says %s", sentence, got, said);
    ck_assert_msg(strstr(said, sentence) != NULL, "says \"%s\", not \"%s\"", said, sentence);
}

#define check_refusal(status, sentence, ...)                                                       \
    check_refused(status, sentence, (const char *const[]){__VA_ARGS__, NULL})

START_TEST(a_pool_without_a_name_cannot_be_found_again)
{
    const char *backend = getenv("SHMPOOL_BACKEND");
    check_refusal(1, "backend memfd has no names", "-b", "memfd", server.socket);
    setenv("SHMPOOL_BACKEND", "memfd", 1);
    check_refusal(1, "choose posix or sysv with -b", server.socket);
    setenv("SHMPOOL_BACKEND", "nowhere", 1);
    check_refusal(1, "posix, sysv, memfd", server.socket);
    if (backend != NULL)
        setenv("SHMPOOL_BACKEND", backend, 1);
    else
        unsetenv("SHMPOOL_BACKEND");
    ck_assert_int_ne(access(server.socket, F_OK), 0);
}
END_TEST

START_TEST(the_command_line_is_read)
{
    char path[256] = "";
    memset(path, 'p', 200);
    check_refusal(2, "Try: cache --help", "-x");
    check_refusal(2, "at which socket?", "-j2");
    check_refusal(2, "at which socket?", server.socket, server.socket);
    check_refusal(2, "at which socket?", "");
    check_refusal(2, "--remove takes no socket", "--remove", server.socket);
    check_refusal(2, "the number is too large (1 to 64)", "-j65", server.socket);
    check_refusal(2, "not a size", "-s", "big", server.socket);
    check_refusal(2, "not a size", "-m", "-1", server.socket);
    check_refusal(1, "too small for 4 workers", "-s1M", "-m2M", server.socket);
    check_refusal(1, "the path of a socket has less than", path);
    check_refusal(1, "/nowhere/socket", "/nowhere/socket");
}
END_TEST

/* What is there is not replaced, unless it is the socket of a server that is dead. */
START_TEST(the_socket_is_somebody_elses)
{
    struct server other;
    int file = open(server.socket, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ck_assert_int_ge(file, 0);
    close(file);
    check_refusal(1, "Address already in use", server.socket);
    ck_assert_int_eq(unlink(server.socket), 0);
    server_setup(&other, "other");
    server_start(&other);
    check_refusal(1, "Address already in use", other.socket);
    server_stop(&other);
    server_teardown(&other);
}
END_TEST

/* The guard is a worker's too: as long as one lives nobody puts in order what it holds. */
START_TEST(a_cache_is_served_once)
{
    pid_t workers[MOST_SERVER_WORKERS];
    server.options[0] = "-j1";
    server_start(&server);
    ck_assert_int_eq(server_workers(&server, workers), 1);
    kill(workers[0], SIGSTOP);
    while (!server_is_stopped(workers[0]))
        usleep(1000);
    kill(server.pid, SIGKILL);
    ck_assert_int_eq(child_wait(server.pid), SIGKILL);
    server.pid = 0;
    check_refusal(1, "is being served already", "-j1", server.socket);
    kill(workers[0], SIGCONT);
    server_await_end(workers[0]);
    server_start(&server);
}
END_TEST

/* A pool of this name in which lies what the caller wants. */
static void make_pool(bool with_root)
{
    struct shmpool_options options = {.name = server.name, .max_size = 16 << 20};
    shmpool_id pool = shmpool_create(8 << 20, &options);
    ck_assert_int_gt(pool, 0);
    void *block = shmpool_alloc(pool, 1 << 20);
    memset(block, 'x', 1 << 20);
    if (with_root)
        ck_assert_int_eq(shmpool_set_root(pool, block), 0);
    ck_assert_int_eq(shmpool_release(pool), 0);
}

START_TEST(another_programs_pool_stays_as_it_is)
{
    make_pool(true);
    check_refusal(1, "holds no cache: choose another name", server.socket);
    shmpool_id pool = shmpool_open(server.name, 0);
    ck_assert_int_gt(pool, 0);
    ck_assert_int_eq(*(const char *)shmpool_root(pool), 'x');
    ck_assert_int_eq(shmpool_release(pool), 0);
}
END_TEST

/* Its creator died before it had made the cache. */
START_TEST(an_empty_pool_becomes_a_cache)
{
    struct client client;
    make_pool(false);
    server_start(&server);
    client_open(&client, server.socket);
    ck_assert_int_eq(client_set(&client, "key", "value", 5), DONE);
    ck_assert_uint_eq(client_stat(&client, "pool_max_size"), 16 << 20);
    client_close(&client);
}
END_TEST

START_TEST(too_many_workers_for_what_is_there)
{
    make_pool(false);
    server_start(&server);
    server_stop(&server);
    check_refusal(1, "is too small for 64 workers", "-j64", server.socket);
}
END_TEST

TCase *refusals_case(void)
{
    TCase *tcase = tcase_create("refusals");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_pool_without_a_name_cannot_be_found_again);
    tcase_add_test(tcase, the_command_line_is_read);
    tcase_add_test(tcase, the_socket_is_somebody_elses);
    tcase_add_test(tcase, a_cache_is_served_once);
    tcase_add_test(tcase, another_programs_pool_stays_as_it_is);
    tcase_add_test(tcase, an_empty_pool_becomes_a_cache);
    tcase_add_test(tcase, too_many_workers_for_what_is_there);
    return tcase;
}
