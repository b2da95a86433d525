/* net/conn, net/listen, net/buffer: real loopback sockets between fibers of one loop. */
#include "net/conn.h"

#include "net/buffer.h"
#include "net/listen.h"

#include "../test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct pair {
    int listener;
    struct conn a, b; /* a connected to b */
};

static int
listen_somewhere(struct address *at)
{
    const char *step;
    struct listen_options o = { .backlog = 16, .reuseport = true, .fastopen = -1 };
    assert_true(address_parse(STR("127.0.0.1"), 0, &o.address));
    int fd = listen_open(&o, &step);
    assert_true(fd >= 0);
    at->size = sizeof *at;
    assert_int_equal(getsockname(fd, &at->any, &at->size), 0);
    return fd;
}

static void
open_pair(struct pair *p)
{
    struct address at;
    p->listener = listen_somewhere(&at);
    assert_int_equal(conn_connect(&p->a, &at, NULL, clock_in(5000)), 0);
    int fd = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(conn_open(&p->b, fd, WATCH_WRITE), 0);
    conn_set_nodelay(&p->a, true);
    conn_set_keepalive(&p->a, true);
}

static void
close_pair(struct pair *p)
{
    conn_close(&p->a);
    conn_close(&p->b);
    close(p->listener);
}

static void
ping_pong(void *arg)
{
    struct pair p;
    char text[16];
    open_pair(&p);
    assert_int_equal(conn_try_read(&p.b, text, sizeof text), -EAGAIN);
    assert_int_equal(conn_write(&p.a, "ping", 4, 1000), 0);
    assert_int_equal(conn_read(&p.b, text, sizeof text, clock_in(5000)), 4);
    assert_memory_equal(text, "ping", 4);
    assert_false(conn_maybe_readable(&p.b)); /* the read came short: no call wasted on a second */
    assert_int_equal(conn_read(&p.b, text, sizeof text, clock_in(20)), -ETIMEDOUT);
    assert_int_equal(conn_shutdown_write(&p.a), 0);
    assert_int_equal(conn_wait_readable(&p.b, clock_in(5000)), 0);
    assert_int_equal(conn_read(&p.b, text, sizeof text, clock_in(5000)), 0);
    assert_int_equal(conn_read(&p.b, text, sizeof text, clock_in(5000)), 0);
    assert_int_equal(conn_write(&p.b, "pong", 4, 1000), 0); /* half-closed is not closed */
    assert_int_equal(conn_read(&p.a, text, 2, clock_in(5000)), 2);
    assert_int_equal(conn_read(&p.a, text, 2, clock_in(5000)), 2);
    assert_int_equal(p.b.bytes_written, 4);
    assert_int_equal(p.a.bytes_read, 4);
    close_pair(&p);
    assert_false(conn_is_open(&p.a));
    assert_int_equal(conn_read(&p.a, text, 2, 0), -EBADF);
}

enum { PIECES = 3000, PIECE = 4096 };

static void
drain(void *arg)
{
    struct conn *c = arg;
    struct buffer *b = buffer_take(1);
    uint64_t sum = 0;
    ssize_t n;
    while ((n = conn_read(c, b->data, b->cap, clock_in(10000))) > 0)
        for (ssize_t i = 0; i < n; i++)
            sum += (unsigned char)b->data[i];
    assert_int_equal(n, 0);
    assert_int_equal(c->bytes_read, (uint64_t)PIECES * PIECE);
    assert_int_equal(sum, (uint64_t)PIECES * PIECE);
    buffer_put(b);
}

/* More entries than IOV_MAX and more bytes than any socket buffer. */
static void
write_large(void *arg)
{
    struct pair p;
    struct child reader;
    static char ones[PIECE];
    static struct iovec iov[PIECES];
    memset(ones, 1, sizeof ones);
    for (int i = 0; i < PIECES; i++)
        iov[i] = (struct iovec){ ones, sizeof ones };
    open_pair(&p);
    child_start(&reader, drain, &p.b);
    assert_int_equal(conn_writev(&p.a, iov, PIECES, 5000), 0);
    conn_shutdown_write(&p.a);
    child_join(&reader);
    close_pair(&p);
}

