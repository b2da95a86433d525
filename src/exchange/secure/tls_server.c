/* From a server's ssl_* settings to its TLS context and certificates.
 *
 * Servers whose settings differ in nothing but certificates share one context; thousands of them
 * are told apart by a look at the last one's profile. */
#include "exchange/secure/tls_server.h"

#include "exchange/hosts/listen_directive.h"
#include "exchange/secure/named_certificates.h"

/* What the servers of one snapshot have in common. */
struct tls_servers {
    struct tls_profile last; /* what `context` was made of */
    struct tls_context *context;
    uint64_t verification;
    struct tls_server *first;
    struct map caches; /* name of a session cache → its size */
};

struct building {
    struct compile *compile;
    struct tls_servers *all;
    const struct ssl_settings *settings;
    const struct virtual_server *server;
    struct tls_server *out;
    struct str *passwords;
    unsigned n_passwords;
};

static void
drop_all(struct compile *c, void *arg)
{
    struct tls_servers *all = arg;
    for (struct tls_server *t = all->first; t; t = t->next) {
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
        compile_finally(c, drop_all, snap->tls_servers);
    }
    return snap->tls_servers;
}

/* --- files --- */

static bool
load(struct building *b, const struct ssl_file *f, struct str *out)
{
    struct compile *c = b->compile;
    int error = 0;
    *out = STR_NONE;
    if (f == NULL)
        return true;
    const struct source *s = sources_open_data(c->sources, f->path, &error);
    if (s == NULL) {
        diag_add(c->diags, LEVEL_EMERG, f->span, "open() \"" STR_FMT "\" failed (%d: %s)",
                 STR_ARG(f->path), error, strerrordesc_np(error));
        return false;
    }
    *out = s->text;
    return true;
}

static bool
load_passwords(struct building *b)
{
    struct str text, line;
    if (!load(b, b->settings->passwords, &text))
        return false;
    for (size_t i = 0; i < text.n; i++)
        b->n_passwords += text.p[i] == '\n';
    b->passwords = arena_array(b->compile->arena, struct str, b->n_passwords + 1);
    b->n_passwords = 0;
    while (text.n) {
        line = str_cut(&text, '\n');
        if (str_ends(line, STR("\r")))
            line.n--;
        if (line.n)
            b->passwords[b->n_passwords++] = line;
    }
    return true;
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
        if (!load(b, f, key))
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
    if (!load(b, s->client_certificate, &client) || !load(b, s->trusted_certificate, &trusted) ||
        !load(b, s->crl, &p->crl))
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
    return check_cache(b) && load(b, s->dhparam, &p->dhparam) && load_ticket_keys(b, p) &&
           load_verification(b, p);
}

static uint64_t
verification_of(const struct tls_profile *p)
{
    if (p->verify == TLS_VERIFY_OFF)
        return 0;
    uint64_t sum = str_hash(p->trusted) * 31 + str_hash(p->crl);
    sum = sum * 31 + p->verify_depth * 8 + p->verify;
    return sum ? sum : 1;
}

/* Both were zeroed whole before they were filled. */
static bool
is_same(const void *profile, const void *other)
{
    return memcmp(profile, other, sizeof(struct tls_profile)) == 0;
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
            diag_add(b->compile->diags, LEVEL_EMERG, b->server->span, "%s", problem.text);
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

/* --- certificates --- */

static bool
read_pem(struct building *b, const struct ssl_file *f, const char *what, struct str *out)
{
    struct compile *c = b->compile;
    int error = 0;
    if (f->data) {
        *out = f->path;
        return true;
    }
    const struct source *s = sources_open_data(c->sources, f->path, &error);
    if (s == NULL) {
        diag_add(c->diags, LEVEL_EMERG, f->span,
                 "cannot load %s \"" STR_FMT "\": open() failed (%d: %s)", what, STR_ARG(f->path),
                 error, strerrordesc_np(error));
        return false;
    }
    *out = s->text;
    return true;
}

static bool
load_certificate(struct building *b, const struct ssl_file *f, const struct ssl_file *key)
{
    struct tls_problem problem;
    struct certificate_input in = { .path = f->path,
                                    .key_path = key->path,
                                    .passwords = b->passwords,
                                    .n_passwords = b->n_passwords };
    if (!read_pem(b, f, "certificate", &in.pem) ||
        !read_pem(b, key, "certificate key", &in.key_pem))
        return false;
    struct certificate *certificate = certificate_get(&in, &problem);
    if (certificate == NULL) {
        diag_add(b->compile->diags, LEVEL_EMERG, f->span, "%s", problem.text);
        return false;
    }
    b->out->certificates[b->out->n_certificates++] = certificate;
    return true;
}

static bool
has_variables(const struct ssl_settings *s)
{
    bool found = false;
    for (const struct ssl_file *f = s->certificates.first; f; f = f->next)
        found |= f->name != NULL;
    for (const struct ssl_file *f = s->keys.first; f; f = f->next)
        found |= f->name != NULL;
    return found;
}

/* Each certificate has its key, in order. Returns how many pairs there are, -1 when not. */
static int
count_pairs(struct building *b)
{
    const struct ssl_file *f = b->settings->certificates.first, *key = b->settings->keys.first;
    int n = 0;
    for (; f && key; f = f->next, key = key->next)
        n++;
    if (f) {
        diag_add(b->compile->diags, LEVEL_EMERG, f->span,
                 "no \"ssl_certificate_key\" is defined for certificate \"" STR_FMT "\"",
                 STR_ARG(f->text));
        return -1;
    }
    if (n <= CERTIFICATES_MAX)
        return n;
    diag_add(b->compile->diags, LEVEL_EMERG, b->settings->certificates.first->span,
             "a server has at most %d certificates", CERTIFICATES_MAX);
    return -1;
}

static bool
load_certificates(struct building *b)
{
    const struct ssl_settings *s = b->settings;
    const struct ssl_file *key = s->keys.first;
    struct tls_server *t = b->out;
    int n = count_pairs(b);
    bool fine = n >= 0;
    if (n <= 0 || !load_passwords(b))
        return fine;
    if (has_variables(s)) {
        t->named = named_certificates_open(b->compile, s, b->passwords, b->n_passwords);
        return true;
    }
    t->certificates = arena_array(b->compile->arena, struct certificate *, (unsigned)n);
    for (const struct ssl_file *f = s->certificates.first; f; f = f->next, key = key->next)
        fine = load_certificate(b, f, key) && fine;
    return fine;
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
    t->reject = b.settings->reject_handshake;
    t->buffer_size = b.settings->buffer_size.n;
    if (!make_context(&b))
        return;
    t->next = b.all->first;
    b.all->first = t;
    server->server->tls = t;
    if (load_certificates(&b))
        check_defaults(&b, server);
}
