/* The table of all certificates of the process, by what they were made of. */
#include "tls/certificate.h"

#include "base/must.h"
#include "tls/certificate_load.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { BUCKETS = 4096 };

static struct certificate *table[BUCKETS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void
digest_text(EVP_MD_CTX *m, struct str text)
{
    uint64_t n = text.n;
    must(EVP_DigestUpdate(m, &n, sizeof n) && EVP_DigestUpdate(m, text.p, text.n));
}

static void
digest(const struct certificate_input *in, unsigned char out[32])
{
    EVP_MD_CTX *m = EVP_MD_CTX_new();
    must(m != NULL && EVP_DigestInit_ex(m, EVP_sha256(), NULL));
    digest_text(m, in->path);
    digest_text(m, in->key_path);
    digest_text(m, in->pem);
    digest_text(m, in->key_pem);
    must(EVP_DigestFinal_ex(m, out, NULL));
    EVP_MD_CTX_free(m);
}

static struct certificate **
bucket_of(const unsigned char key[32])
{
    return &table[(key[0] | key[1] << 8) % BUCKETS];
}

/* Held for the caller, or NULL. Under the lock. */
static struct certificate *
find(const unsigned char key[32])
{
    struct certificate *c = *bucket_of(key);
    while (c && memcmp(c->digest, key, sizeof c->digest) != 0)
        c = c->next;
    if (c)
        c->holds++;
    return c;
}

static struct str
keep(struct str text)
{
    char *copy = text.p ? strndup(text.p, text.n) : NULL;
    must(text.p == NULL || copy != NULL);
    return (struct str){ copy, text.n };
}

static void
destroy(struct certificate *c)
{
    X509_free(c->facts);
    X509_free(atomic_load(&c->decoded));
    sk_X509_pop_free(c->chain, X509_free);
    EVP_PKEY_free(c->key);
    free((void *)(uintptr_t)c->path.p);
    free((void *)(uintptr_t)c->key_path.p);
    free(c);
}

static struct certificate *
create(const struct certificate_input *in, struct tls_problem *p)
{
    struct certificate *c = calloc(1, sizeof *c);
    must(c != NULL);
    c->holds = 1;
    c->path = keep(in->path);
    c->key_path = keep(in->key_path.p ? in->key_path : in->path);
    if (certificate_load(c, in, p))
        return c;
    destroy(c);
    return NULL;
}

/* Unless another thread was faster. */
static struct certificate *
put(struct certificate *new)
{
    pthread_mutex_lock(&lock);
    struct certificate *c = find(new->digest);
    if (c == NULL) {
        struct certificate **bucket = bucket_of(new->digest);
        new->next = *bucket;
        *bucket = new;
    }
    pthread_mutex_unlock(&lock);
    if (c == NULL)
        return new;
    destroy(new);
    return c;
}

struct certificate *
certificate_get(const struct certificate_input *in, struct tls_problem *p)
{
    unsigned char key[32];
    digest(in, key);
    pthread_mutex_lock(&lock);
    struct certificate *c = find(key);
    pthread_mutex_unlock(&lock);
    if (c)
        return c;
    c = create(in, p);
    if (c == NULL)
        return NULL;
    memcpy(c->digest, key, sizeof key);
    return put(c);
}

void
certificate_hold(struct certificate *c)
{
    pthread_mutex_lock(&lock);
    c->holds++;
    pthread_mutex_unlock(&lock);
}

void
certificate_drop(struct certificate *c)
{
    pthread_mutex_lock(&lock);
    bool last = --c->holds == 0;
    if (last) {
        struct certificate **at = bucket_of(c->digest);
        while (*at != c)
            at = &(*at)->next;
        *at = c->next;
    }
    pthread_mutex_unlock(&lock);
    if (last)
        destroy(c);
}

X509 *
certificate_leaf(struct certificate *c)
{
    X509 *known = atomic_load(&c->decoded);
    if (known)
        return known;
    X509 *x = certificate_decode(c);
    if (atomic_compare_exchange_strong(&c->decoded, &known, x))
        return x;
    X509_free(x);
    return known;
}

void
certificate_each(void (*see)(void *arg, const struct certificate *c), void *arg)
{
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < BUCKETS; i++)
        for (const struct certificate *c = table[i]; c; c = c->next)
            see(arg, c);
    pthread_mutex_unlock(&lock);
}
