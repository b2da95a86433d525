/* Reading a PROXY protocol header: it is looked at in the socket until it is whole, and only it is
 * taken, so that what follows is read by whoever it is for. */
#include "front/proxied.h"

#include "base/must.h"
#include "exchange/proxied.h"
#include "front/front_thread.h"
#include "observe/log.h"
#include "wire/proxy_protocol.h"

#include <errno.h>
#include <stdlib.h>

static struct str
place(char **at, struct str s)
{
    char *p = *at;
    memcpy(p, s.p, s.n);
    *at += s.n;
    return (struct str){ p, s.n };
}

static struct address
address_of(enum proxy_family family, const struct proxy_end *end)
{
    struct address a = { .size = family == PROXY_IPV4 ? sizeof a.v4 : sizeof a.v6 };
    a.any.sa_family = family == PROXY_IPV4 ? AF_INET : AF_INET6;
    if (family == PROXY_IPV4)
        memcpy(&a.v4.sin_addr, end->address, 4);
    else
        memcpy(&a.v6.sin6_addr, end->address, 16);
    address_set_port(&a, end->port);
    return a;
}

static struct str
text_of(const struct proxy_end *end, const struct address *a, char room[ADDRESS_TEXT_MAX])
{
    return end->text.p ? end->text : (struct str){ room, address_print(a, false, room) };
}

/* One piece of memory, freed with the connection. */
static const struct proxied *
keep(const struct proxy_header *h)
{
    char room[2][ADDRESS_TEXT_MAX];
    const struct address source = address_of(h->family, &h->source);
    const struct address destination = address_of(h->family, &h->destination);
    struct str from = text_of(&h->source, &source, room[0]);
    struct str to = text_of(&h->destination, &destination, room[1]);
    struct proxied *p = malloc(sizeof *p + from.n + to.n + h->tlvs.n + 1);
    must(p != NULL);
    char *at = (char *)(p + 1);
    *p = (struct proxied){ .source = source, .destination = destination };
    p->source_text = place(&at, from);
    p->destination_text = place(&at, to);
    p->tlvs = h->tlvs.n ? place(&at, h->tlvs) : STR_NONE;
    return p;
}

static void
tell(const struct connection *c, enum log_level level, int error, const char *words)
{
    const struct listen_address *l = listener_listen(c->listener);
    const struct error_log *log = l ? l->fallback->root->error_log : error_log_global();
    if (!log_wants(log, level))
        return;
    if (error)
        log_write(log, level, c->client.serial,
                  "%s (%d: %s) while reading PROXY protocol, client: " STR_FMT ", server: " STR_FMT,
                  words, error, strerrordesc_np(error), STR_ARG(c->client.peer_text),
                  STR_ARG(c->listener->text));
    else
        log_write(log, level, c->client.serial,
                  "%s while reading PROXY protocol, client: " STR_FMT ", server: " STR_FMT, words,
                  STR_ARG(c->client.peer_text), STR_ARG(c->listener->text));
}

/* What came instead, as far as it can be shown. */
static void
tell_broken(const struct connection *c, struct str in)
{
    enum { SHOWN = 80 };
    char words[SHOWN + 32], *at = words + sprintf(words, "broken header: \"");
    for (size_t i = 0; i < in.n && i < SHOWN; i++)
        *at++ = in.p[i] >= ' ' && in.p[i] < 0x7f ? in.p[i] : '.';
    memcpy(at, "\"", 2);
    tell(c, LEVEL_ERROR, 0, words);
}

static void
tell_failed(const struct connection *c, int error)
{
    if (error == -ETIMEDOUT)
        tell(c, LEVEL_INFO, ETIMEDOUT, "client timed out");
    else if (error != -ECANCELED)
        tell(c, LEVEL_INFO, error == -EPIPE ? 0 : -error, "client closed connection");
}

/* More than `had` bytes are in the socket: how many, or -errno. */
static ssize_t
look(struct connection *c, char *room, size_t size, size_t had, uint64_t deadline)
{
    for (;;) {
        ssize_t n = recv(c->conn.watch.fd, room, size, MSG_PEEK | MSG_DONTWAIT);
        if (n > 0 && (size_t)n > had)
            return n;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            return -errno;
        if (n == 0 || c->conn.watch.ready & (WATCH_HANGUP | WATCH_ERROR))
            return -EPIPE;
        c->conn.watch.ready &= ~(unsigned)WATCH_READ;
        int e = conn_wait_readable(&c->conn, deadline);
        if (e < 0)
            return e;
    }
}

static bool
take(struct connection *c, uint64_t deadline)
{
    char room[PROXY_HEADER_MAX];
    struct proxy_header h;
    enum proxy_progress p = PROXY_MORE;
    ssize_t n = 0;
    while (p == PROXY_MORE) {
        n = look(c, room, sizeof room, (size_t)n, deadline);
        if (n < 0) {
            tell_failed(c, (int)n);
            return false;
        }
        p = proxy_header_parse((struct str){ room, (size_t)n }, &h);
    }
    if (p == PROXY_BAD) {
        tell_broken(c, (struct str){ room, (size_t)n });
        return false;
    }
    if (h.family != PROXY_UNKNOWN)
        c->client.proxied = keep(&h);
    return recv(c->conn.watch.fd, room, h.size, MSG_DONTWAIT) == (ssize_t)h.size;
}

bool
connection_take_proxied(struct connection *c, uint64_t deadline)
{
    if (take(c, deadline))
        return true;
    connection_release(c);
    return false;
}
