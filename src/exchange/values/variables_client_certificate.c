/* Variables of the client's certificate. Each is made from it when it is first used. */
#include "base/buf.h"
#include "exchange/exchange.h"
#include "exchange/values/print.h"
#include "exchange/values/variable.h"
#include "tls/session.h"

#include <openssl/err.h>
#include <openssl/pem.h>

typedef bool print_fn(BIO *to, X509 *certificate);

static void
free_bio(BIO **b)
{
    BIO_free(*b);
}

static void
free_certificate(X509 **c)
{
    X509_free(*c);
}

static X509 *
certificate_of(const struct exchange *x)
{
    const struct conn *c = client_tls(x->client);
    return c ? SSL_get1_peer_certificate(tls_ssl(c)) : NULL;
}

/* What print writes of it, in x's arena. */
static bool
printed(struct exchange *x, print_fn *print, struct str *out)
{
    __attribute__((cleanup(free_certificate))) X509 *certificate = certificate_of(x);
    if (certificate == NULL)
        return false;
    __attribute__((cleanup(free_bio))) BIO *b = BIO_new(BIO_s_mem());
    char *p;
    bool fine = b && print(b, certificate);
    ERR_clear_error();
    if (!fine)
        return false;
    long n = BIO_get_mem_data(b, &p);
    *out = arena_dup(&x->arena, (struct str){ p, (size_t)n });
    return n > 0;
}

static bool
print_pem(BIO *to, X509 *c)
{
    return PEM_write_bio_X509(to, c);
}

static bool
print_subject(BIO *to, X509 *c)
{
    return X509_NAME_print_ex(to, X509_get_subject_name(c), 0, XN_FLAG_RFC2253) >= 0;
}

static bool
print_issuer(BIO *to, X509 *c)
{
    return X509_NAME_print_ex(to, X509_get_issuer_name(c), 0, XN_FLAG_RFC2253) >= 0;
}

static bool
print_old_name(BIO *to, const X509_NAME *name)
{
    char *text = X509_NAME_oneline(name, NULL, 0);
    bool fine = text && BIO_puts(to, text) >= 0;
    OPENSSL_free(text);
    return fine;
}

static bool
print_subject_legacy(BIO *to, X509 *c)
{
    return print_old_name(to, X509_get_subject_name(c));
}

static bool
print_issuer_legacy(BIO *to, X509 *c)
{
    return print_old_name(to, X509_get_issuer_name(c));
}

static bool
print_serial(BIO *to, X509 *c)
{
    return i2a_ASN1_INTEGER(to, X509_get0_serialNumber(c)) > 0;
}

static bool
print_start(BIO *to, X509 *c)
{
    return ASN1_TIME_print(to, X509_get0_notBefore(c));
}

static bool
print_end(BIO *to, X509 *c)
{
    return ASN1_TIME_print(to, X509_get0_notAfter(c));
}

/* Days that are left; 0 when it has expired. */
static bool
print_remaining(BIO *to, X509 *c)
{
    int days = 0, seconds = 0;
    if (!ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(c)))
        return false;
    return BIO_printf(to, "%d", days > 0 ? days : 0) > 0;
}

static bool
print_fingerprint(BIO *to, X509 *c)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    bool fine = X509_digest(c, EVP_sha1(), digest, &n);
    for (unsigned i = 0; i < n; i++)
        fine = fine && BIO_printf(to, "%02x", digest[i]) > 0;
    return fine;
}

static bool
get_raw(struct exchange *x, struct str rest, struct str *out)
{
    return printed(x, print_pem, out);
}

/* For a header field: each line but the first after a tab, without the last line's end. */
static bool
get_folded(struct exchange *x, struct str rest, struct str *out)
{
    struct str pem;
    struct buf b;
    if (!printed(x, print_pem, &pem))
        return false;
    pem.n -= str_ends(pem, STR("\n"));
    buf_init(&b, &x->arena, pem.n + 64, 0);
    for (size_t i = 0; i < pem.n; i++) {
        buf_byte(&b, pem.p[i]);
        if (pem.p[i] == '\n')
            buf_byte(&b, '\t');
    }
    *out = buf_str(&b);
    return true;
}

