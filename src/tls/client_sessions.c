/* The last session of each peer. What is kept here is nobody else's: OpenSSL writes into sessions
 * that are in use, and peers are asked from many threads. */
#include "base/must.h"
#include "tls/resume.h"

#include <stdlib.h>

enum { SESSIONS_MAX = 256 };

struct client_session {
    struct client_session *next;
    uint64_t key;
    SSL_SESSION *session;
};

void
client_sessions_init(struct client_sessions *all)
{
    *all = (struct client_sessions){ 0 };
    pthread_mutex_init(&all->lock, NULL);
}

static void
free_entry(struct client_session *e)
{
    SSL_SESSION_free(e->session);
    free(e);
}

void
client_sessions_fini(struct client_sessions *all)
{
    while (all->first) {
        struct client_session *e = all->first;
        all->first = e->next;
        free_entry(e);
    }
    pthread_mutex_destroy(&all->lock);
}

/* The entry of that key, or the last one, to the front; NULL: there is none at all. */
static struct client_session *
bring_forward(struct client_sessions *all, uint64_t key, bool or_last)
{
    struct client_session **at = &all->first;
    while (*at && (*at)->key != key && (!or_last || (*at)->next))
        at = &(*at)->next;
    struct client_session *e = *at;
    if (e == NULL)
        return NULL;
    *at = e->next;
    e->next = all->first;
    all->first = e;
    return e;
}

static struct client_session *
add(struct client_sessions *all)
{
    struct client_session *e = calloc(1, sizeof *e);
    must(e != NULL);
    e->next = all->first;
    all->first = e;
    all->n++;
    return e;
}

void
client_sessions_put(struct client_sessions *all, uint64_t key, SSL_SESSION *session)
{
    SSL_SESSION *copy = SSL_SESSION_dup(session);
    if (copy == NULL)
        return;
    pthread_mutex_lock(&all->lock);
    struct client_session *e = bring_forward(all, key, all->n == SESSIONS_MAX);
    if (e == NULL)
        e = add(all);
    SSL_SESSION_free(e->session);
    e->session = copy;
    e->key = key;
    pthread_mutex_unlock(&all->lock);
}

SSL_SESSION *
client_sessions_try(struct client_sessions *all, uint64_t key)
{
    SSL_SESSION *copy = NULL;
    pthread_mutex_lock(&all->lock);
    struct client_session *e = bring_forward(all, key, false);
    if (e && SSL_SESSION_is_resumable(e->session))
        copy = SSL_SESSION_dup(e->session);
    pthread_mutex_unlock(&all->lock);
    return copy;
}
