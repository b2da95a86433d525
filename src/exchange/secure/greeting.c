/* From a client's hello to its server: the listen address's table of names, as for a Host. */
#include "exchange/secure/greeting.h"

#include "exchange/secure/tls_server.h"
#include "exchange/snapshot.h"
#include "tls/ocsp_peer.h"

void
tls_greeting_init(struct tls_greeting *g, const struct listen_address *l, struct client *c)
{
    *g = (struct tls_greeting){ .snapshot = snapshot_current(),
                                .listen = l,
                                .client = c,
                                .server = l->fallback,
                                .tls = l->fallback->tls };
    snapshot_use(g->snapshot);
}

void
tls_greeting_fini(struct tls_greeting *g)
{
    for (unsigned i = 0; i < g->n_loaded; i++)
        certificate_drop(g->loaded[i]);
    if (g->x)
        exchange_close(g->x);
    snapshot_unuse(g->snapshot);
}

struct tls_context *
tls_greeting_context(const struct tls_greeting *g)
{
    return g->listen->fallback->tls->context;
}

void
tls_greeting_log(const struct tls_greeting *g, enum log_level level, int error, const char *words)
{
    const struct error_log *log = g->server->root->error_log;
    const struct str client = g->client->peer_text, server = g->listen->text;
    if (!log_wants(log, level))
        return;
    if (error)
        log_write(log, level, g->client->serial,
                  "%s (%d: %s) while SSL handshaking, client: " STR_FMT ", server: " STR_FMT, words,
                  error, strerrordesc_np(error), STR_ARG(client), STR_ARG(server));
    else
        log_write(log, level, g->client->serial,
                  "%s while SSL handshaking, client: " STR_FMT ", server: " STR_FMT, words,
                  STR_ARG(client), STR_ARG(server));
}

/* Variables are of an exchange: one that has nothing but the client and what it said. */
static void
load_named(struct tls_greeting *g, const struct tls_server *presenter,
           const struct tls_hello *hello)
{
    struct tls_problem p;
    g->x = exchange_open_in(g->snapshot, g->client, NULL, NULL);
    g->x->server = g->server;
    g->x->host = hello->server_name.p ? hello->server_name : g->server->name;
    g->x->hello = hello;
    int n = named_certificates_get(presenter->named, g->x, g->loaded, &p);
    g->x->hello = NULL;
    if (n < 0)
        tls_greeting_log(g, LEVEL_ERROR, 0, p.text);
    else
        g->n_loaded = (unsigned)n;
}

static void
find_server(struct tls_greeting *g, const struct tls_hello *hello)
{
    if (hello->server_name.p)
        g->server = listen_address_server(g->listen, hello->server_name, NULL);
    g->tls = g->server->tls;
}

/* A server without certificates of its own has its address's default server present its. */
static const struct tls_server *
presenter_of(const struct tls_greeting *g)
{
    return tls_server_is_whole(g->tls) ? g->tls : g->listen->fallback->tls;
}

/* What its certificates' issuers say of them; renewed meanwhile where that is due. */
static void
add_staples(const struct tls_server *t, struct tls_choice *out)
{
    out->staples = t->staples;
    for (unsigned i = 0; t->staples && i < t->n_certificates; i++)
        if (t->staples[i])
            ocsp_staple_tend(t->staples[i]);
}

/* Its own certificate is what its clients expect, and another's would be no use to them. */
static void
refuse(const struct tls_greeting *g, struct tls_choice *out)
{
    out->reject = true;
    tls_greeting_log(g, LEVEL_ERROR, 0, "server has no certificate, handshake refused");
}

void
tls_greeting_choose(void *greeting, const struct tls_hello *hello, struct tls_choice *out)
{
    struct tls_greeting *g = greeting;
    find_server(g, hello);
    const struct tls_server *t = presenter_of(g);
    *out = (struct tls_choice){ .context = g->tls->context,
                                .certificates = t->certificates,
                                .n_certificates = t->n_certificates,
                                .reject = t->reject,
                                .http2 = (g->listen->http2 || g->server->settings->http2),
                                .buffer_size = g->tls->buffer_size };
    if (t->broken && t->n_certificates == 0 && t->named == NULL && !t->reject)
        refuse(g, out);
    if (!out->reject)
        add_staples(t, out);
    if (t->named == NULL || out->reject)
        return;
    load_named(g, t, hello);
    out->certificates = g->loaded;
    out->n_certificates = g->n_loaded;
}

int
tls_greeting_check_peer(const struct tls_greeting *g, struct conn *conn, uint64_t deadline)
{
    struct tls_problem p = { .text = "" };
    if (g->tls->ocsp == NULL || !tls_has_peer_certificate(conn) ||
        tls_verify_result(conn) != X509_V_OK)
        return 0;
    int e = ocsp_peer_check(tls_ssl(conn), g->tls->ocsp, deadline, &p);
    if (e == 0 && p.text[0])
        tls_greeting_log(g, LEVEL_ERROR, 0, p.text);
    return e;
}
