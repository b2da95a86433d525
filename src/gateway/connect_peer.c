/* A try's connection: from the pool or opened, as whom, and what to say when there is none. */
#include "gateway/outcome.h"
#include "gateway/proxy_header.h"
#include "gateway/tls_settings.h"

#include "exchange/upstream_trail.h"

#include <errno.h>

static bool
find_bind_address(struct gateway *g, struct address *out)
{
    if (g->my->bind == NULL)
        return false;
    struct str text = template_eval(g->my->bind, g->x);
    if (text.n == 0 || str_eq(text, STR("off")))
        return false;
    if (address_parse(text, 0, out))
        return true;
    exchange_log(g->x, LEVEL_ERROR, 0, "invalid local address \"" STR_FMT "\"", STR_ARG(text));
    return false;
}

/* No descriptors, no memory: no peer is to blame, and none would help. */
static bool
is_ours(int error)
{
    return error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM;
}

/* TLS did not come to be. */
static struct outcome
handshake_fault(struct gateway *g, int error, const struct tls_problem *p)
{
    const char *text = p->text[0] ? arena_dup(&g->x->arena, str_of(p->text)).p : NULL;
    g->x->doing = "SSL handshaking to upstream";
    switch (error) {
    case -ETIMEDOUT:
        return (struct outcome){ FAULT_UPSTREAM_CONNECT_TIMEOUT, ETIMEDOUT,
                                 "while SSL handshaking to upstream" };
    case -EKEYREJECTED:
        return (struct outcome){ FAULT_UPSTREAM_CERTIFICATE, 0, text };
    case -ENOPROTOOPT:
        return (struct outcome){ FAULT_UPSTREAM_HANDSHAKE, 0,
                                 "upstream did not choose HTTP/2 by ALPN" };
    case -EPROTO:
        return (struct outcome){ FAULT_UPSTREAM_HANDSHAKE, 0, text };
    default:
        return (struct outcome){ FAULT_UPSTREAM_HANDSHAKE, -error, NULL };
    }
}

static struct outcome
connect_fault(struct gateway *g, int error, const struct connect_problem *p)
{
    if (is_ours(error))
        return (struct outcome){ FAULT_INTERNAL, -error, "socket() failed" };
    if (p->handshaking)
        return handshake_fault(g, error, &p->tls);
    if (error == -ETIMEDOUT)
        return (struct outcome){ FAULT_UPSTREAM_CONNECT_TIMEOUT, ETIMEDOUT, NULL };
    return (struct outcome){ FAULT_UPSTREAM_REFUSED, -error, NULL };
}

/* May it not be sent a second time? Then the pooled connection's health is worth a system call. */
static bool
is_delicate(const struct gateway *g)
{
    return g->body_streams || !method_is_idempotent(g->x->request.method);
}

/* A connection that may be spoken on; one from the pool is looked at more closely for a request
 * that may not be sent twice. */
static int
take_connection(struct gateway *g, struct connect_options *o)
{
    struct attempt *a = &g->attempt;
    int r = attempt_connect(a, o);
    if (r < 0 || !a->conn->reused || a->conn->h2 || !is_delicate(g) ||
        !conn_is_stale_now(&a->conn->conn))
        return r;
    attempt_release(a, false);
    o->fresh = true;
    return attempt_connect(a, o);
}

struct outcome
gateway_connect(struct gateway *g, bool fresh)
{
    struct address bind;
    struct connect_problem problem; /* 512 bytes of text, which are seldom asked for */
    struct connect_options o = { .timeout_ms = g->my->connect_timeout.ms,
                                 .fresh = fresh,
                                 .socket_keepalive = g->my->socket_keepalive,
                                 .http2 = g->codec->shares,
                                 .problem = &problem };
    problem.handshaking = false;
    problem.tls.text[0] = '\0';
    if (find_bind_address(g, &bind))
        o.bind = &bind;
    g->x->doing = "connecting to upstream";
    if (g->tls && !gateway_tls_begin(g, &problem.tls))
        return (struct outcome){ FAULT_INTERNAL, 0,
                                 arena_dup(&g->x->arena, str_of(problem.tls.text)).p };
    o.tls = g->tls;
    o.identity = g->identity;
    if (g->my->proxy_protocol) {
        o.preface = gateway_proxy_header(g);
        o.identity = arena_join(&g->x->arena, o.preface, g->identity);
    }
    int r = take_connection(g, &o);
    if (g->tls)
        gateway_tls_end(g);
    if (r < 0)
        return connect_fault(g, r, &problem);
    g->step->connect_us = (int64_t)(clock_us() - g->step->began_us);
    return (struct outcome){ FAULT_NONE, 0, NULL };
}
