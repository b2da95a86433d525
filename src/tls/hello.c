/* A server reads the ClientHello: whom it asks for, and what it can take. OpenSSL calls back twice:
 * the first time we only look and have it pause, so that the choice is made outside. */
#include "tls/state.h"

#include <openssl/err.h>

/* A big-endian number of `size` bytes off the front of *in; false when there is less. */
static bool
take_number(struct str *in, size_t size, size_t *out)
{
    if (in->n < size)
        return false;
    for (*out = 0; size > 0; size--) {
        *out = *out << 8 | (unsigned char)*in->p;
        *in = str_skip(*in, 1);
    }
    return true;
}

/* What follows its own length of `size` bytes. */
static bool
take_vector(struct str *in, size_t size, struct str *out)
{
    size_t n;
    if (!take_number(in, size, &n) || n > in->n)
        return false;
    *out = str_head(*in, n);
    *in = str_skip(*in, n);
    return true;
}

static struct str
extension(SSL *ssl, unsigned type)
{
    const unsigned char *p;
    size_t n;
    if (SSL_client_hello_get0_ext(ssl, type, &p, &n) != 1)
        return STR_NONE;
    return (struct str){ (const char *)p, n };
}

/* --- The server's name (RFC 6066 3) --- */

static bool
is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

/* Lower case and without the dot of the root; false when it is no host name. */
static bool
normalize(struct str name, char out[256], size_t *n)
{
    if (name.n > 0 && name.p[name.n - 1] == '.')
        name.n--;
    if (name.n == 0 || name.n > 255 || name.p[0] == '.')
        return false;
    for (size_t i = 0; i < name.n; i++) {
        out[i] = byte_lower(name.p[i]);
        if (!is_name_byte(out[i]) || (out[i] == '.' && i > 0 && out[i - 1] == '.'))
            return false;
    }
    *n = name.n;
    return true;
}

static void
read_name(struct tls_handshake *h, struct str in)
{
    struct str list, name;
    size_t type, n;
    if (in.p == NULL)
        return;
    if (take_vector(&in, 2, &list) && take_number(&list, 1, &type) && type == 0 &&
        take_vector(&list, 2, &name) && normalize(name, h->name, &n))
        h->hello.server_name = (struct str){ h->name, n };
    else
        h->hello.malformed_name = true;
}

/* --- What decides where the private key is used --- */

/* The high byte is a hash before TLS 1.3 and part of a name since; 03 is ECDSA in both, except for
 * the RSA-PSS and EdDSA schemes, whose low bytes are others. */
static bool
offers_ecdsa(struct str in)
{
    struct str list;
    size_t scheme;
    if (!take_vector(&in, 2, &list))
        return false;
    while (take_number(&list, 2, &scheme))
        if ((scheme & 0xff) == 3)
            return true;
    return false;
}

/* A ticket (RFC 5077), a pre-shared key (RFC 8446), or an ID where that means something. */
static bool
offers_session(SSL *ssl)
{
    const unsigned char *id;
    if (extension(ssl, TLSEXT_TYPE_session_ticket).n > 0 || extension(ssl, TLSEXT_TYPE_psk).n > 0)
        return true;
    return extension(ssl, TLSEXT_TYPE_supported_versions).p == NULL &&
           SSL_client_hello_get0_session_id(ssl, &id) > 0;
}

int
tls_on_hello(SSL *ssl, int *alert, void *arg)
{
    struct tls_handshake *h = tls_session_of(ssl)->handshake;
    if (!h->chosen) {
        read_name(h, extension(ssl, TLSEXT_TYPE_server_name));
        h->elliptic = offers_ecdsa(extension(ssl, TLSEXT_TYPE_signature_algorithms));
        h->may_resume = offers_session(ssl);
        h->seen = true;
        return SSL_CLIENT_HELLO_RETRY;
    }
    if (!h->choice.reject)
        return SSL_CLIENT_HELLO_SUCCESS;
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_CLIENT_HELLO_ERROR;
}

/* Only a full handshake gets here: one that resumes needs no certificate. */
int
tls_on_certificate(SSL *ssl, void *arg)
{
    const struct tls_handshake *h = tls_session_of(ssl)->handshake;
    if (h == NULL)
        return 1;
    for (unsigned i = 0; i < h->choice.n_certificates; i++)
        if (!tls_present(ssl, h->choice.certificates[i]))
            return 0;
    return 1;
}

/* The certificate is chosen by now; its response, if we have one, goes with it. */
int
tls_on_status(SSL *ssl, void *arg)
{
    const struct tls_handshake *h = tls_session_of(ssl)->handshake;
    const X509 *chosen = SSL_get_certificate(ssl);
    for (unsigned i = 0; h && h->choice.staples && i < h->choice.n_certificates; i++)
        if (certificate_leaf(h->choice.certificates[i]) == chosen)
            return ocsp_staple_answer(h->choice.staples[i], ssl);
    return SSL_TLSEXT_ERR_NOACK;
}

int
tls_on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in,
            unsigned in_n, void *arg)
{
    static const unsigned char ours[] = "\x02h2\x08http/1.1\x08http/1.0\x08http/0.9";
    const struct tls_handshake *h = tls_session_of(ssl)->handshake;
    unsigned skip = h && h->choice.http2 ? 0 : 3;
    if (SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_n, ours + skip,
                              sizeof ours - 1 - skip, in, in_n) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* no_application_protocol: RFC 7301 3.2 */
    return SSL_TLSEXT_ERR_OK;
}

/* The name was understood (RFC 6066 3); that the answer says so is all this does. */
int
tls_on_server_name(SSL *ssl, int *alert, void *arg)
{
    return SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) ? SSL_TLSEXT_ERR_OK
                                                              : SSL_TLSEXT_ERR_NOACK;
}
