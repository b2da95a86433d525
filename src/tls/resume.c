/* What OpenSSL asks when a client wants to resume: keys for its ticket, or the session of its ID.
 */
#include "tls/resume.h"

#include "base/clock.h"
#include "base/must.h"
#include "tls/state.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>

/* --- Tickets (RFC 5077) --- */

static EVP_CIPHER *aes128, *aes256; /* looked up once */

static void
fetch_ciphers(void)
{
    aes128 = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
    aes256 = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    must(aes128 != NULL && aes256 != NULL);
}

static const struct tls_resumption *
resumption_of(SSL *ssl)
{
    return &tls_context_of(SSL_get_SSL_CTX(ssl))->resumption;
}

static void
present_key(const struct tls_resumption *r, struct ticket_key *out)
{
    if (r->keys)
        *out = r->keys[0];
    else
        ticket_key_present(out);
}

static enum ticket_match
find_key(const struct tls_resumption *r, const unsigned char *name, struct ticket_key *out)
{
    if (r->keys == NULL)
        return ticket_key_find(name, out);
    for (unsigned i = 0; i < r->n_keys; i++) {
        if (memcmp(r->keys[i].name, name, TICKET_NAME) != 0)
            continue;
        *out = r->keys[i];
        return i == 0 ? TICKET_OPENS : TICKET_RENEW;
    }
    return TICKET_UNKNOWN;
}

static bool
set_up(const struct ticket_key *k, EVP_CIPHER_CTX *c, EVP_MAC_CTX *m, const unsigned char *iv,
       int seal)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)k->hmac, k->size),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_CipherInit_ex2(c, k->size == 16 ? aes128 : aes256, k->aes, iv, seal, NULL) == 1 &&
           EVP_MAC_CTX_set_params(m, params) == 1;
}

/* OpenSSL's numbers: -1 failed, 0 unknown, 1 fine, 2 fine and a new ticket is due. */
static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *c, EVP_MAC_CTX *m,
          int seal)
{
    struct ticket_key key;
    enum ticket_match match = TICKET_OPENS;
    const struct tls_resumption *r = resumption_of(ssl);
    if (seal) {
        present_key(r, &key);
        memcpy(name, key.name, TICKET_NAME);
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(aes256)) != 1)
            return -1;
    } else {
        match = find_key(r, name, &key);
    }
    if (match == TICKET_UNKNOWN)
        return 0;
    bool fine = set_up(&key, c, m, iv, seal);
    OPENSSL_cleanse(&key, sizeof key);
    if (!fine)
        return -1;
    return match == TICKET_RENEW ? 2 : 1;
}

/* As nginx reads ssl_session_ticket_key: name, then AES-128's and HMAC's key, or HMAC's and
 * AES-256's. */
static bool
read_key(struct ticket_key *k, struct str in)
{
    if (in.n != 48 && in.n != 80)
        return false;
    k->size = in.n == 48 ? 16 : 32;
    const char *first = in.p + TICKET_NAME, *second = first + k->size;
    memcpy(k->name, in.p, TICKET_NAME);
    memcpy(k->aes, k->size == 16 ? first : second, k->size);
    memcpy(k->hmac, k->size == 16 ? second : first, k->size);
    return true;
}

static bool
read_keys(struct tls_resumption *r, const struct tls_profile *profile, struct tls_problem *p)
{
    if (profile->n_ticket_keys == 0)
        return true;
    r->keys = calloc(profile->n_ticket_keys, sizeof *r->keys);
    must(r->keys != NULL);
    r->n_keys = profile->n_ticket_keys;
    for (unsigned i = 0; i < r->n_keys; i++) {
        if (read_key(&r->keys[i], profile->ticket_keys[i]))
            continue;
        tls_problem_say(p, "session ticket key must be 48 or 80 bytes");
        return false;
    }
    return true;
}

/* --- Sessions by ID --- */

static struct str
id_of(const SSL_SESSION *session)
{
    unsigned n;
    const unsigned char *id = SSL_SESSION_get_id(session, &n);
    return (struct str){ (const char *)id, n };
}

