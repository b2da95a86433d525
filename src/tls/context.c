/* The table of contexts: what is configured alike is one. */
#include "tls/context.h"

#include "base/must.h"
#include "tls/state.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

enum { BUCKETS = 1024 };

static struct {
    pthread_mutex_t lock;
    struct tls_context *buckets[BUCKETS];
} table = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* --- What a profile is, in bytes --- */

static void
add_number(EVP_MD_CTX *d, uint64_t number)
{
    (void)EVP_DigestUpdate(d, &number, sizeof number);
}

static void
add_text(EVP_MD_CTX *d, struct str text)
{
    add_number(d, text.p ? text.n : UINT64_MAX);
    (void)EVP_DigestUpdate(d, text.p, text.n);
}

static void
add_resumption(EVP_MD_CTX *d, const struct tls_profile *p)
{
    add_number(d, p->tickets | p->session_ids << 1 | p->early_data << 2 | p->reuse_sessions << 3);
    add_number(d, p->n_ticket_keys);
    for (unsigned i = 0; i < p->n_ticket_keys; i++)
        add_text(d, p->ticket_keys[i]);
    add_text(d, p->session_cache);
    add_number(d, p->session_cache_size);
    add_number(d, p->builtin_sessions);
    add_number(d, p->session_timeout_ms);
}

static void
add_verification(EVP_MD_CTX *d, const struct tls_profile *p)
{
    add_number(d, p->verify);
    add_number(d, p->verify_depth);
    add_text(d, p->trusted);
    add_text(d, p->crl);
}

static EVP_MD_CTX *
open_digest(void)
{
    EVP_MD_CTX *d = EVP_MD_CTX_new();
    must(d != NULL && EVP_DigestInit_ex(d, EVP_sha256(), NULL) == 1);
    return d;
}

static void
close_digest(EVP_MD_CTX *d, unsigned char out[TLS_DIGEST])
{
    must(EVP_DigestFinal_ex(d, out, NULL) == 1);
    EVP_MD_CTX_free(d);
}

static void
identify_verification(const struct tls_profile *p, unsigned char out[TLS_DIGEST])
{
    EVP_MD_CTX *d = open_digest();
    if (p->verify != TLS_VERIFY_OFF)
        add_verification(d, p);
    close_digest(d, out);
}

static void
identify(const struct tls_profile *p, unsigned char out[TLS_DIGEST])
{
    const struct str texts[] = { p->ciphers, p->curves, p->dhparam, p->announced,
                                 p->key_log ? log_file_path(p->key_log) : STR_NONE };
    EVP_MD_CTX *d = open_digest();
    add_number(d, p->server | p->prefer_server_ciphers << 1);
    add_number(d, p->protocols);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        add_text(d, texts[i]);
    for (const struct tls_command *c = p->commands; c; c = c->next) {
        add_text(d, c->name);
        add_text(d, c->value);
    }
    add_verification(d, p);
    add_resumption(d, p);
    close_digest(d, out);
}

/* --- The table --- */

static struct tls_context **
bucket_of(const unsigned char digest[TLS_DIGEST])
{
    return &table.buckets[(digest[0] << 8 | digest[1]) % BUCKETS];
}

static struct tls_context *
find(const unsigned char digest[TLS_DIGEST])
{
    struct tls_context *c = *bucket_of(digest);
    while (c && memcmp(c->digest, digest, TLS_DIGEST) != 0)
        c = c->next;
    return c;
}

static struct tls_context *
make(const struct tls_profile *profile, const unsigned char digest[TLS_DIGEST],
     struct tls_problem *p)
{
    SSL_CTX *ctx = tls_build(profile, p);
    if (ctx == NULL)
        return NULL;
    struct tls_context *c = tls_context_of(ctx);
    struct tls_context **bucket = bucket_of(digest);
    memcpy(c->digest, digest, TLS_DIGEST);
    identify_verification(profile, c->verification);
    c->next = *bucket;
    *bucket = c;
    return c;
}

struct tls_context *
tls_context_get(const struct tls_profile *profile, struct tls_problem *p)
{
    unsigned char digest[TLS_DIGEST];
    identify(profile, digest);
    pthread_mutex_lock(&table.lock);
    struct tls_context *c = find(digest);
    if (c == NULL)
        c = make(profile, digest, p);
    if (c)
        c->holds++;
    pthread_mutex_unlock(&table.lock);
    return c;
}

void
tls_context_hold(struct tls_context *c)
{
    pthread_mutex_lock(&table.lock);
    c->holds++;
    pthread_mutex_unlock(&table.lock);
}

static void
unlink_context(struct tls_context *c)
{
    struct tls_context **at = bucket_of(c->digest);
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
}

void
tls_context_drop(struct tls_context *c)
{
    if (c == NULL)
        return;
    pthread_mutex_lock(&table.lock);
    must(c->holds > 0);
    bool last = --c->holds == 0;
    if (last)
        unlink_context(c);
    pthread_mutex_unlock(&table.lock);
    if (last)
        SSL_CTX_free(c->ctx); /* and c with its last session */
}
