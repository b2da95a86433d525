/* A scripted DNS server on a loopback port, UDP and TCP, served by fibers of the test's own loop.
 */
#pragma once

#include "net/conn.h"
#include "net/resolve.h"

#include <arpa/inet.h>
#include <unistd.h>

struct dns_script {
    const char *name;
    uint16_t type; /* 1: A, 28: AAAA */
    unsigned rcode;
    unsigned ttl;
    const char *addresses[4];
    bool silent;
    bool truncated; /* over UDP: come again by TCP */
};

struct dns_server {
    int fd;
    struct watch watch;
    struct address address;
    struct dns_script *script; /* ends with a NULL name; unknown questions get an empty answer */
    unsigned questions;        /* of type A */
    struct child child;
    struct watch listener;
    struct child acceptor;
    unsigned connections;
};

static size_t
read_question(const unsigned char *p, size_t n, char *name, uint16_t *type)
{
    size_t at = 12, out = 0;
    while (at < n && p[at]) {
        memcpy(name + out, p + at + 1, p[at]);
        out += p[at];
        name[out++] = '.';
        at += p[at] + 1u;
    }
    name[out ? out - 1 : 0] = '\0';
    *type = (uint16_t)(p[at + 1] << 8 | p[at + 2]);
    return at + 5;
}

static size_t
put_record(unsigned char *p, const struct dns_script *s, const char *address)
{
    size_t length = s->type == 1 ? 4 : 16;
    const unsigned char head[12] = { 0xc0,
                                     12,
                                     0,
                                     (unsigned char)s->type,
                                     0,
                                     1,
                                     0,
                                     0,
                                     (unsigned char)(s->ttl >> 8),
                                     (unsigned char)s->ttl,
                                     0,
                                     (unsigned char)length };
    memcpy(p, head, sizeof head);
    assert_int_equal(inet_pton(s->type == 1 ? AF_INET : AF_INET6, address, p + sizeof head), 1);
    return sizeof head + length;
}

static size_t
answer_question(struct dns_server *d, unsigned char *p, size_t n, bool udp)
{
    char name[256];
    uint16_t type;
    size_t end = read_question(p, n, name, &type), count = 0;
    d->questions += type == 1;
    p[2] = 0x81, p[3] = 0x80;
    memset(p + 6, 0, 6);
    for (struct dns_script *s = d->script; s->name; s++) {
        if (s->type != type || strcasecmp(s->name, name) != 0)
            continue;
        if (s->silent)
            return 0;
        if (s->truncated && udp) {
            p[2] |= 2;
            continue;
        }
        p[3] |= (unsigned char)s->rcode;
        for (; count < 4 && s->addresses[count]; count++)
            end += put_record(p + end, s, s->addresses[count]);
        p[7] = (unsigned char)count;
    }
    return end;
}

static void
serve_dns(void *arg)
{
    struct dns_server *d = arg;
    unsigned char packet[1500];
    struct address from;
    while (watch_wait(&d->watch, WATCH_READ, NEVER) == 0) {
        from.size = sizeof from;
        ssize_t n = recvfrom(d->fd, packet, 512, 0, &from.any, &from.size);
        if (n < 0)
            d->watch.ready = 0;
        size_t out = n > 12 ? answer_question(d, packet, (size_t)n, true) : 0;
        if (out)
            (void)sendto(d->fd, packet, out, 0, &from.any, from.size);
    }
}

static int
read_whole(struct conn *c, unsigned char *p, size_t n)
{
    for (size_t got = 0; got < n;) {
        ssize_t some = conn_read(c, p + got, n - got, NEVER);
        if (some <= 0)
            return -1;
        got += (size_t)some;
    }
    return 0;
}

static void
serve_stream(struct dns_server *d, struct conn *c)
{
    unsigned char packet[1500];
    while (read_whole(c, packet, 2) == 0) {
        size_t n = (size_t)packet[0] << 8 | packet[1];
        if (read_whole(c, packet + 2, n) < 0)
            return;
        n = answer_question(d, packet + 2, n, false);
        packet[0] = (unsigned char)(n >> 8), packet[1] = (unsigned char)n;
        /* In two pieces: a reader that expects it whole would wait for ever. */
        if (conn_write(c, packet, 1, 1000) < 0 || fiber_sleep(2) < 0 ||
            conn_write(c, packet + 1, n + 1, 1000) < 0)
            return;
    }
}

static void
accept_streams(void *arg)
{
    struct dns_server *d = arg;
    while (watch_wait(&d->listener, WATCH_READ, NEVER) == 0) {
        struct conn c;
        int fd = accept4(d->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            d->listener.ready = 0;
            continue;
        }
        d->connections++;
        assert_int_equal(conn_open(&c, fd, WATCH_WRITE), 0);
        serve_stream(d, &c);
        conn_close(&c);
    }
}

static void
dns_server_start(struct dns_server *d, struct dns_script *script)
{
    *d = (struct dns_server){ .script = script };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(address_parse(STR("127.0.0.1"), 0, &d->address));
    assert_int_equal(bind(fd, &d->address.any, d->address.size), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, &d->address.any, &d->address.size), 0);
    assert_int_equal(watch_open(&d->listener, fd, 0), 0);
    child_start(&d->acceptor, accept_streams, d);
    d->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(d->fd, &d->address.any, d->address.size), 0);
    assert_int_equal(watch_open(&d->watch, d->fd, 0), 0);
    child_start(&d->child, serve_dns, d);
}

static void
dns_server_stop(struct dns_server *d)
{
    child_cancel(&d->child);
    child_join(&d->child);
    child_cancel(&d->acceptor);
    child_join(&d->acceptor);
    int listener = d->listener.fd;
    watch_close(&d->listener);
    close(listener);
    watch_close(&d->watch);
    close(d->fd);
}

static inline struct resolver_settings
dns_server_settings(const struct dns_server *d)
{
    return (struct resolver_settings){
        .servers = &d->address, .n_servers = 1, .ipv4 = true, .ipv6 = true
    };
}
