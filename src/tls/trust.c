/* Whom a context believes: authorities, revocations, depth.
 *
 * A server asks for a certificate and lets the handshake end whatever it gets, so that the client
 * can be told in HTTP; who serves the request judges the result. A client believes or leaves. */
#include "tls/trust.h"

#include <openssl/err.h>
#include <openssl/pem.h>

static bool
add_info(X509_STORE *store, const X509_INFO *info, bool *any)
{
    if (info->x509 && X509_STORE_add_cert(store, info->x509) != 1)
        return false;
    if (info->crl && X509_STORE_add_crl(store, info->crl) != 1)
        return false;
    *any |= info->x509 || info->crl;
    return true;
}

/* All certificates and revocation lists of a PEM text. */
static bool
add_pem(X509_STORE *store, struct str pem)
{
    BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
    STACK_OF(X509_INFO) *all = in ? PEM_X509_INFO_read_bio(in, NULL, NULL, NULL) : NULL;
    bool any = false, fine = all != NULL;
    for (int i = 0; fine && i < sk_X509_INFO_num(all); i++)
        fine = add_info(store, sk_X509_INFO_value(all, i), &any);
    sk_X509_INFO_pop_free(all, X509_INFO_free);
    BIO_free(in);
    if (fine && !any)
        ERR_raise_data(ERR_LIB_PEM, PEM_R_NO_START_LINE, "no certificate");
    return fine && any;
}

static bool
announce(SSL_CTX *ctx, struct str pem)
{
    X509 *x = NULL;
    BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
    while (in && names && (x = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
        X509_NAME *name = X509_NAME_dup(X509_get_subject_name(x));
        X509_free(x);
        if (name == NULL || !sk_X509_NAME_push(names, name))
            break;
    }
    BIO_free(in);
    bool fine = names && sk_X509_NAME_num(names) > 0;
    if (fine) {
        ERR_clear_error(); /* the end of the text is one */
        SSL_CTX_set_client_CA_list(ctx, names);
    } else {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
    }
    return fine;
}

static int
let_pass(int fine, X509_STORE_CTX *store)
{
    return 1;
}

static void
set_verify(SSL_CTX *ctx, const struct tls_profile *profile)
{
    if (profile->verify == TLS_VERIFY_OFF)
        return;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, profile->server ? let_pass : NULL);
    SSL_CTX_set_verify_depth(ctx, (int)profile->verify_depth);
}

static bool
is_refused(struct tls_problem *p, const char *what, const struct str *about)
{
    tls_problem_take(p, what);
    p->about = about;
    return false;
}

bool
tls_trust(SSL_CTX *ctx, const struct tls_profile *profile, struct tls_problem *p)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    set_verify(ctx, profile);
    if (profile->trusted.p && !add_pem(store, profile->trusted))
        return is_refused(p, "SSL_CTX_load_verify_locations() failed", &profile->trusted);
    if (profile->crl.p && !add_pem(store, profile->crl))
        return is_refused(p, "X509_LOOKUP_load_file() failed", &profile->crl);
    if (profile->crl.p)
        X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return profile->announced.p == NULL || announce(ctx, profile->announced) ||
           is_refused(p, "SSL_load_client_CA_file() failed", &profile->announced);
}
