/* Found by what it is made of, like certificates are. A failed fetch is tried again, later each
 * time; a response is fetched anew within the hour, and long before it ends. */
#include "tls/ocsp_staple.h"

#include "base/must.h"
#include "observe/log.h"
#include "tls/ocsp_fetch.h"
#include "tls/ocsp_response.h"
#include "tls/state.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    BUCKETS = 1024,
    FETCH_MS = 60000,
    RETRY_MS = 5000, /* doubled each time, up to: */
    RETRY_MAX_MS = 300000,
    REFRESH_MS = 3600000,
    BEFORE_END_S = 300,
};

struct ocsp_staple {
    struct ocsp_staple *next; /* in its bucket */
    unsigned holds;           /* under the table's lock */
    unsigned char digest[32];
    struct arena arena; /* all that follows points into it */
    struct certificate *certificate;
    struct tls_context *trust; /* its store; NULL: nobody else is trusted */
    bool verify;
    struct str url; /* STR_NONE: a response was given */
    struct resolver_settings *resolver;
    _Atomic uint64_t due_ms; /* clock_ms moment of the next fetch */
    _Atomic bool busy;
    uint64_t retry_ms;    /* whoever is busy */
    pthread_mutex_t lock; /* of what follows */
    unsigned char *response;
    size_t n;
    time_t until; /* 0: for ever */
};