static bool
is_plain(unsigned char c)
{
    return (c >= '0' && c <= '9') || (byte_lower((char)c) >= 'a' && byte_lower((char)c) <= 'z') ||
           c == '-' || c == '.' || c == '_' || c == '~';
}

static bool
get_escaped(struct exchange *x, struct str rest, struct str *out)
{
    struct str pem;
    struct buf b;
    if (!printed(x, print_pem, &pem))
        return false;
    buf_init(&b, &x->arena, pem.n + pem.n / 4, 0);
    for (size_t i = 0; i < pem.n; i++) {
        unsigned char c = (unsigned char)pem.p[i];
        if (is_plain(c))
            buf_byte(&b, (char)c);
        else
            buf_printf(&b, "%%%02X", c);
    }
    *out = buf_str(&b);
    return true;
}

static bool
get_subject(struct exchange *x, struct str rest, struct str *out)
{
    return printed(x, print_subject, out);
}

static bool
get_issuer(struct exchange *x, struct str rest, struct str *out)
{
    return printed(x, print_issuer, out);
}

static bool
get_subject_legacy(struct exchange *x, struct str rest, struct str *out)
{
    return printed(x, print_subject_legacy, out);
}

static bool
get_issuer_legacy(struct exchange *x, struct str rest, struct str *out)
{
    return printed(x, print_issuer_legacy, out);
}

static bool
get_serial(struct exchange *x, struct str rest, struct str *out)
{
    return printed(x, print_serial, out);
}

static bool
get_start(struct exchange *x, struct str rest, struct str *out)
{
    return printed(x, print_start, out);
}

static bool
get_end(struct exchange *x, struct str rest, struct str *out)
{
    return printed(x, print_end, out);
}

static bool
get_remaining(struct exchange *x, struct str rest, struct str *out)
{
    return printed(x, print_remaining, out);
}

static bool
get_fingerprint(struct exchange *x, struct str rest, struct str *out)
{
    return printed(x, print_fingerprint, out);
}

static bool
get_verify(struct exchange *x, struct str rest, struct str *out)
{
    const struct conn *c = client_tls(x->client);
    if (c == NULL)
        return false;
    long error = SSL_get_verify_result(tls_ssl(c)); /* what is borne too */
    if (!tls_has_peer_certificate(c))
        *out = STR("NONE");
    else if (error == X509_V_OK)
        *out = STR("SUCCESS");
    else
        *out = arena_printf(&x->arena, "FAILED:%s", X509_verify_cert_error_string(error));
    return true;
}

const struct variable client_certificate_variables[] = {
    { "ssl_client_cert", get_folded, NULL, 0,
      "The client's certificate in PEM, folded for a header field; better "
      "$ssl_client_escaped_cert." },
    { "ssl_client_escaped_cert", get_escaped, NULL, 0,
      "The client's certificate in PEM, percent-encoded." },
    { "ssl_client_fingerprint", get_fingerprint, NULL, 0,
      "SHA1 fingerprint of the client's certificate." },
    { "ssl_client_i_dn", get_issuer, NULL, 0, "Issuer of the client's certificate (RFC 2253)." },
    { "ssl_client_i_dn_legacy", get_issuer_legacy, NULL, 0,
      "Issuer of the client's certificate, with slashes." },
    { "ssl_client_raw_cert", get_raw, NULL, 0, "The client's certificate in PEM." },
    { "ssl_client_s_dn", get_subject, NULL, 0, "Subject of the client's certificate (RFC 2253)." },
    { "ssl_client_s_dn_legacy", get_subject_legacy, NULL, 0,
      "Subject of the client's certificate, with slashes." },
    { "ssl_client_serial", get_serial, NULL, 0, "Serial number of the client's certificate." },
    { "ssl_client_v_end", get_end, NULL, 0, "When the client's certificate expires." },
    { "ssl_client_v_remain", get_remaining, NULL, 0,
      "Days until the client's certificate expires." },
    { "ssl_client_v_start", get_start, NULL, 0, "Since when the client's certificate is valid." },
    { "ssl_client_verify", get_verify, NULL, 0,
      "SUCCESS, FAILED:reason, or NONE if the client has sent no certificate." },
    { 0 },
};
