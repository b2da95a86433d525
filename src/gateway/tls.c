/* An exchange's identity towards its backend: no connection that was opened for one of another is
 * ever used for it. */
#include "gateway/tls.h"

#include "base/buf.h"

/* The host alone: "name:443", "[::1]:443". */
static struct str
host_of(struct str name)
{
    struct str host;
    int port;
    return address_split(name, &host, &port) ? host : name;
}

static void
put_name(struct buf *b, struct str name)
{
    buf_put(b, (struct str){ (const char *)&name.n, sizeof name.n });
    buf_put(b, name);
}

/* Context and certificate are held by the connections that carry this identity, so no other can be
 * at their addresses. Names may hold any byte: their lengths tell them apart. */
static struct str
identity_of(const struct gateway *g)
{
    const struct tls_target *t = g->tls;
    struct buf b;
    buf_init(&b, &g->x->arena, 128, 0);
    buf_put(&b, (struct str){ (const char *)&t->context, sizeof t->context });
    buf_put(&b, (struct str){ (const char *)&t->certificate, sizeof t->certificate });
    put_name(&b, t->alpn);
    put_name(&b, t->server_name);
    put_name(&b, t->verify_name);
    return buf_str(&b);
}

static void
aim_name(struct gateway *g)
{
    const struct gateway_tls_settings *my = g->target.tls;
    struct str name = host_of(my->name ? template_eval(my->name, g->x) : g->target.host);
    g->tls->server_name = my->server_name ? name : STR_NONE;
    g->tls->verify_name = my->verify ? name : STR_NONE;
}

void
gateway_tls_aim(struct gateway *g)
{
    const struct gateway_tls_settings *my = g->target.tls;
    struct tls_target *t = arena_new(&g->x->arena, struct tls_target);
    t->context = my->made->context;
    t->certificate = my->made->certificate;
    t->alpn = g->codec->shares ? STR("h2") : STR_NONE;
    t->session_key = my->session_reuse;
    g->tls = t;
    if (my->name == NULL || template_is_plain(my->name))
        aim_name(g);
}

/* A certificate whose name has variables is had for a try at a time, and the name that variables
 * give may be the try's; what is the same stays the same. */
bool
gateway_tls_begin(struct gateway *g, struct tls_problem *p)
{
    const struct gateway_tls *made = g->target.tls->made;
    struct certificate *some[CERTIFICATES_MAX];
    if (made->named) {
        int n = named_certificates_get(made->named, g->x, some, p);
        if (n < 0)
            return false;
        g->tls->certificate = some[0];
    }
    if (g->target.tls->name && !template_is_plain(g->target.tls->name))
        aim_name(g);
    g->identity = identity_of(g);
    return true;
}

void
gateway_tls_end(struct gateway *g)
{
    if (g->target.tls->made->named == NULL || g->tls->certificate == NULL)
        return;
    certificate_drop(g->tls->certificate);
    g->tls->certificate = NULL;
}
