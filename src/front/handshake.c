/* The handshake: a look at the first byte, then OpenSSL's, within client_header_timeout of the
 * accept; and what the log says of one that fails, in nginx's words. */
#include "front/handshake.h"

#include "exchange/secure/greeting.h"
#include "exchange/secure/tls_server.h"

#include <errno.h>

/* First bytes of a TLS record with a hello, and of an SSLv2 one, which OpenSSL refuses by name. */
enum { HANDSHAKE_RECORD = 0x16, SSL2_RECORD = 0x80 };

/* 1 with the first byte, 0 at the end of the stream, or -errno. */
static int
peek(struct connection *c, unsigned char *byte, uint64_t deadline)
{
    for (;;) {
        ssize_t n = recv(c->conn.watch.fd, byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (n >= 0)
            return (int)n;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        c->conn.watch.ready &= ~(unsigned)WATCH_READ;
        int e = conn_wait_readable(&c->conn, deadline);
        if (e < 0)
            return e;
    }
}

static bool
is_our_fault(const char *text)
{
    return strstr(text, "internal error") || strstr(text, "malloc failure");
}

/* Who knocks and goes away, or knows no TLS, is no news to the operator: info. */
static void
tell(const struct tls_greeting *g, int error, const struct tls_problem *p)
{
    if (error == -EPROTO)
        tls_greeting_log(g, is_our_fault(p->text) ? LEVEL_CRIT : LEVEL_INFO, 0, p->text);
    else if (error == -ETIMEDOUT)
        tls_greeting_log(g, LEVEL_INFO, ETIMEDOUT, "client timed out");
    else if (error == 0)
        tls_greeting_log(g, LEVEL_INFO, 0, "client closed connection");
    else if (error != -ECANCELED)
        tls_greeting_log(g, LEVEL_INFO, -error, "peer closed connection in SSL handshake");
}

/* As connection_shake_hands, but for the release. */
static bool
shake(struct connection *c, struct tls_greeting *g, uint64_t deadline)
{
    struct tls_problem p = { .text = "" };
    unsigned char first;
    int r = peek(c, &first, deadline);
    if (r <= 0) {
        tell(g, r, &p);
        return false;
    }
    if (first != HANDSHAKE_RECORD && !(first & SSL2_RECORD)) {
        c->client.plain_on_tls = true;
        return true;
    }
    if (c->client.peer.any.sa_family != AF_UNIX)
        conn_set_nodelay(&c->conn, true);
    r = tls_accept(&c->conn, tls_greeting_context(g), tls_greeting_choose, g, STR_NONE, deadline,
                   &p);
    if (r < 0) {
        tell(g, r, &p);
        return false;
    }
    if (tls_greeting_check_peer(g, &c->conn, deadline) < 0)
        return false;
    c->client.tls = true;
    c->client.verification = g->tls->verification;
    return true;
}

bool
connection_shake_hands(struct connection *c, const struct listen_address *l)
{
    struct tls_greeting g;
    uint64_t deadline = c->client.began_ms + l->fallback->settings->client_header_timeout.ms;
    tls_greeting_init(&g, l, &c->client);
    bool fine = shake(c, &g, deadline);
    tls_greeting_fini(&g);
    if (!fine)
        connection_release(c);
    return fine;
}
