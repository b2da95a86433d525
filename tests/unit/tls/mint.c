/* Certificates of tests. Nothing here is checked but for being made at all. */
#define OPENSSL_API_COMPAT 0x10100000L
#include "mint.h"

#include "base/must.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

EVP_PKEY *
mint_key(const char *kind)
{
    EVP_PKEY *key = strcmp(kind, "EC") == 0        ? EVP_EC_gen("P-256")
                    : strcmp(kind, "RSA1024") == 0 ? EVP_RSA_gen(1024)
                    : strcmp(kind, "RSA2048") == 0 ? EVP_RSA_gen(2048)
                                                   : EVP_PKEY_Q_keygen(NULL, NULL, kind);
    must(key != NULL);
    return key;
}

static void
extend(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    must(e != NULL && X509_add_ext(x, e, -1));
    X509_EXTENSION_free(e);
}

static void
set_names(X509 *x, const struct mint *m)
{
    char names[300];
    X509_NAME *subject = X509_get_subject_name(x), *issuer = X509_NAME_new();
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const void *)m->name, -1, -1, 0);
    X509_NAME_add_entry_by_txt(issuer, "CN", MBSTRING_ASC,
                               (const void *)(m->issuer ? m->issuer : m->name), -1, -1, 0);
    must(X509_set_issuer_name(x, issuer));
    X509_NAME_free(issuer);
    snprintf(names, sizeof names, "DNS:%s", m->name);
    if (!m->authority)
        extend(x, NID_subject_alt_name, m->names ? m->names : names);
}

X509 *
mint_certificate(const struct mint *m)
{
    static long serial;
    enum { DAY = 24 * 3600 };
    bool dated = m->from_days || m->to_days;
    EVP_PKEY *key = m->key ? m->key : mint_key("EC");
    X509 *x = X509_new();
    must(x != NULL && X509_set_version(x, X509_VERSION_3) && X509_set_pubkey(x, key));
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(x), dated ? m->from_days * (long)DAY : -DAY);
    X509_gmtime_adj(X509_getm_notAfter(x), dated ? m->to_days * (long)DAY : 90L * DAY);
    set_names(x, m);
    if (m->authority)
        extend(x, NID_basic_constraints, "critical,CA:TRUE");
    if (m->usage)
        extend(x, NID_ext_key_usage, m->usage);
    if (m->responder)
        extend(x, NID_info_access, m->responder);
    must(X509_sign(x, m->signer ? m->signer : key,
                   EVP_get_digestbyname(m->digest ? m->digest : "SHA256")) > 0);
    if (m->key == NULL)
        EVP_PKEY_free(key);
    return x;
}

static char *
take_text(BIO *b)
{
    char *data;
    long n = BIO_get_mem_data(b, &data);
    char *text = calloc(1, (size_t)n + 1);
    memcpy(text, data, (size_t)n);
    BIO_free(b);
    return text;
}

char *
mint_pem(X509 *x)
{
    BIO *b = BIO_new(BIO_s_mem());
    must(PEM_write_bio_X509(b, x));
    return take_text(b);
}

char *
mint_key_pem(EVP_PKEY *key, bool traditional, const char *password)
{
    BIO *b = BIO_new(BIO_s_mem());
    const EVP_CIPHER *cipher = password ? EVP_aes_128_cbc() : NULL;
    must((traditional ? PEM_write_bio_PrivateKey_traditional : PEM_write_bio_PrivateKey)(
        b, key, cipher, NULL, 0, NULL, (void *)(uintptr_t)password));
    return take_text(b);
}

char *
mint_join(char *a, const char *b)
{
    char *text;
    must(asprintf(&text, "%s%s", a, b) >= 0);
    free(a);
    return text;
}
