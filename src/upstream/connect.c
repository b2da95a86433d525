/* A new connection to a peer, as far as bytes can be said on it. */
#include "upstream/connect.h"

#include "base/must.h"
#include "h2/h2.h"
#include "upstream/pool.h"

#include <errno.h>
#include <stdlib.h>

static __thread uint64_t last_serial;

static struct str
copy(struct str text)
{
    char *p = text.n ? malloc(text.n) : NULL;
    must(p != NULL || text.n == 0);
    if (p)
        memcpy(p, text.p, text.n);
    return (struct str){ p, text.n };
}

/* What the identity names by address stays at that address. */
static void
keep_identity(struct upstream_conn *c, const struct connect_options *o)
{
    c->identity = copy(o->identity);
    c->local = o->bind ? address_hash(o->bind) : 0;
    if (o->tls == NULL)
        return;
    c->context = o->tls->context;
    tls_context_hold(c->context);
    c->certificate = o->tls->certificate;
    if (c->certificate)
        certificate_hold(c->certificate);
}

/* Sessions are resumed with the very peer, in the very role. */
static uint64_t
session_key(const struct connect_options *o, const struct address *to)
{
    uint64_t parts[2] = { str_hash(o->identity), address_hash(to) };
    uint64_t key = str_hash((struct str){ (const char *)parts, sizeof parts });
    return key ? key : 1;
}

static int
shake_hands(struct conn *c, const struct address *to, const struct connect_options *o,
            uint64_t deadline)
{
    struct tls_target target = *o->tls;
    if (target.session_key)
        target.session_key = session_key(o, to);
    o->problem->handshaking = true;
    int e = tls_connect(c, &target, deadline, &o->problem->tls);
    if (e == 0 && o->http2 && !str_eq(tls_alpn(c), STR("h2")))
        e = -ENOPROTOOPT;
    o->problem->handshaking = e < 0;
    return e;
}

static int
establish(struct conn *c, const struct address *to, const struct connect_options *o)
{
    uint64_t deadline = clock_in(o->timeout_ms);
    int e;
    do
        e = conn_connect(c, to, o->bind, deadline);
    while ((e == -EMFILE || e == -ENFILE) && pool_evict());
    if (e < 0)
        return e;
    if (to->any.sa_family != AF_UNIX)
        conn_set_nodelay(c, true);
    if (o->socket_keepalive)
        conn_set_keepalive(c, true);
    e = o->preface.n ? conn_write(c, o->preface.p, o->preface.n, o->timeout_ms) : 0;
    if (e == 0 && o->tls)
        e = shake_hands(c, to, o, deadline);
    if (e < 0)
        conn_close(c);
    return e;
}

struct upstream_conn *
connect_open(struct lane *l, const struct address *to, const struct connect_options *o, int *error)
{
    struct upstream_conn *c = calloc(1, sizeof *c);
    must(c != NULL);
    *error = establish(&c->conn, to, o);
    if (*error < 0) {
        free(c);
        return NULL;
    }
    c->opened_ms = clock_ms();
    c->lane = l;
    c->serial = ++last_serial;
    timer_init(&c->timer, NULL);
    keep_identity(c, o);
    return c;
}

void
connect_close(struct upstream_conn *c)
{
    timer_fini(&c->timer);
    if (c->h2)
        h2_link_close(c->h2);
    conn_close(&c->conn);
    if (c->context)
        tls_context_drop(c->context);
    if (c->certificate)
        certificate_drop(c->certificate);
    free((void *)c->identity.p);
    free(c);
}