/* TLS 1.3 makes a session for each ticket, which needs no place of ours. */
static int
on_new(SSL *ssl, SSL_SESSION *session)
{
    unsigned char *der = NULL;
    if (SSL_version(ssl) == TLS1_3_VERSION && !(SSL_get_options(ssl) & SSL_OP_NO_TICKET))
        return 0;
    int n = i2d_SSL_SESSION(session, &der);
    if (n <= 0)
        return 0;
    uint64_t until = clock_in((uint64_t)SSL_SESSION_get_timeout(session) * 1000);
    session_cache_put(resumption_of(ssl)->cache, id_of(session),
                      (struct str){ (char *)der, (size_t)n }, until);
    OPENSSL_clear_free(der, (size_t)n);
    return 0;
}

static SSL_SESSION *
on_wanted(SSL *ssl, const unsigned char *id, int id_n, int *copy)
{
    *copy = 0;
    struct str der = session_cache_try(resumption_of(ssl)->cache,
                                       (struct str){ (const char *)id, (size_t)id_n });
    const unsigned char *at = (const unsigned char *)der.p;
    if (der.n == 0)
        return NULL;
    SSL_SESSION *session = d2i_SSL_SESSION(NULL, &at, (long)der.n);
    OPENSSL_cleanse((void *)(uintptr_t)der.p, der.n);
    free((void *)(uintptr_t)der.p);
    return session;
}

static void
on_removed(SSL_CTX *ctx, SSL_SESSION *session)
{
    const struct tls_context *c = tls_context_of(ctx);
    if (c)
        session_cache_remove(c->resumption.cache, id_of(session));
}

/* Early data can be replayed unless its ticket is good for once (RFC 8446 8.1): OpenSSL then keeps
 * the sessions of its own. Machines that share keys cannot know of each other's tickets; there,
 * what is served to early data is for the application to say. */
static void
accept_early(SSL_CTX *ctx, const struct tls_profile *profile)
{
    (void)SSL_CTX_set_max_early_data(ctx, SSL3_RT_MAX_PLAIN_LENGTH);
    if (profile->n_ticket_keys)
        SSL_CTX_set_options(ctx, SSL_OP_NO_ANTI_REPLAY);
    else
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER);
}

static void
use_cache(struct tls_resumption *r, SSL_CTX *ctx, const struct tls_profile *profile)
{
    if (profile->session_cache.n) {
        r->cache = session_cache_get(profile->session_cache, profile->session_cache_size);
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(ctx, on_new);
        SSL_CTX_sess_set_get_cb(ctx, on_wanted);
        SSL_CTX_sess_set_remove_cb(ctx, on_removed);
    } else if (profile->builtin_sessions) {
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER);
        SSL_CTX_sess_set_cache_size(ctx, (long)profile->builtin_sessions);
    } else if (profile->session_ids) {
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
    } else {
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    }
}

/* --- All of it --- */

bool
tls_resumption_init(struct tls_resumption *r, SSL_CTX *ctx, const struct tls_profile *profile,
                    struct tls_problem *p)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, fetch_ciphers);
    bool cached = profile->session_cache.n || profile->builtin_sessions;
    if (profile->session_timeout_ms)
        SSL_CTX_set_timeout(ctx, (long)(profile->session_timeout_ms / 1000));
    ticket_keys_reach(profile->session_timeout_ms);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
    if (!profile->tickets)
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    if (!profile->tickets && !cached)
        (void)SSL_CTX_set_num_tickets(ctx, 0); /* nothing could come of them */
    use_cache(r, ctx, profile);
    if (profile->early_data)
        accept_early(ctx, profile);
    return read_keys(r, profile, p);
}

void
tls_resumption_fini(struct tls_resumption *r)
{
    if (r->keys)
        OPENSSL_cleanse(r->keys, r->n_keys * sizeof *r->keys);
    free(r->keys);
    session_cache_drop(r->cache);
}
