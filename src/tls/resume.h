/* Inside the room: how a context's sessions are resumed. */
#pragma once

#include "tls/context.h"
#include "tls/ticket.h"

#include <pthread.h>

struct session_cache;

/* A server's. */
struct tls_resumption {
    struct ticket_key *keys; /* of files: the first seals; NULL: the process's own */
    unsigned n_keys;
    struct session_cache *cache; /* or NULL */
};

/* False: p says what is wrong with a key. */
bool tls_resumption_init(struct tls_resumption *r, SSL_CTX *ctx, const struct tls_profile *profile,
                         struct tls_problem *p);
void tls_resumption_fini(struct tls_resumption *r);

/* --- session_cache.c: sessions by ID, found by name again after a reload. Thread-safe. --- */

/* Held once more; the latest size holds. */
struct session_cache *session_cache_get(struct str name, uint64_t bytes);
void session_cache_drop(struct session_cache *c);
/* `until`: of clock_ms(). Makes room by forgetting who was not asked for longest. */
void session_cache_put(struct session_cache *c, struct str id, struct str session, uint64_t until);
/* A malloc'ed copy; STR_NONE: unknown, or over. */
struct str session_cache_try(struct session_cache *c, struct str id);
void session_cache_remove(struct session_cache *c, struct str id);

/* --- client_sessions.c: the last session of each peer, of one context. Thread-safe. --- */

struct client_sessions {
    pthread_mutex_t lock;
    struct client_session *first; /* used last */
    unsigned n;
};

void client_sessions_init(struct client_sessions *all);
void client_sessions_fini(struct client_sessions *all);
/* A copy of it is kept. */
void client_sessions_put(struct client_sessions *all, uint64_t key, SSL_SESSION *session);
/* The caller's own, or NULL. */
SSL_SESSION *client_sessions_try(struct client_sessions *all, uint64_t key);
