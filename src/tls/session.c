/* A session's life, and what it knows. */
#include "tls/session.h"

#include "base/must.h"
#include "tls/state.h"

#include <stdlib.h>

static SSL *
make_ssl(struct tls_session *s, struct tls_context *context)
{
    SSL *ssl = SSL_new(context->ctx);
    BIO *bio = ssl ? tls_bio_open(s) : NULL;
    if (bio == NULL) {
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_bio(ssl, bio, bio);
    SSL_set_app_data(ssl, s);
    tls_kernel_offer(s, ssl);
    if (context->server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    return ssl;
}

struct tls_session *
tls_session_open(struct conn *c, struct tls_context *context)
{
    must(c->transport == NULL);
    struct tls_session *s = calloc(1, sizeof *s);
    must(s != NULL);
    s->conn = c;
    s->ssl = make_ssl(s, context);
    if (s->ssl == NULL) {
        free(s);
        return NULL;
    }
    c->transport = &tls_transport;
    c->session = s;
    return s;
}

bool
tls_session_renew(struct tls_session *s, struct tls_context *context)
{
    SSL *fresh = make_ssl(s, context);
    if (fresh == NULL)
        return false;
    SSL_free(s->ssl);
    s->ssl = fresh;
    s->kept.at = 0;
    return true;
}

bool
tls_present(SSL *ssl, struct certificate *c)
{
    X509 *leaf = certificate_leaf(c);
    return leaf && SSL_use_cert_and_key(ssl, leaf, c->key, c->chain, 1) == 1;
}

void
tls_session_close(struct tls_session *s)
{
    s->conn->transport = NULL;
    s->conn->session = NULL;
    SSL_free(s->ssl);
    buffer_put(s->out);
    buffer_put(s->plain);
    tls_kept_fini(&s->kept);
    free(s->server_name);
    free(s);
}

/* --- What it knows --- */

static const struct tls_session *
session_of(const struct conn *c)
{
    must(c->transport == &tls_transport);
    return c->session;
}

SSL *
tls_ssl(const struct conn *c)
{
    return session_of(c)->ssl;
}

struct str
tls_alpn(const struct conn *c)
{
    const unsigned char *name;
    unsigned n;
    SSL_get0_alpn_selected(tls_ssl(c), &name, &n);
    return n ? (struct str){ (const char *)name, n } : STR_NONE;
}

struct str
tls_server_name(const struct conn *c)
{
    return str_of(session_of(c)->server_name);
}

struct str
tls_protocol_name(const struct conn *c)
{
    return str_of(SSL_get_version(tls_ssl(c)));
}

struct str
tls_cipher_name(const struct conn *c)
{
    return str_of(SSL_get_cipher_name(tls_ssl(c)));
}

bool
tls_is_resumed(const struct conn *c)
{
    return SSL_session_reused(tls_ssl(c));
}

bool
tls_is_early(const struct conn *c)
{
    return !SSL_is_init_finished(tls_ssl(c));
}

/* Those that say nothing of the certificate but that we do not know its issuer. */
static bool
is_unknown_issuer(long result)
{
    return result == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
           result == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
           result == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
           result == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
           result == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE ||
           result == X509_V_ERR_CERT_UNTRUSTED;
}

long
tls_verify_result(const struct conn *c)
{
    SSL *ssl = tls_ssl(c);
    const struct tls_context *context = tls_context_of(SSL_get_SSL_CTX(ssl));
    long result = SSL_get_verify_result(ssl);
    if (context->verify == TLS_VERIFY_OPTIONAL_NO_CA && is_unknown_issuer(result))
        return X509_V_OK;
    return result;
}

bool
tls_has_peer_certificate(const struct conn *c)
{
    return SSL_get0_peer_certificate(tls_ssl(c)) != NULL;
}