static void
send_file(void *arg)
{
    struct pair p;
    struct child reader;
    FILE *f = tmpfile();
    char ones[PIECE];
    off_t at = 0;
    memset(ones, 1, sizeof ones);
    for (int i = 0; i < PIECES; i++)
        fwrite(ones, 1, sizeof ones, f);
    fflush(f);
    open_pair(&p);
    child_start(&reader, drain, &p.b);
    assert_int_equal(conn_sendfile(&p.a, fileno(f), &at, (size_t)PIECES * PIECE, 5000), 0);
    assert_int_equal(at, (off_t)PIECES * PIECE);
    assert_int_equal(conn_sendfile(&p.a, fileno(f), &at, 1, 5000), -EIO);
    conn_shutdown_write(&p.a);
    child_join(&reader);
    close_pair(&p);
    fclose(f);
}

static void
stall(void *arg)
{
    struct pair p;
    static char zeros[16 << 20];
    open_pair(&p);
    assert_int_equal(conn_write(&p.a, zeros, sizeof zeros, 50), -ETIMEDOUT);
    /* A half-close by the reader must not turn the wait for room into a busy loop. */
    assert_int_equal(conn_shutdown_write(&p.b), 0);
    assert_int_equal(conn_write(&p.a, zeros, sizeof zeros, 50), -ETIMEDOUT);
    close_pair(&p);
}

static void
reset(void *arg)
{
    struct pair p;
    char text[4];
    open_pair(&p);
    assert_false(conn_is_stale(&p.a));
    conn_reset(&p.b);
    assert_int_equal(conn_read(&p.a, text, sizeof text, clock_in(5000)), -ECONNRESET);
    assert_true(conn_is_stale(&p.a));
    assert_int_equal(conn_write(&p.a, "x", 1, 1000), -EPIPE);
    close_pair(&p);
}

static void
go_stale(void *arg)
{
    struct pair p;
    char text[4];
    open_pair(&p);
    assert_int_equal(conn_write(&p.b, "x", 1, 1000), 0);
    assert_int_equal(conn_wait_readable(&p.a, clock_in(5000)), 0);
    assert_true(conn_is_stale(&p.a));
    assert_int_equal(conn_read(&p.a, text, 1, clock_in(5000)), 1);
    assert_true(conn_maybe_readable(&p.a)); /* the read was full: there may be more */
    assert_false(conn_is_stale(&p.a));      /* but there is not */
    conn_close(&p.b);
    assert_int_equal(conn_wait_readable(&p.a, clock_in(5000)), 0);
    assert_true(conn_is_stale(&p.a));
    close_pair(&p);
}

static void
be_refused(void *arg)
{
    struct address at, from;
    struct conn c;
    int fd = listen_somewhere(&at);
    assert_true(address_parse(STR("127.0.0.2"), 0, &from));
    assert_int_equal(conn_connect(&c, &at, &from, clock_in(5000)), 0);
    struct address seen = { .size = sizeof seen };
    assert_int_equal(getsockname(c.watch.fd, &seen.any, &seen.size), 0);
    address_set_port(&seen, 0);
    assert_true(address_equal(&seen, &from));
    conn_close(&c);
    close(fd);
    assert_int_equal(conn_connect(&c, &at, NULL, clock_in(5000)), -ECONNREFUSED);
    assert_false(conn_is_open(&c));
}

static void
use_unix_sockets(void *arg)
{
    char dir[] = "/tmp/usher-conn-XXXXXX", path[80];
    const char *step;
    struct conn c;
    assert_non_null(mkdtemp(dir));
    struct listen_options o = { .backlog = 4, .fastopen = -1, .so_keepalive = -1 };
    snprintf(path, sizeof path, "unix:%s/s", dir);
    assert_true(address_parse(str_of(path), 0, &o.address));
    int fd = listen_open(&o, &step);
    assert_true(fd >= 0);
    assert_int_equal(listen_open(&o, &step), -EADDRINUSE); /* somebody listens */
    assert_string_equal(step, "bind()");
    assert_int_equal(conn_connect(&c, &o.address, NULL, clock_in(5000)), 0);
    conn_close(&c);
    close(fd);
    assert_int_equal(conn_connect(&c, &o.address, NULL, clock_in(5000)), -ECONNREFUSED);
    fd = listen_open(&o, &step); /* the abandoned file is replaced */
    assert_true(fd >= 0);
    close(fd);
    unlink(path + 5);
    rmdir(dir);
}

