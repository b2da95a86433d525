/* The client's handshake: says whom it wants and believes only who can prove to be that. */
#include "tls/state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

enum { NAME_MAX_SIZE = 256 };

static int
shake_hands(struct tls_session *s)
{
    return SSL_do_handshake(s->ssl);
}

/* OpenSSL wants it with a NUL. False: no host name can be that long. */
static bool
terminate(struct str name, char out[NAME_MAX_SIZE])
{
    if (name.n >= NAME_MAX_SIZE || memchr(name.p, '\0', name.n))
        return false;
    memcpy(out, name.p, name.n);
    out[name.n] = '\0';
    return true;
}

static bool
is_address(const char *name)
{
    struct in6_addr any;
    return inet_pton(AF_INET, name, &any) == 1 || inet_pton(AF_INET6, name, &any) == 1;
}

/* An address is not a name to be sent (RFC 6066 3). */
static bool
set_server_name(SSL *ssl, struct str name)
{
    char text[NAME_MAX_SIZE];
    if (name.n == 0)
        return true;
    return terminate(name, text) && (is_address(text) || SSL_set_tlsext_host_name(ssl, text) == 1);
}

static bool
set_verify_name(SSL *ssl, struct str name)
{
    char text[NAME_MAX_SIZE];
    if (name.n == 0)
        return true;
    if (!terminate(name, text))
        return false;
    if (is_address(text))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), text) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, text) == 1;
}

static bool
set_alpn(SSL *ssl, struct str name)
{
    unsigned char list[NAME_MAX_SIZE];
    if (name.n == 0)
        return true;
    if (name.n >= sizeof list)
        return false;
    list[0] = (unsigned char)name.n;
    memcpy(list + 1, name.p, name.n);
    return SSL_set_alpn_protos(ssl, list, (unsigned)name.n + 1) == 0;
}

static const char *
aim(SSL *ssl, const struct tls_target *t)
{
    struct certificate *c = t->certificate;
    if (!set_server_name(ssl, t->server_name))
        return "SSL_set_tlsext_host_name() failed";
    if (t->context->verify != TLS_VERIFY_OFF && !set_verify_name(ssl, t->verify_name))
        return "SSL_set1_host() failed";
    if (!set_alpn(ssl, t->alpn))
        return "SSL_set_alpn_protos() failed";
    if (c && !tls_present(ssl, c))
        return "SSL_use_cert_and_key() failed";
    return NULL;
}

/* In nginx's words. */
static int
refuse(SSL *ssl, const struct tls_target *t, struct tls_problem *p)
{
    long result = SSL_get_verify_result(ssl);
    if (result == X509_V_ERR_HOSTNAME_MISMATCH || result == X509_V_ERR_IP_ADDRESS_MISMATCH)
        tls_problem_say(p, "upstream SSL certificate does not match \"" STR_FMT "\"",
                        STR_ARG(t->verify_name));
    else
        tls_problem_say(p, "upstream SSL certificate verify error: (%ld:%s)", result,
                        X509_verify_cert_error_string(result));
    return -EKEYREJECTED;
}

/* A session that is resumed asks for no certificate again: it counts only for who was proven then
 * and as whom we came. */
static uint64_t
key_of(const struct tls_target *t)
{
    if (t->session_key == 0)
        return 0;
    uint64_t key = t->session_key * 31 + str_hash(t->server_name);
    key = key * 31 + str_hash(t->verify_name);
    key = key * 31 + str_hash(t->alpn);
    key = key * 31 + (uintptr_t)t->certificate;
    return key ? key : 1;
}

static void
offer_session(struct tls_session *s, const struct tls_target *t)
{
    s->session_key = key_of(t);
    SSL_SESSION *former =
        s->session_key ? client_sessions_try(&t->context->sessions, s->session_key) : NULL;
    if (former)
        (void)SSL_set_session(s->ssl, former);
    SSL_SESSION_free(former);
}

static int
connect_on(struct tls_session *s, const struct tls_target *t, uint64_t deadline)
{
    struct tls_handshake *h = s->handshake;
    ERR_clear_error();
    const char *failed = aim(s->ssl, t);
    if (failed) {
        tls_problem_take(h->problem, failed);
        return -EPROTO;
    }
    int e = tls_shake(s, h, deadline);
    if (e == -EPROTO && t->context->verify != TLS_VERIFY_OFF &&
        SSL_get_verify_result(s->ssl) != X509_V_OK)
        return refuse(s->ssl, t, h->problem);
    return e;
}

int
tls_connect(struct conn *c, const struct tls_target *target, uint64_t deadline,
            struct tls_problem *p)
{
    struct tls_handshake h = { .step = shake_hands, .problem = p };
    struct tls_session *s = tls_session_open(c, target->context);
    if (s == NULL) {
        tls_problem_take(p, "SSL_new() failed");
        return -EPROTO;
    }
    s->handshake = &h;
    offer_session(s, target);
    int e = connect_on(s, target, deadline);
    s->handshake = NULL;
    if (e < 0)
        tls_session_close(s);
    return e;
}
