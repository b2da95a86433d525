/* From a server's ssl_* settings to its TLS context and certificates.
 *
 * Servers whose settings differ in nothing but certificates share one context; thousands of them
 * are told apart by a look at the last one's profile. */
#include "exchange/secure/tls_server.h"

#include "exchange/hosts/listen_directive.h"
#include "exchange/secure/server_certificates.h"
#include "exchange/secure/server_ocsp.h"
#include "exchange/secure/ssl_file.h"

/* What the servers of one snapshot have in common. */
struct tls_servers {
    struct tls_profile last; /* what `context` was made of */
    struct tls_context *context;
    uint64_t verification;
    struct tls_server *first;
    struct map caches;  /* name of a session cache → its size */
    struct map checked; /* digests of certificates that their operator was told of */
};

struct building {
    struct compile *compile;
    struct tls_servers *all;
    const struct ssl_settings *settings;
    const struct virtual_server *server;
    struct tls_server *out;
};

static void
drop_all(struct compile *c, void *arg)
{
    struct tls_servers *all = arg;
    for (struct tls_server *t = all->first; t; t = t->next) {
        server_ocsp_drop(t);
        tls_context_drop(t->context);
        for (unsigned i = 0; i < t->n_certificates; i++)
            certificate_drop(t->certificates[i]);
    }
    if (all->context)
        tls_context_drop(all->context);
}

static struct tls_servers *
servers_of(struct compile *c)
{
    struct snapshot *snap = c->snapshot;
    if (snap->tls_servers == NULL) {
        snap->tls_servers = arena_new(c->arena, struct tls_servers);
        map_init(&snap->tls_servers->caches, c->arena, false);
        map_init(&snap->tls_servers->checked, c->arena, false);
        compile_finally(c, drop_all, snap->tls_servers);
    }
    return snap->tls_servers;
}

static bool
load_ticket_keys(struct building *b, struct tls_profile *p)
{
    const struct ssl_file *f;
    unsigned n = 0;
    for (f = b->settings->ticket_keys.first; f; f = f->next)
        n++;
    struct str *keys = n ? arena_array(b->compile->arena, struct str, n) : NULL;
    p->ticket_keys = keys;
    for (f = b->settings->ticket_keys.first; f; f = f->next) {
        struct str *key = &keys[p->n_ticket_keys++];
        if (!ssl_file_load(b->compile, f, key))
            return false;
        if (key->n != 48 && key->n != 80) {
            diag_add(b->compile->diags, LEVEL_EMERG, f->span,
                     "\"" STR_FMT "\" must be 48 or 80 bytes", STR_ARG(f->path));
            return false;
        }
    }
    return true;
}

/* --- the context --- */

static bool
load_verification(struct building *b, struct tls_profile *p)
{
    const struct ssl_settings *s = b->settings;
    struct str client, trusted;
    bool needed = s->verify == TLS_VERIFY_ON || s->verify == TLS_VERIFY_OPTIONAL;
    if (s->verify == TLS_VERIFY_OFF)
        return true;
    if (needed && s->client_certificate == NULL && s->trusted_certificate == NULL) {
        diag_add(b->compile->diags, LEVEL_EMERG, b->server->span,
                 "no ssl_client_certificate or ssl_trusted_certificate for ssl_verify_client");
        return false;
    }
    if (!ssl_file_load(b->compile, s->client_certificate, &client) ||
        !ssl_file_load(b->compile, s->trusted_certificate, &trusted) ||
        !ssl_file_load(b->compile, s->crl, &p->crl))
        return false;
    p->verify = s->verify;
    p->verify_depth = s->verify_depth;
    p->announced = client;
    p->trusted = client.n == 0    ? trusted
                 : trusted.n == 0 ? client
                                  : arena_join(b->compile->arena, client, trusted);
    return true;
}

/* A cache is known by its name: two sizes of one are a mistake. */
static bool
check_cache(struct building *b)
{
    const struct ssl_session_cache *cache = &b->settings->session_cache;
    const struct bytes *size = cache->name.p ? map_try(&b->all->caches, cache->name) : NULL;
    if (size && size->n != cache->size.n) {
        diag_add(b->compile->diags, LEVEL_EMERG, b->server->span,
                 "the size %llu of shared memory zone \"" STR_FMT
                 "\" conflicts with already declared size %llu",
                 (unsigned long long)cache->size.n, STR_ARG(cache->name),
                 (unsigned long long)size->n);
        return false;
    }
    if (cache->name.p && size == NULL)
        map_put(&b->all->caches, cache->name, (void *)&cache->size);
    return true;
}

