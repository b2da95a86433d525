/* Variables of the handshake: protocol, cipher, name, resumption. Each is asked of OpenSSL when it
 * is used. */
#include "base/buf.h"
#include "exchange/exchange.h"
#include "exchange/values/print.h"
#include "exchange/values/signature_scheme.h"
#include "exchange/values/variable.h"
#include "tls/session.h"

static SSL *
ssl_of(const struct exchange *x)
{
    const struct conn *c = client_tls(x->client);
    return c ? tls_ssl(c) : NULL;
}

/* As nginx has it: what is empty is not there. */
static bool
give_some(struct str value, struct str *out)
{
    *out = value;
    return value.n > 0;
}

static bool
get_protocol(struct exchange *x, struct str rest, struct str *out)
{
    const struct conn *c = client_tls(x->client);
    return c && give_some(tls_protocol_name(c), out);
}

static bool
get_cipher(struct exchange *x, struct str rest, struct str *out)
{
    const struct conn *c = client_tls(x->client);
    return c && give_some(tls_cipher_name(c), out);
}

static bool
get_alpn(struct exchange *x, struct str rest, struct str *out)
{
    const struct conn *c = client_tls(x->client);
    return c && give_some(tls_alpn(c), out);
}

static bool
get_server_name(struct exchange *x, struct str rest, struct str *out)
{
    const struct conn *c = client_tls(x->client);
    if (x->hello)
        return give_some(x->hello->server_name, out);
    return c && give_some(tls_server_name(c), out);
}

static bool
get_session_reused(struct exchange *x, struct str rest, struct str *out)
{
    const struct conn *c = client_tls(x->client);
    if (c == NULL)
        return false;
    *out = tls_is_resumed(c) ? STR("r") : STR(".");
    return true;
}

static bool
get_early_data(struct exchange *x, struct str rest, struct str *out)
{
    const struct conn *c = client_tls(x->client);
    if (c == NULL || !tls_is_early(c))
        return false;
    *out = STR("1");
    return true;
}

static bool
get_session_id(struct exchange *x, struct str rest, struct str *out)
{
    SSL *ssl = ssl_of(x);
    const SSL_SESSION *session = ssl ? SSL_get_session(ssl) : NULL;
    unsigned n = 0;
    if (session == NULL)
        return false;
    const unsigned char *id = SSL_SESSION_get_id(session, &n);
    *out = print_hex(x, id, n);
    return n > 0;
}

/* --- lists: what the client offered, joined by colons --- */

static void
put_name(struct buf *b, const char *name, unsigned code)
{
    if (b->n)
        buf_byte(b, ':');
    if (name)
        buf_put(b, str_of(name));
    else
        buf_printf(b, "0x%04x", code);
}

static bool
get_ciphers(struct exchange *x, struct str rest, struct str *out)
{
    SSL *ssl = ssl_of(x);
    const unsigned char *p = NULL;
    struct buf b;
    if (ssl == NULL)
        return false;
    long n = (long)SSL_get0_raw_cipherlist(ssl, &p);
    buf_init(&b, &x->arena, 512, 0);
    for (; n >= 2; n -= 2, p += 2) {
        const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, p);
        put_name(&b, cipher ? SSL_CIPHER_get_name(cipher) : NULL, p[0] * 256U + p[1]);
    }
    return give_some(buf_str(&b), out);
}

static void
put_group(struct buf *b, int nid)
{
    bool unknown = nid & TLSEXT_nid_unknown;
    put_name(b, unknown ? NULL : OBJ_nid2sn(nid), (unsigned)nid & 0xffff);
}

static bool
get_curves(struct exchange *x, struct str rest, struct str *out)
{
    SSL *ssl = ssl_of(x);
    struct buf b;
    int n = ssl ? (int)SSL_get1_groups(ssl, NULL) : 0;
    if (n <= 0)
        return false;
    int *nids = arena_array(&x->arena, int, (unsigned)n);
    n = (int)SSL_get1_groups(ssl, nids);
    buf_init(&b, &x->arena, 128, 0);
    for (int i = 0; i < n; i++)
        put_group(&b, nids[i]);
    return give_some(buf_str(&b), out);
}

static bool
get_curve(struct exchange *x, struct str rest, struct str *out)
{
    SSL *ssl = ssl_of(x);
    struct buf b;
    int nid = ssl ? (int)SSL_get_negotiated_group(ssl) : 0;
    if (nid == 0)
        return false;
    buf_init(&b, &x->arena, 32, 0);
    put_group(&b, nid);
    return give_some(buf_str(&b), out);
}

static bool
get_sigalgs(struct exchange *x, struct str rest, struct str *out)
{
    SSL *ssl = ssl_of(x);
    struct buf b;
    int n = ssl ? SSL_get_sigalgs(ssl, -1, NULL, NULL, NULL, NULL, NULL) : 0;
    buf_init(&b, &x->arena, 256, 0);
    for (int i = 0; i < n; i++) {
        unsigned char sign, hash;
        if (SSL_get_sigalgs(ssl, i, NULL, NULL, NULL, &sign, &hash) <= 0)
            break;
        put_name(&b, signature_scheme_of_code(hash * 256U + sign), hash * 256U + sign);
    }
    return give_some(buf_str(&b), out);
}

static bool
get_sigalg(struct exchange *x, struct str rest, struct str *out)
{
    SSL *ssl = ssl_of(x);
    return ssl && give_some(str_of(signature_scheme_ours(ssl)), out);
}

static bool
get_client_sigalg(struct exchange *x, struct str rest, struct str *out)
{
    SSL *ssl = ssl_of(x);
    return ssl && give_some(str_of(signature_scheme_theirs(ssl)), out);
}

/* Of encrypted client hello, which is not there. */
static bool
get_none(struct exchange *x, struct str rest, struct str *out)
{
    return false;
}

enum { EACH = VARIABLE_VOLATILE };

const struct variable tls_variables[] = {
    { "ssl_alpn_protocol", get_alpn, NULL, EACH, "The protocol that ALPN chose." },
    { "ssl_cipher", get_cipher, NULL, EACH, "Name of the cipher in use." },
    { "ssl_ciphers", get_ciphers, NULL, 0, "Ciphers that the client offered." },
    { "ssl_client_sigalg", get_client_sigalg, NULL, 0,
      "Signature algorithm with which the client proved its certificate." },
    { "ssl_curve", get_curve, NULL, 0, "Group of the key exchange." },
    { "ssl_curves", get_curves, NULL, 0, "Groups that the client offered." },
    { "ssl_early_data", get_early_data, NULL, EACH,
      "\"1\" if the request came as early data that may be a replay, else empty." },
    { "ssl_ech_outer_server_name", get_none, NULL, EACH, "Always empty." },
    { "ssl_ech_status", get_none, NULL, EACH, "Always empty." },
    { "ssl_protocol", get_protocol, NULL, EACH, "The protocol in use: TLSv1.3." },
    { "ssl_server_name", get_server_name, NULL, EACH,
      "The host that the client named in its handshake (SNI)." },
    { "ssl_session_id", get_session_id, NULL, 0, "The session's identifier." },
    { "ssl_session_reused", get_session_reused, NULL, EACH,
      "\"r\" if the session was resumed, else \".\"." },
    { "ssl_sigalg", get_sigalg, NULL, 0, "Signature algorithm of the server's handshake." },
    { "ssl_sigalgs", get_sigalgs, NULL, 0, "Signature algorithms that the client offered." },
    { 0 },
};
