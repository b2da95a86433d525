/* A certificate is read in a library context without algorithms: its public key is kept as bytes
 * then, which spares nine tenths of the time (OpenSSL 3.0). Intermediates are presented and checked
 * by peers only; thousands of files hold the same few, so the last ones seen are kept. */
#include "tls/certificate_load.h"

#include "base/must.h"
#include "tls/private_key.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <pthread.h>

enum { KNOWN = 64 };

static struct known {
    X509 *x;
    unsigned char *der;
    size_t n;
} known[KNOWN];
static pthread_mutex_t known_lock = PTHREAD_MUTEX_INITIALIZER;

static OSSL_LIB_CTX *bare;
static pthread_once_t bare_once = PTHREAD_ONCE_INIT;

static void
make_bare(void)
{
    bare = OSSL_LIB_CTX_new();
    must(bare != NULL && OSSL_PROVIDER_load(bare, "null") != NULL);
}

static X509 *
decode_facts(const unsigned char *der, long n, bool trusted)
{
    pthread_once(&bare_once, make_bare);
    X509 *x = X509_new_ex(bare, NULL);
    must(x != NULL);
    X509 *read = trusted ? d2i_X509_AUX(&x, &der, n) : d2i_X509(&x, &der, n);
    return read; /* a failure has freed x */
}

/* What was found in its place leaves; whoever presents it holds it. */
static X509 *
decode_intermediate(const unsigned char *der, size_t n)
{
    struct known *k = &known[str_hash((struct str){ (const char *)der, n }) % KNOWN];
    X509 *x = NULL;
    pthread_mutex_lock(&known_lock);
    if (k->n == n && memcmp(k->der, der, n) == 0) {
        X509_up_ref(k->x);
        x = k->x;
    }
    pthread_mutex_unlock(&known_lock);
    const unsigned char *at = der;
    if (x || (x = d2i_X509(NULL, &at, (long)n)) == NULL)
        return x;
    unsigned char *copy = OPENSSL_memdup(der, n);
    must(copy != NULL && X509_up_ref(x));
    pthread_mutex_lock(&known_lock);
    struct known former = *k;
    *k = (struct known){ x, copy, n };
    pthread_mutex_unlock(&known_lock);
    X509_free(former.x);
    OPENSSL_free(former.der);
    return x;
}

static bool
take_block(struct certificate *c, const char *name, const unsigned char *der, long n)
{
    bool trusted = strcmp(name, PEM_STRING_X509_TRUSTED) == 0;
    bool wanted =
        trusted || strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0;
    if (!wanted)
        return true;
    if (c->facts == NULL) {
        c->facts = decode_facts(der, n, trusted);
        return c->facts != NULL;
    }
    if (trusted)
        return true;
    X509 *x = decode_intermediate(der, (size_t)n);
    if (x && sk_X509_push(c->chain, x) > 0)
        return true;
    X509_free(x);
    return false;
}

/* Every certificate of the text. False when one is broken: OpenSSL's queue says how. */
static bool
take_blocks(struct certificate *c, BIO *b)
{
    char *name, *header;
    unsigned char *der;
    long n;
    bool fine = true;
    while (fine && PEM_read_bio(b, &name, &header, &der, &n)) {
        fine = take_block(c, name, der, n);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(der, (size_t)n); /* may be a key */
    }
    unsigned long last = ERR_peek_last_error();
    bool at_end = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
    return fine && at_end;
}

static bool
say_broken(const struct certificate_input *in, const char *call, struct tls_problem *p)
{
    struct tls_problem why;
    tls_problem_take(&why, call);
    tls_problem_say(p, "cannot load certificate \"" STR_FMT "\": %s", STR_ARG(in->path), why.text);
    return false;
}

static bool
load_certificates(struct certificate *c, const struct certificate_input *in, struct tls_problem *p)
{
    BIO *b = BIO_new_mem_buf(in->pem.p ? in->pem.p : "", in->pem.n < INT_MAX ? (int)in->pem.n : 0);
    c->chain = sk_X509_new_null();
    must(b != NULL && c->chain != NULL);
    bool fine = take_blocks(c, b);
    const char *call = c->facts ? "PEM_read_bio_X509() failed" : "PEM_read_bio_X509_AUX() failed";
    if (c->facts == NULL) { /* OpenSSL's own words for it */
        ERR_clear_error();
        (void)BIO_reset(b);
        X509_free(PEM_read_bio_X509_AUX(b, NULL, NULL, NULL));
        fine = false;
    }
    BIO_free(b);
    if (!fine)
        return say_broken(in, call, p);
    ERR_clear_error();
    return true;
}

static bool
take_time(const ASN1_TIME *from, time_t *to)
{
    struct tm t;
    if (ASN1_TIME_to_tm(from, &t) != 1)
        return false;
    *to = timegm(&t);
    return true;
}

static bool
load_dates(struct certificate *c, const struct certificate_input *in, struct tls_problem *p)
{
    if (take_time(X509_get0_notBefore(c->facts), &c->not_before) &&
        take_time(X509_get0_notAfter(c->facts), &c->not_after))
        return true;
    return say_broken(in, "ASN1_TIME_to_tm() failed", p);
}

static bool
load_key(struct certificate *c, const struct certificate_input *in, struct tls_problem *p)
{
    struct tls_problem why;
    struct str text = in->key_pem.p ? in->key_pem : in->pem;
    struct str path = in->key_path.p ? in->key_path : in->path;
    c->key = private_key_read(text, in->passwords, in->n_passwords);
    if (c->key)
        return true;
    tls_problem_take(&why, "PEM_read_bio_PrivateKey() failed");
    tls_problem_say(p, "cannot load certificate key \"" STR_FMT "\": %s", STR_ARG(path), why.text);
    return false;
}

static bool
check_pair(struct certificate *c, const struct certificate_input *in, struct tls_problem *p)
{
    struct tls_problem why;
    if (private_key_fits(c->key, c->facts) ||
        X509_check_private_key(certificate_leaf(c), c->key) == 1)
        return true;
    struct str path = in->key_path.p ? in->key_path : in->path;
    tls_problem_take(&why, "X509_check_private_key() failed");
    tls_problem_say(
        p, "certificate key \"" STR_FMT "\" does not match certificate \"" STR_FMT "\": %s",
        STR_ARG(path), STR_ARG(in->path), why.text);
    return false;
}

bool
certificate_load(struct certificate *c, const struct certificate_input *in, struct tls_problem *p)
{
    ERR_clear_error();
    return load_certificates(c, in, p) && load_dates(c, in, p) && load_key(c, in, p) &&
           check_pair(c, in, p);
}

X509 *
certificate_decode(const struct certificate *c)
{
    unsigned char *der = NULL;
    int n = i2d_X509(c->facts, &der);
    must(n > 0);
    const unsigned char *at = der;
    X509 *x = d2i_X509(NULL, &at, n);
    must(x != NULL);
    OPENSSL_free(der);
    return x;
}