static bool
fill_profile(struct building *b, struct tls_profile *p)
{
    const struct ssl_settings *s = b->settings;
    memset(p, 0, sizeof *p); /* padding too: profiles are compared as bytes */
    p->server = true;
    p->protocols = s->protocols;
    p->ciphers = s->ciphers;
    p->curves = str_eq(s->curves, STR("auto")) ? STR_NONE : s->curves;
    p->prefer_server_ciphers = s->prefer_server_ciphers;
    p->commands = s->commands;
    p->tickets = s->session_tickets;
    p->session_ids = !s->session_cache.off;
    p->session_cache = s->session_cache.name;
    p->session_cache_size = s->session_cache.size.n;
    p->session_timeout_ms = s->session_timeout.ms;
    p->early_data = s->early_data;
    p->key_log = s->key_log;
    return check_cache(b) && ssl_file_load(b->compile, s->dhparam, &p->dhparam) &&
           load_ticket_keys(b, p) && load_verification(b, p);
}

static uint64_t
verification_of(const struct tls_profile *p)
{
    if (p->verify == TLS_VERIFY_OFF)
        return 0;
    uint64_t sum = str_hash(p->trusted) * 31 + str_hash(p->crl);
    sum = sum * 31 + p->verify_depth * 8 + p->verify;
    for (const struct tls_command *c = p->commands; c; c = c->next) /* may change it too */
        sum = sum * 31 + str_hash(c->name) + str_hash(c->value) * 7;
    return sum ? sum : 1;
}

/* Both were zeroed whole before they were filled. */
static bool
is_same(const void *profile, const void *other)
{
    return memcmp(profile, other, sizeof(struct tls_profile)) == 0;
}

/* NULL: none of them, or one of two. */
static const struct ssl_file *
at_fault(const struct ssl_settings *s, const struct tls_profile *p, const struct str *about)
{
    if (about == &p->dhparam)
        return s->dhparam;
    if (about == &p->crl)
        return s->crl;
    if (about == &p->announced || (about == &p->trusted && s->trusted_certificate == NULL))
        return s->client_certificate;
    return about == &p->trusted && s->client_certificate == NULL ? s->trusted_certificate : NULL;
}

static bool
make_context(struct building *b)
{
    struct tls_servers *all = b->all;
    struct tls_profile p;
    struct tls_problem problem;
    if (!fill_profile(b, &p))
        return false;
    if (all->context == NULL || !is_same(&p, &all->last)) {
        struct tls_context *context = tls_context_get(&p, &problem);
        if (context == NULL) {
            ssl_file_blame(b->compile, LEVEL_EMERG, at_fault(b->settings, &p, problem.about),
                           b->server->span, &problem);
            return false;
        }
        if (all->context)
            tls_context_drop(all->context);
        all->context = context;
        memcpy(&all->last, &p, sizeof p);
        all->verification = verification_of(&p);
    }
    tls_context_hold(all->context);
    b->out->context = all->context;
    b->out->verify = p.verify;
    b->out->verification = all->verification;
    return true;
}

/* The default server of an address must have something to present. */
static void
check_defaults(struct building *b, const struct server_build *server)
{
    for (const struct listen_use *u = server->listens; u; u = u->next)
        if (u->address->tls && u->address->fallback == b->server && !tls_server_is_whole(b->out)) {
            diag_add(b->compile->diags, LEVEL_EMERG, b->server->span,
                     "no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive");
            return;
        }
}

static bool
wants_tls(const struct server_build *server)
{
    for (const struct listen_use *u = server->listens; u; u = u->next)
        if (u->address->tls)
            return true;
    return false;
}

void
tls_server_build(struct compile *c, void *arg)
{
    struct server_build *server = arg;
    if (!wants_tls(server))
        return;
    struct tls_server *t = arena_new(c->arena, struct tls_server);
    struct building b = { .compile = c,
                          .all = servers_of(c),
                          .settings = scope_settings(server->scope, &ssl_directives),
                          .server = server->server,
                          .out = t };
    t->server = server->server;
    t->reject = b.settings->reject_handshake;
    t->buffer_size = b.settings->buffer_size.n;
    if (!make_context(&b))
        return;
    t->next = b.all->first;
    b.all->first = t;
    server->server->tls = t;
    if (server_certificates_load(c, server, b.settings, &b.all->checked, t))
        check_defaults(&b, server);
    server_ocsp_load(c, server, b.settings, t);
}

void
tls_servers_tell_broken(const struct snapshot *s)
{
    const struct tls_server *t = s->tls_servers ? s->tls_servers->first : NULL;
    for (; t; t = t->next)
        if (t->broken)
            log_write(error_log_global(), LEVEL_ERROR, 0,
                      "server \"" STR_FMT "\" in " STR_FMT ":%u has no certificate: %s",
                      STR_ARG(t->server->name), STR_ARG(t->server->span.source->path),
                      t->server->span.line,
                      t->n_certificates ? "only what its others allow is served"
                                        : "its handshakes are refused");
}

unsigned
tls_servers_broken(const struct snapshot *s)
{
    unsigned n = 0;
    const struct tls_server *t = s->tls_servers ? s->tls_servers->first : NULL;
    for (; t; t = t->next)
        n += t->broken;
    return n;
}