static void
cancel_reader(void *arg)
{
    struct conn *c = arg;
    char text[4];
    assert_int_equal(conn_read(c, text, sizeof text, NEVER), -ECANCELED);
    assert_int_equal(conn_read(c, text, sizeof text, NEVER), -ECANCELED);
}

static void
be_cancelled(void *arg)
{
    struct pair p;
    struct child reader;
    open_pair(&p);
    child_start(&reader, cancel_reader, &p.a);
    assert_int_equal(fiber_yield(), 0);
    child_cancel(&reader);
    child_join(&reader);
    close_pair(&p);
}

static void
count_turns(void *arg)
{
    for (unsigned *turns = arg; fiber_yield() == 0;)
        ++*turns;
}

/* Bytes are always there for the reader, which reads few at a time. */
static void
read_without_end(void *arg)
{
    struct pair p;
    struct child other;
    unsigned turns = 0;
    char text[16];
    static const char zeros[16 * 1024];
    open_pair(&p);
    assert_int_equal(conn_write(&p.a, zeros, sizeof zeros, 1000), 0);
    child_start(&other, count_turns, &turns);
    for (size_t i = 0; i < sizeof zeros / sizeof text; i++)
        assert_int_equal(conn_read(&p.b, text, sizeof text, clock_in(5000)), sizeof text);
    assert_true(turns >= sizeof zeros / sizeof text / 32);
    child_cancel(&other);
    child_join(&other);
    close_pair(&p);
}

#define IN_LOOP(name, fn)                              \
    static void name(void **state)                     \
    {                                                  \
        assert_int_equal(loop_run_fiber(fn, NULL), 0); \
        buffer_pool_trim(0);                           \
    }

IN_LOOP(bytes_go_both_ways_and_a_short_read_parks_the_next, ping_pong)
IN_LOOP(a_write_larger_than_the_socket_goes_out_whole, write_large)
IN_LOOP(a_file_is_sent_whole_and_a_short_one_is_an_error, send_file)
IN_LOOP(a_peer_that_does_not_read_times_the_writer_out, stall)
IN_LOOP(a_reset_reaches_reader_and_writer, reset)
IN_LOOP(bytes_or_an_end_make_an_idle_connection_stale, go_stale)
IN_LOOP(a_refused_connect_says_so_and_bind_is_honoured, be_refused)
IN_LOOP(unix_sockets_connect_and_an_abandoned_file_is_replaced, use_unix_sockets)
IN_LOOP(a_reader_that_never_waits_lets_others_run, read_without_end)
IN_LOOP(a_cancelled_reader_unwinds, be_cancelled)

static void
buffers_are_reused_last_in_first_out(void **state)
{
    struct buffer *big = buffer_take(BUFFER_SIZE + 1), *b = buffer_take(100);
    assert_int_equal(big->cap, BUFFER_SIZE + 1);
    assert_int_equal(b->cap, BUFFER_SIZE);
    memset(big->data, 1, big->cap);
    memset(b->data, 1, b->cap);
    buffer_put(big);
    buffer_put(b);
    buffer_put(NULL);
#ifndef ARENA_MALLOC
    assert_ptr_equal(buffer_take(BUFFER_SIZE), b);
    buffer_put(b);
#endif
    buffer_pool_trim(0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_both_ways_and_a_short_read_parks_the_next),
        cmocka_unit_test(a_write_larger_than_the_socket_goes_out_whole),
        cmocka_unit_test(a_file_is_sent_whole_and_a_short_one_is_an_error),
        cmocka_unit_test(a_peer_that_does_not_read_times_the_writer_out),
        cmocka_unit_test(a_reset_reaches_reader_and_writer),
        cmocka_unit_test(bytes_or_an_end_make_an_idle_connection_stale),
        cmocka_unit_test(a_refused_connect_says_so_and_bind_is_honoured),
        cmocka_unit_test(unix_sockets_connect_and_an_abandoned_file_is_replaced),
        cmocka_unit_test(a_reader_that_never_waits_lets_others_run),
        cmocka_unit_test(a_cancelled_reader_unwinds),
        cmocka_unit_test(buffers_are_reused_last_in_first_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
