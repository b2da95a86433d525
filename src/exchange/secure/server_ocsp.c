/* What cannot be stapled is a warning: clients that want to know ask for themselves. */
#include "exchange/secure/server_ocsp.h"

#include "exchange/secure/certificate_settings.h"
#include "exchange/secure/ocsp_settings.h"
#include "exchange/secure/ssl_file.h"
#include "tls/ocsp_peer.h"
#include "tls/ocsp_staple.h"

static void
load_staples(struct compile *c, const struct server_build *server,
             const struct ssl_settings *settings, const struct ocsp_settings *my,
             struct tls_server *out)
{
    struct ocsp_staple_profile profile = { .responder = my->stapling_responder,
                                           .verify = my->stapling_verify,
                                           .resolver = upstream_resolver(server->scope) };
    if (!my->stapling || out->n_certificates == 0 ||
        !ssl_file_load(c, my->stapling_file, &profile.response) ||
        !ssl_file_load(c, settings->trusted_certificate, &profile.trusted))
        return;
    out->staples = arena_array(c->arena, struct ocsp_staple *, out->n_certificates);
    for (unsigned i = 0; i < out->n_certificates; i++) {
        struct tls_problem p;
        profile.certificate = out->certificates[i];
        out->staples[i] = ocsp_staple_get(&profile, &p);
        if (out->staples[i] == NULL)
            ssl_file_blame(c, LEVEL_WARN, p.about ? my->stapling_file : NULL,
                           settings->certificates.first->span, &p);
    }
}

static void
load_peers(struct compile *c, const struct server_build *server, const struct ocsp_settings *my,
           struct tls_server *out)
{
    if (my->clients == OCSP_CLIENTS_OFF || out->verify == TLS_VERIFY_OFF)
        return;
    if (out->verify == TLS_VERIFY_OPTIONAL_NO_CA) {
        diag_add(c->diags, LEVEL_EMERG, server->server->span,
                 "\"ssl_ocsp\" is incompatible with \"ssl_verify_client optional_no_ca\"");
        return;
    }
    out->ocsp = arena_new(c->arena, struct ocsp_peer_settings);
    *out->ocsp = (struct ocsp_peer_settings){ .leaf_only = my->clients == OCSP_CLIENTS_LEAF,
                                              .responder = my->responder,
                                              .resolver = upstream_resolver(server->scope) };
    if (my->cache.name.n)
        out->ocsp->cache = ocsp_cache_get(my->cache.name, my->cache.size.n);
    /* Who came by a handshake that did not ask has not been judged as this server wants. */
    out->verification = out->verification * 31 + my->clients + str_hash(my->responder);
}

void
server_ocsp_load(struct compile *c, const struct server_build *server,
                 const struct ssl_settings *settings, struct tls_server *out)
{
    const struct ocsp_settings *my = scope_settings(server->scope, &ocsp_directives);
    const struct certificate_settings *care =
        scope_settings(server->scope, &certificate_directives);
    load_staples(c, server, settings, my, out);
    load_peers(c, server, my, out);
    if (care->watch && my->stapling_file)
        sources_watch(c->sources, my->stapling_file->path);
}

void
server_ocsp_drop(struct tls_server *t)
{
    for (unsigned i = 0; t->staples && i < t->n_certificates; i++)
        if (t->staples[i])
            ocsp_staple_drop(t->staples[i]);
    if (t->ocsp && t->ocsp->cache)
        ocsp_cache_drop(t->ocsp->cache);
}
