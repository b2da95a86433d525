/* From the client's own certificate up; the root is believed. Who cannot be asked about is refused:
 * else whoever keeps the responder away would come in with what was stolen. */
#include "tls/ocsp_peer.h"

#include "tls/ocsp_fetch.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

struct checking {
    const struct ocsp_peer_settings *settings;
    STACK_OF(X509) * chain;
    uint64_t deadline;
    struct tls_problem *problem;
};

/* A resumed session knows its peer's certificate and no chain. */
static STACK_OF(X509) * verified_chain(SSL *ssl)
{
    STACK_OF(X509) *known = SSL_get0_verified_chain(ssl), *chain = NULL;
    if (known)
        return X509_chain_up_ref(known);
    X509 *x = SSL_get0_peer_certificate(ssl);
    X509_STORE_CTX *search = X509_STORE_CTX_new();
    X509_STORE *store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
    if (x && search && X509_STORE_CTX_init(search, store, x, SSL_get_peer_cert_chain(ssl)) == 1 &&
        X509_STORE_CTX_set_default(search, "ssl_client") == 1 && X509_verify_cert(search) == 1)
        chain = X509_STORE_CTX_get1_chain(search);
    X509_STORE_CTX_free(search);
    return chain;
}

static bool
key_of(const struct ocsp_subject *s, unsigned char out[OCSP_KEY])
{
    unsigned char *der = NULL;
    OCSP_CERTID *id = OCSP_cert_to_id(NULL, s->x, s->issuer);
    int n = id ? i2d_OCSP_CERTID(id, &der) : 0;
    bool fine = n > 0 && EVP_Digest(der, (size_t)n, out, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    OCSP_CERTID_free(id);
    return fine;
}

static struct str
responder_of(const struct checking *c, X509 *x, struct arena *a)
{
    if (c->settings->responder.n)
        return c->settings->responder;
    STACK_OF(OPENSSL_STRING) *urls = X509_get1_ocsp(x);
    struct str url = STR_NONE;
    if (urls && sk_OPENSSL_STRING_num(urls) > 0)
        url = arena_dup(a, str_of(sk_OPENSSL_STRING_value(urls, 0)));
    X509_email_free(urls);
    return url;
}

static int
ask(const struct checking *c, const struct ocsp_subject *s, struct ocsp_answer *out)
{
    struct arena a;
    struct str question, response;
    int e = -EINVAL;
    arena_init(&a, 0);
    struct str url = responder_of(c, s->x, &a);
    if (url.n == 0)
        tls_problem_say(c->problem, "no OCSP responder URL in the client's certificate");
    else if (!ocsp_question(s, &a, &question))
        tls_problem_say(c->problem, "OCSP request cannot be made");
    else
        e = ocsp_fetch(url, c->settings->resolver, question, &a, &response, c->deadline,
                       c->problem);
    if (e == 0 && !ocsp_response_read(s, response, out, c->problem))
        e = -EBADMSG;
    arena_fini(&a);
    return e;
}

/* X509_V_…, or -ECANCELED. */
static long
check_one(const struct checking *c, const struct ocsp_subject *s)
{
    unsigned char key[OCSP_KEY];
    struct ocsp_answer answer;
    struct ocsp_cache *cache = key_of(s, key) ? c->settings->cache : NULL;
    time_t now = (time_t)(clock_wall_us() / 1000000);
    if (cache == NULL || !ocsp_cache_find(cache, key, now, &answer.verdict)) {
        int e = ask(c, s, &answer);
        if (e < 0)
            return e == -ECANCELED ? e : X509_V_ERR_OCSP_VERIFY_FAILED;
        if (cache)
            ocsp_cache_put(cache, key, &answer);
    }
    if (answer.verdict == OCSP_GOOD)
        return X509_V_OK;
    tls_problem_say(c->problem, "certificate status \"%s\" in the OCSP response",
                    answer.verdict == OCSP_REVOKED ? "revoked" : "unknown");
    return answer.verdict == OCSP_REVOKED ? X509_V_ERR_CERT_REVOKED : X509_V_ERR_OCSP_CERT_UNKNOWN;
}

static long
check_chain(const struct checking *c)
{
    long result = X509_V_OK;
    int n = sk_X509_num(c->chain) - 1;
    if (c->settings->leaf_only && n > 1)
        n = 1;
    for (int i = 0; result == X509_V_OK && i < n; i++) {
        struct ocsp_subject s = { sk_X509_value(c->chain, i), sk_X509_value(c->chain, i + 1), NULL,
                                  NULL };
        result = check_one(c, &s);
    }
    return result;
}

int
ocsp_peer_check(SSL *ssl, const struct ocsp_peer_settings *s, uint64_t deadline,
                struct tls_problem *p)
{
    struct checking c = { s, verified_chain(ssl), deadline, p };
    long result = X509_V_ERR_OCSP_VERIFY_FAILED;
    if (c.chain)
        result = check_chain(&c);
    else
        tls_problem_say(p, "the client's certificate chain is not known");
    sk_X509_pop_free(c.chain, X509_free);
    ERR_clear_error();
    if (result == -ECANCELED)
        return -ECANCELED;
    SSL_set_verify_result(ssl, result);
    return 0;
}
