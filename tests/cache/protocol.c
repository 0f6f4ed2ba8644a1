/* What the cache answers: to what is right, to what is wrong, and to clients that take their time.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cache/client.h"
#include "cache/server.h"
#include "cache/tests.h"

static struct server server;
static struct client client;

static void setup(void)
{
    leftover_setup();
    server_setup(&server, "protocol");
    server.options[0] = "-j1"; /* all clients meet in one worker */
    server_start(&server);
    client_open(&client, server.socket);
}

static void teardown(void)
{
    client_close(&client);
    server_stop(&server);
    server_teardown(&server);
    leftover_teardown();
}

/* What is sent, NUL bytes included, is answered so; then the connection is open or at its end. */
#define check_answer(sent, answer, is_open) check_bytes(sent, sizeof(sent) - 1, answer, is_open)

static void check_bytes(const char *sent, size_t n, const char *answer, bool is_open)
{
    char got[1024] = "";
    size_t length = strlen(answer);
    ck_assert(client_send(&client, sent, n));
    ck_assert_msg(client_receive(&client, got, length), "\"%s\": the end", sent);
    ck_assert_msg(memcmp(got, answer, length) == 0, "\"%s\": \"%s\"", sent, got);
    if (is_open) {
        ck_assert(client_send(&client, "GET nothing\n", 12));
        ck_assert_msg(client_receive(&client, got, 10), "\"%s\": ended", sent);
        ck_assert_msg(memcmp(got, "NOT_FOUND\n", 10) == 0, "\"%s\" is followed by %s", sent, got);
    } else {
        ck_assert_msg(!client_receive(&client, got, 1), "\"%s\": goes on", sent);
    }
}

START_TEST(requests_are_answered)
{
    check_answer("SET a 5\nhello\n", "STORED\n", true);
    check_answer("GET a\n", "VALUE 5\nhello\n", true);
    check_answer("SET a 0\r\n\r\n", "STORED\n", true);
    check_answer("GET a\r\n", "VALUE 0\n\n", true);
    check_answer("SET a 7\n\0\n\r\n\xff\n\n\n", "STORED\n", true);
    char got[16];
    ck_assert(client_send(&client, "GET a\n", 6) && client_receive(&client, got, 16));
    ck_assert_mem_eq(got, "VALUE 7\n\0\n\r\n\xff\n\n\n", 16);
    check_answer("DEL a\n", "DELETED\n", true);
    check_answer("DEL a\nGET a\n", "NOT_FOUND\nNOT_FOUND\n", true);
    check_answer("SET a 1\n1\nSET b 1\n2\nGET a\nGET b\n",
                 "STORED\nSTORED\nVALUE 1\n1\nVALUE 1\n2\n", true);
    ck_assert_uint_ge(client_stat(&client, "sets"), 5);
    ck_assert_uint_eq(client_stat(&client, "damaged"), 0);
    check_answer("GET b\nQUIT\nGET b\n", "VALUE 1\n2\n", false);
}
END_TEST

START_TEST(wrong_requests_are_refused)
{
    static const char usage[] = "ERROR SET key length, GET key, DEL key, STATS or QUIT\n";
    static const char words[] = "ERROR the number of words is wrong\n";
    static const char characters[] = "ERROR a key has 1 to 250 characters\n";
    static const char printable[] = "ERROR a key has printable ASCII characters only\n";
    static const char length[] = "ERROR the length of a value is a number from 0 to 131072\n";
    check_answer("\n", usage, true);
    check_answer("get a\n", usage, true);
    check_answer("SETS a 1\n", usage, false);
    check_answer("\0\xff\x01 \n", usage, true);
    check_answer("GET\n", words, true);
    check_answer("GET a b\n", words, true);
    check_answer("GET a \n", words, true);
    check_answer("STATS a\n", words, true);
    check_answer("SET a\n", words, false);
    check_answer("SET a 1 2 3\n", words, false);
    check_answer("GET \n", characters, true);
    check_answer("GET a\tb\n", printable, true);
    check_answer("GET \xc3\xa4\n", printable, true);
    check_answer("GET a\0\n", printable, true);
    check_answer("SET a -1\n", length, false);
    check_answer("SET a 0x10\n", length, false);
    check_answer("SET a \n", length, false);
    check_answer("SET a 131073\n", length, false);
    check_answer("SET a 99999999999999999999999\n", length, false);
    check_answer("SET a 3\nlonger\n", "ERROR the value is longer than was said\n", false);
    check_answer("GET a\n", "NOT_FOUND\n", true);
}
END_TEST

START_TEST(keys_and_lines_have_a_longest)
{
    static char line[100000];
    memset(line, 'k', sizeof line);
    memcpy(line, "GET ", 4);
    line[4 + 250] = '\n';
    check_bytes(line, 4 + 250 + 1, "NOT_FOUND\n", true);
    line[4 + 250] = 'k';
    line[4 + 251] = '\n';
    check_bytes(line, 4 + 251 + 1, "ERROR a key has 1 to 250 characters\n", true);
    line[4 + 251] = 'k';
    check_bytes(line, 1000, "ERROR the line is too long\n", false);
    client_send(&client, line, sizeof line); /* the end may come on the way */
    client_close(&client);
    client_open(&client, server.socket);
}
END_TEST

START_TEST(values_have_a_longest)
{
    static char value[LONGEST_VALUE + 1];
    static char got[LONGEST_VALUE];
    for (size_t length = 1; length <= LONGEST_VALUE; length = 3 * length + 4093) {
        memset(value, (int)length, length);
        ck_assert_int_eq(client_set(&client, "long", value, length), DONE);
        size_t n = 0;
        ck_assert_int_eq(client_get(&client, "long", got, &n), DONE);
        ck_assert_uint_eq(n, length);
        ck_assert_mem_eq(got, value, n);
    }
    ck_assert_int_eq(client_set(&client, "long", value, LONGEST_VALUE), DONE);
    ck_assert_int_eq(client_set(&client, "long", value, LONGEST_VALUE + 1), REFUSED);
}
END_TEST

