/* Sessions by ID, in ordinary memory: 16 parts, each a hash table, a list by last use, a bound of
 * bytes and a lock that is held for a look. */
#include "tls/resume.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/must.h"

#include <openssl/crypto.h>
#include <stdlib.h>

enum { PARTS = 16, BUCKETS = 1024, ID_MAX = 32 };

struct entry {
    struct list recent;
    struct entry *next; /* in its bucket */
    uint64_t until;
    unsigned char id[ID_MAX];
    unsigned id_n, n;
    unsigned char session[];
};

struct part {
    pthread_mutex_t lock;
    struct list recent; /* used last first */
    size_t bytes, max;
    struct entry *buckets[BUCKETS];
};

struct session_cache {
    struct session_cache *next; /* of all */
    unsigned holds;             /* under the lock of all */
    struct str name;
    struct part parts[PARTS];
};

static struct {
    pthread_mutex_t lock;
    struct session_cache *first;
} caches = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct str
copy(struct str s)
{
    char *p = malloc(s.n);
    must(p != NULL);
    return (struct str){ memcpy(p, s.p, s.n), s.n };
}

/* --- A part, under its lock --- */

static struct entry **
place_of(struct part *p, struct str id)
{
    struct entry **at = &p->buckets[str_hash(id) / PARTS % BUCKETS];
    while (*at && !str_eq((struct str){ (char *)(*at)->id, (*at)->id_n }, id))
        at = &(*at)->next;
    return at;
}

static size_t
size_of(const struct entry *e)
{
    return sizeof *e + e->n;
}

static void
remove_at(struct part *p, struct entry **at)
{
    struct entry *e = *at;
    *at = e->next;
    list_remove(&e->recent);
    p->bytes -= size_of(e);
    OPENSSL_cleanse(e->session, e->n);
    free(e);
}

static void
make_room(struct part *p)
{
    while (p->bytes > p->max && !list_empty(&p->recent)) {
        struct entry *e = container_of(p->recent.prev, struct entry, recent);
        remove_at(p, place_of(p, (struct str){ (char *)e->id, e->id_n }));
    }
}

static struct part *
lock_part(struct session_cache *c, struct str id)
{
    struct part *p = &c->parts[str_hash(id) % PARTS];
    pthread_mutex_lock(&p->lock);
    return p;
}

/* --- The cache --- */

void
session_cache_put(struct session_cache *c, struct str id, struct str session, uint64_t until)
{
    if (id.n == 0 || id.n > ID_MAX)
        return;
    struct entry *e = malloc(sizeof *e + session.n);
    must(e != NULL);
    *e = (struct entry){ .until = until, .id_n = (unsigned)id.n, .n = (unsigned)session.n };
    memcpy(e->id, id.p, id.n);
    memcpy(e->session, session.p, session.n);
    struct part *p = lock_part(c, id);
    struct entry **at = place_of(p, id);
    if (*at)
        remove_at(p, at);
    at = place_of(p, id);
    e->next = NULL;
    *at = e;
    list_push_front(&p->recent, &e->recent);
    p->bytes += size_of(e);
    make_room(p);
    pthread_mutex_unlock(&p->lock);
}

struct str
session_cache_try(struct session_cache *c, struct str id)
{
    struct str found = STR_NONE;
    struct part *p = lock_part(c, id);
    struct entry **at = place_of(p, id), *e = *at;
    if (e && e->until <= clock_ms()) {
        remove_at(p, at);
    } else if (e) {
        found = copy((struct str){ (char *)e->session, e->n });
        list_remove(&e->recent);
        list_push_front(&p->recent, &e->recent);
    }
    pthread_mutex_unlock(&p->lock);
    return found;
}

void
session_cache_remove(struct session_cache *c, struct str id)
{
    struct part *p = lock_part(c, id);
    struct entry **at = place_of(p, id);
    if (*at)
        remove_at(p, at);
    pthread_mutex_unlock(&p->lock);
}

/* --- All caches --- */

static void
resize(struct session_cache *c, uint64_t bytes)
{
    for (int i = 0; i < PARTS; i++) {
        struct part *p = &c->parts[i];
        pthread_mutex_lock(&p->lock);
        p->max = (size_t)(bytes / PARTS);
        make_room(p);
        pthread_mutex_unlock(&p->lock);
    }
}

static struct session_cache *
make(struct str name)
{
    struct session_cache *c = calloc(1, sizeof *c);
    must(c != NULL);
    c->name = copy(name);
    for (int i = 0; i < PARTS; i++) {
        pthread_mutex_init(&c->parts[i].lock, NULL);
        list_init(&c->parts[i].recent);
    }
    return c;
}

struct session_cache *
session_cache_get(struct str name, uint64_t bytes)
{
    pthread_mutex_lock(&caches.lock);
    struct session_cache *c = caches.first;
    while (c && !str_eq(c->name, name))
        c = c->next;
    if (c == NULL) {
        c = make(name);
        c->next = caches.first;
        caches.first = c;
    }
    c->holds++;
    resize(c, bytes);
    pthread_mutex_unlock(&caches.lock);
    return c;
}

static void
free_cache(struct session_cache *c)
{
    resize(c, 0);
    for (int i = 0; i < PARTS; i++)
        pthread_mutex_destroy(&c->parts[i].lock);
    free((void *)(uintptr_t)c->name.p);
    free(c);
}

void
session_cache_drop(struct session_cache *c)
{
    if (c == NULL)
        return;
    pthread_mutex_lock(&caches.lock);
    bool last = --c->holds == 0;
    struct session_cache **at = &caches.first;
    while (*at != c)
        at = &(*at)->next;
    if (last)
        *at = c->next;
    pthread_mutex_unlock(&caches.lock);
    if (last)
        free_cache(c);
}