static struct ocsp_staple *table[BUCKETS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static time_t
now(void)
{
    return (time_t)(clock_wall_us() / 1000000);
}

static void
put(struct ocsp_staple *s, struct str der, time_t until)
{
    unsigned char *copy = OPENSSL_memdup(der.p, der.n);
    must(copy != NULL);
    pthread_mutex_lock(&s->lock);
    OPENSSL_free(s->response);
    s->response = copy;
    s->n = der.n;
    s->until = until;
    pthread_mutex_unlock(&s->lock);
}

int
ocsp_staple_answer(struct ocsp_staple *s, SSL *ssl)
{
    unsigned char *copy = NULL;
    size_t n = 0;
    if (s == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    pthread_mutex_lock(&s->lock);
    if (s->response && (s->until == 0 || s->until > now())) {
        n = s->n;
        copy = OPENSSL_memdup(s->response, n);
    }
    pthread_mutex_unlock(&s->lock);
    if (copy == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)n); /* ssl's now */
    return SSL_TLSEXT_ERR_OK;
}

/* --- who issued it --- */

static X509_STORE *
store_of(const struct ocsp_staple *s)
{
    return s->trust ? SSL_CTX_get_cert_store(s->trust->ctx) : NULL;
}

static X509 *
issuer_in_chain(const struct certificate *c, X509 *leaf)
{
    for (int i = 0; i < sk_X509_num(c->chain); i++) {
        X509 *x = sk_X509_value(c->chain, i);
        if (X509_check_issued(x, leaf) == X509_V_OK && X509_up_ref(x))
            return x;
    }
    return NULL;
}

/* Held for the caller, or NULL. */
static X509 *
find_issuer(const struct ocsp_staple *s, X509 *leaf)
{
    X509 *issuer = issuer_in_chain(s->certificate, leaf);
    X509_STORE_CTX *search = X509_STORE_CTX_new();
    if (issuer == NULL && store_of(s) && search &&
        X509_STORE_CTX_init(search, store_of(s), NULL, NULL) == 1 &&
        X509_STORE_CTX_get1_issuer(&issuer, search, leaf) != 1)
        issuer = NULL;
    X509_STORE_CTX_free(search);
    ERR_clear_error();
    return issuer;
}

/* By names alone: keys are looked at when there is something to verify. */
static bool
has_issuer(const struct ocsp_staple *s)
{
    X509_NAME *name = X509_get_issuer_name(s->certificate->facts);
    for (int i = 0; i < sk_X509_num(s->certificate->chain); i++)
        if (X509_NAME_cmp(X509_get_subject_name(sk_X509_value(s->certificate->chain, i)), name) ==
            0)
            return true;
    X509_STORE_CTX *search = store_of(s) ? X509_STORE_CTX_new() : NULL;
    X509_OBJECT *found = NULL;
    if (search && X509_STORE_CTX_init(search, store_of(s), NULL, NULL) == 1)
        found = X509_STORE_CTX_get_obj_by_subject(search, X509_LU_X509, name);
    X509_STORE_CTX_free(search);
    X509_OBJECT_free(found);
    ERR_clear_error();
    return found != NULL;
}

/* --- fetching --- */

static bool
read_response(struct ocsp_staple *s, const struct ocsp_subject *subject, struct str der,
              struct tls_problem *p)
{
    struct ocsp_answer answer;
    if (!ocsp_response_read(subject, der, &answer, p))
        return false;
    if (answer.verdict != OCSP_GOOD) {
        tls_problem_say(p, "certificate status \"%s\" in the OCSP response",
                        answer.verdict == OCSP_REVOKED ? "revoked" : "unknown");
        return false;
    }
    put(s, der, answer.until);
    return true;
}

static int
fetch(struct ocsp_staple *s, struct arena *a, struct tls_problem *p)
{
    struct str question, response;
    X509 *leaf = certificate_leaf(s->certificate), *issuer = find_issuer(s, leaf);
    struct ocsp_subject subject = { leaf, issuer, s->certificate->chain,
                                    s->verify ? store_of(s) : NULL };
    int e = -EINVAL;
    if (issuer == NULL)
        tls_problem_say(p, "issuer certificate not found");
    else if (!ocsp_question(&subject, a, &question))
        tls_problem_say(p, "OCSP request cannot be made");
    else
        e = ocsp_fetch(s->url, s->resolver, question, a, &response, clock_in(FETCH_MS), p);
    if (e == 0 && !read_response(s, &subject, response, p))
        e = -EBADMSG;
    X509_free(issuer);
    return e;
}

/* An hour at most, and five minutes before it ends; not more often than every five minutes. */
static uint64_t
refresh_ms(const struct ocsp_staple *s)
{
    time_t left = s->until ? s->until - BEFORE_END_S - now() : REFRESH_MS / 1000;
    uint64_t ms = left < BEFORE_END_S ? BEFORE_END_S * 1000 : (uint64_t)left * 1000;
    return ms < REFRESH_MS ? ms : REFRESH_MS;
}

static uint64_t
retry_ms(struct ocsp_staple *s)
{
    uint64_t ms = s->retry_ms ? s->retry_ms : RETRY_MS;
    s->retry_ms = ms * 2 < RETRY_MAX_MS ? ms * 2 : RETRY_MAX_MS;
    return ms;
}

static void
renew(void *arg)
{
    struct ocsp_staple *s = arg;
    struct tls_problem p;
    struct arena a;
    arena_init(&a, 0);
    int e = fetch(s, &a, &p);
    arena_fini(&a);
    if (e == 0)
        s->retry_ms = 0;
    else if (e != -ECANCELED)
        log_write(error_log_global(), LEVEL_ERROR, 0,
                  "%s while requesting certificate status, certificate: \"" STR_FMT "\"", p.text,
                  STR_ARG(s->certificate->path));
    atomic_store(&s->due_ms, e == -ECANCELED ? 0 : clock_in(e ? retry_ms(s) : refresh_ms(s)));
    atomic_store(&s->busy, false);
    ocsp_staple_drop(s);
}

static void
hold(struct ocsp_staple *s)
{
    pthread_mutex_lock(&lock);
    s->holds++;
    pthread_mutex_unlock(&lock);
}

void
ocsp_staple_tend(struct ocsp_staple *s)
{
    if (s->url.p == NULL || atomic_load(&s->due_ms) > clock_ms() || atomic_exchange(&s->busy, true))
        return;
    hold(s);
    fiber_spawn(renew, s);
}

/* --- the table --- */

static void
digest_text(EVP_MD_CTX *m, struct str text)
{
    uint64_t n = text.n;
    must(EVP_DigestUpdate(m, &n, sizeof n) && EVP_DigestUpdate(m, text.p, text.n));
}

/* The resolver is that of whoever came first: it is no part of what is stapled. */
static void
digest(const struct ocsp_staple_profile *profile, unsigned char out[32])
{
    EVP_MD_CTX *m = EVP_MD_CTX_new();
    must(m != NULL && EVP_DigestInit_ex(m, EVP_sha256(), NULL));
    digest_text(m, (struct str){ (const char *)profile->certificate->digest, 32 });
    digest_text(m, profile->responder);
    digest_text(m, profile->response);
    digest_text(m, profile->trusted);
    digest_text(m, profile->verify ? STR("v") : STR_NONE);
    must(EVP_DigestFinal_ex(m, out, NULL));
    EVP_MD_CTX_free(m);
}

static struct ocsp_staple **
bucket_of(const unsigned char key[32])
{
    return &table[(key[0] | key[1] << 8) % BUCKETS];
}

/* Held for the caller, or NULL. */
static struct ocsp_staple *
find(const unsigned char key[32])
{
    pthread_mutex_lock(&lock);
    struct ocsp_staple *s = *bucket_of(key);
    while (s && memcmp(s->digest, key, sizeof s->digest) != 0)
        s = s->next;
    if (s)
        s->holds++;
    pthread_mutex_unlock(&lock);
    return s;
}

static void
destroy(struct ocsp_staple *s)
{
    certificate_drop(s->certificate);
    if (s->trust)
        tls_context_drop(s->trust);
    OPENSSL_free(s->response);
    pthread_mutex_destroy(&s->lock);
    arena_fini(&s->arena);
    free(s);
}

void
ocsp_staple_drop(struct ocsp_staple *s)
{
    pthread_mutex_lock(&lock);
    bool last = --s->holds == 0;
    struct ocsp_staple **at = bucket_of(s->digest);
    while (last && *at && *at != s)
        at = &(*at)->next;
    if (last && *at)
        *at = s->next;
    pthread_mutex_unlock(&lock);
    if (last)
        destroy(s);
}

static bool
set_trust(struct ocsp_staple *s, struct str pem, struct tls_problem *p)
{
    if (pem.n == 0)
        return true;
    struct tls_profile profile = { .protocols = TLS_1_3, .trusted = pem };
    s->trust = tls_context_get(&profile, p);
    if (s->trust == NULL)
        p->about = NULL;
    return s->trust != NULL;
}

static void
set_resolver(struct ocsp_staple *s, const struct resolver_settings *from)
{
    if (from == NULL)
        return;
    struct address *servers = arena_array(&s->arena, struct address, from->n_servers);
    if (from->n_servers)
        memcpy(servers, from->servers, from->n_servers * sizeof *servers);
    s->resolver = arena_new(&s->arena, struct resolver_settings);
    *s->resolver = *from;
    s->resolver->servers = from->n_servers ? servers : NULL;
}

/* As nginx: a given response is served as it is, if it is one at all. */
static bool
take_response(struct ocsp_staple *s, const struct str *der, struct tls_problem *p)
{
    const unsigned char *at = (const unsigned char *)der->p;
    OCSP_RESPONSE *r = d2i_OCSP_RESPONSE(NULL, &at, (long)der->n);
    if (r == NULL) {
        tls_problem_take(p, "d2i_OCSP_RESPONSE_bio() failed");
        p->about = der;
        return false;
    }
    OCSP_RESPONSE_free(r);
    put(s, *der, 0);
    return true;
}

static struct str
responder_of(struct ocsp_staple *s, struct str configured)
{
    if (configured.n)
        return arena_dup(&s->arena, configured);
    STACK_OF(OPENSSL_STRING) *urls = X509_get1_ocsp(s->certificate->facts);
    struct str url = STR_NONE;
    if (urls && sk_OPENSSL_STRING_num(urls) > 0)
        url = arena_dup(&s->arena, str_of(sk_OPENSSL_STRING_value(urls, 0)));
    X509_email_free(urls);
    return url;
}

static bool
set_responder(struct ocsp_staple *s, struct str configured, struct tls_problem *p)
{
    struct ocsp_url parts;
    struct str path = s->certificate->path;
    s->url = responder_of(s, configured);
    if (!has_issuer(s))
        tls_problem_say(p,
                        "\"ssl_stapling\" ignored, issuer certificate not found for certificate "
                        "\"" STR_FMT "\"",
                        STR_ARG(path));
    else if (s->url.n == 0)
        tls_problem_say(p,
                        "\"ssl_stapling\" ignored, no OCSP responder URL in the certificate "
                        "\"" STR_FMT "\"",
                        STR_ARG(path));
    else if (!ocsp_url_parse(s->url, &parts))
        tls_problem_say(p,
                        "\"ssl_stapling\" ignored, invalid URL prefix in OCSP responder \"" STR_FMT
                        "\" in the certificate \"" STR_FMT "\"",
                        STR_ARG(s->url), STR_ARG(path));
    else
        return true;
    return false;
}

static struct ocsp_staple *
create(const struct ocsp_staple_profile *profile, struct tls_problem *p)
{
    struct ocsp_staple *s = calloc(1, sizeof *s);
    must(s != NULL);
    s->holds = 1;
    s->certificate = profile->certificate;
    s->verify = profile->verify;
    certificate_hold(s->certificate);
    pthread_mutex_init(&s->lock, NULL);
    arena_init(&s->arena, 0);
    set_resolver(s, profile->resolver);
    bool fine = set_trust(s, profile->trusted, p) &&
                (profile->response.p ? take_response(s, &profile->response, p)
                                     : set_responder(s, profile->responder, p));
    if (fine)
        return s;
    destroy(s);
    return NULL;
}

struct ocsp_staple *
ocsp_staple_get(const struct ocsp_staple_profile *profile, struct tls_problem *p)
{
    unsigned char key[32];
    ERR_clear_error();
    digest(profile, key);
    struct ocsp_staple *s = find(key);
    if (s || (s = create(profile, p)) == NULL)
        return s;
    memcpy(s->digest, key, sizeof key);
    pthread_mutex_lock(&lock);
    s->next = *bucket_of(key); /* twice there is no harm: both are whole */
    *bucket_of(key) = s;
    pthread_mutex_unlock(&lock);
    return s;
}