/* It is told so before it has sent everything, and may go on sending. */
START_TEST(a_client_that_is_refused_learns_why)
{
    static const char sent[] = "SET long 131073\n";
    static char value[LONGEST_VALUE + 1];
    char answer[6];
    ck_assert(client_send(&client, sent, sizeof sent - 1));
    ck_assert_int_eq(poll(&(struct pollfd){.fd = client.socket, .events = POLLIN}, 1, -1), 1);
    for (int i = 0; i < 8; i++)
        ck_assert(client_send(&client, value, sizeof value));
    ck_assert(client_receive(&client, answer, sizeof answer));
    ck_assert_mem_eq(answer, "ERROR ", sizeof answer);
}
END_TEST

/* One byte at a time, and beside clients that stop in the middle. */
START_TEST(slow_clients_hinder_nobody)
{
    static const char *const halves[] = {"", "G", "GET a", "SET a 100\n", "SET a 100\nhalf", "SET"};
    enum { N = sizeof halves / sizeof halves[0] };
    static const char slow[] = "SET slow 4\r\nbyte\r\nGET slow\r\n";
    static const char answer[] = "STORED\nVALUE 4\nbyte\n";
    struct client other[N];
    char got[sizeof answer] = "";
    for (int i = 0; i < N; i++) {
        client_open(&other[i], server.socket);
        client_send(&other[i], halves[i], strlen(halves[i]));
    }
    for (size_t i = 0; i < sizeof slow - 1; i++) {
        ck_assert(client_send(&client, &slow[i], 1));
        usleep(500);
    }
    ck_assert(client_receive(&client, got, sizeof answer - 1));
    ck_assert_str_eq(got, answer);
    check_answer("GET a\n", "NOT_FOUND\n", true);
    for (int i = 0; i < N; i++)
        client_close(&other[i]);
    check_answer("GET a\n", "NOT_FOUND\n", true);
}
END_TEST

/* More answers than a socket holds wait for the one who takes them late, and nobody else does. */
START_TEST(answers_wait_for_whom_they_are_for)
{
    enum { N = 50, LENGTH = 100000 };
    static char value[LENGTH];
    static char got[LENGTH + 14];
    struct client late;
    client_open(&late, server.socket);
    memset(value, 'v', LENGTH);
    ck_assert_int_eq(client_set(&client, "much", value, LENGTH), DONE);
    for (int i = 0; i < N; i++)
        ck_assert(client_send(&late, "GET much\n", 9));
    for (int i = 0; i < N; i++)
        check_answer("GET nothing\n", "NOT_FOUND\n", true);
    for (int i = 0; i < N; i++) {
        ck_assert(client_receive(&late, got, sizeof got));
        ck_assert_mem_eq(got, "VALUE 100000\n", 13);
        ck_assert_mem_eq(got + 13, value, LENGTH);
        ck_assert_int_eq(got[13 + LENGTH], '\n');
    }
    client_close(&late);
}
END_TEST

/* Who says that nothing more comes gets the answers that are due. */
START_TEST(the_last_answers_are_given)
{
    char got[32] = "";
    ck_assert(client_send(&client, "SET x 3\nxyz\nGET x\nSET x 9\nhalf", 30));
    ck_assert_int_eq(shutdown(client.socket, SHUT_WR), 0);
    ck_assert(client_receive(&client, got, 19));
    ck_assert_str_eq(got, "STORED\nVALUE 3\nxyz\n");
    ck_assert(!client_receive(&client, got, 1));
    check_answer("GET x\n", "VALUE 3\nxyz\n", true); /* not the half one */
}
END_TEST

/* More clients than a worker takes at once: the others wait for their turn. */
START_TEST(many_clients_are_served)
{
    enum { N = 300 };
    static struct client many[N];
    char got[10];
    for (int i = 0; i < N; i++) {
        client_open(&many[i], server.socket);
        ck_assert(client_send(&many[i], "GET many\n", 9));
    }
    for (int i = 0; i < N; i++) {
        ck_assert(client_receive(&many[i], got, 10));
        ck_assert_mem_eq(got, "NOT_FOUND\n", 10);
        client_close(&many[i]);
    }
}
END_TEST

START_TEST(clients_that_stay_after_the_end_keep_nobody_out)
{
    enum { N = 300 };
    static struct client many[N];
    char got[10];
    for (int i = 0; i < N; i++) {
        client_open(&many[i], server.socket);
        ck_assert(client_send(&many[i], "GET many\nQUIT\n", 14));
        ck_assert(client_receive(&many[i], got, 10));
        ck_assert_mem_eq(got, "NOT_FOUND\n", 10);
    }
    for (int i = 0; i < N; i++)
        client_close(&many[i]);
}
END_TEST

TCase *protocol_case(void)
{
    TCase *tcase = tcase_create("protocol");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, requests_are_answered);
    tcase_add_test(tcase, wrong_requests_are_refused);
    tcase_add_test(tcase, keys_and_lines_have_a_longest);
    tcase_add_test(tcase, values_have_a_longest);
    tcase_add_test(tcase, a_client_that_is_refused_learns_why);
    tcase_add_test(tcase, slow_clients_hinder_nobody);
    tcase_add_test(tcase, answers_wait_for_whom_they_are_for);
    tcase_add_test(tcase, the_last_answers_are_given);
    tcase_add_test(tcase, many_clients_are_served);
    tcase_add_test(tcase, clients_that_stay_after_the_end_keep_nobody_out);
    return tcase;
}
