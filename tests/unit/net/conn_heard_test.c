/* net/conn_heard.c: what a peer's kernel took, and what it refused. */
#include "net/conn.h"

#include "../test.h"
#include "fiber/loop.h"

#include <netinet/in.h>
#include <unistd.h>

/* A connection over loopback; its other end is *peer. */
static void
open_pair(struct conn *c, int *peer)
{
    struct address a = { .size = sizeof a.v4,
                         .v4 = { AF_INET, 0, { htonl(INADDR_LOOPBACK) }, { 0 } } };
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, &a.any, a.size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, &a.any, &a.size), 0);
    assert_int_equal(conn_connect(c, &a, NULL, clock_in(5000)), 0);
    *peer = accept(listener, NULL, NULL);
    assert_true(*peer >= 0);
    close(listener);
}

static void
main_of_heard(void *arg)
{
    struct conn c;
    char in[16];
    int peer;
    open_pair(&c, &peer);
    assert_int_equal(conn_write(&c, "first", 5, 1000), 0);
    assert_int_equal(read(peer, in, sizeof in), 5);
    assert_true(conn_was_heard(&c, 0));
    assert_int_equal(write(peer, "answer", 6), 6);
    assert_int_equal(conn_read(&c, in, sizeof in, clock_in(5000)), 6);
    assert_false(conn_was_heard(&c, 5));
    close(peer);
    assert_int_equal(conn_write(&c, "second request", 14, 1000), 0);
    assert_true(conn_read(&c, in, sizeof in, clock_in(5000)) <= 0);
    assert_int_equal(c.bytes_written, 19);
    assert_false(conn_was_heard(&c, 5));
    conn_close(&c);
}

static void
bytes_to_a_closed_peer_are_not_heard(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_heard, NULL), 0);
}

static void
main_of_stale(void *arg)
{
    struct conn c;
    int peer;
    open_pair(&c, &peer);
    assert_false(conn_is_stale_now(&c));
    close(peer);
    assert_true(conn_is_stale_now(&c)); /* before the loop had a turn to notice */
    conn_close(&c);
}

static void
a_peer_that_has_just_closed_is_seen_without_the_loop(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_stale, NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_to_a_closed_peer_are_not_heard),
        cmocka_unit_test(a_peer_that_has_just_closed_is_seen_without_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
