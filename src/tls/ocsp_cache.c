/* What responders said of certificates: a table of a fixed number of places, four for each hash,
 * where the one that ends first makes room. */
#include "tls/ocsp_cache.h"

#include "base/must.h"

#include <pthread.h>
#include <stdlib.h>

enum { WAYS = 4, SMALLEST = 16 };

struct place {
    unsigned char key[OCSP_KEY];
    enum ocsp_verdict verdict;
    time_t until; /* 0: free */
};

struct ocsp_cache {
    struct ocsp_cache *next;
    struct str name;
    uint64_t bytes;
    unsigned holds;       /* under the table's lock */
    pthread_mutex_t lock; /* of the places */
    size_t n_sets;
    struct place places[];
};

static struct ocsp_cache *all;
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;

static struct ocsp_cache *
create(struct str name, uint64_t bytes)
{
    size_t sets = bytes / (WAYS * sizeof(struct place));
    sets = sets < SMALLEST ? SMALLEST : sets;
    struct ocsp_cache *c = calloc(1, sizeof *c + sets * WAYS * sizeof(struct place));
    must(c != NULL);
    c->name = (struct str){ strndup(name.p, name.n), name.n };
    must(c->name.p != NULL);
    c->bytes = bytes;
    c->n_sets = sets;
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

struct ocsp_cache *
ocsp_cache_get(struct str name, uint64_t bytes)
{
    pthread_mutex_lock(&all_lock);
    struct ocsp_cache *c = all;
    while (c && !(c->bytes == bytes && str_eq(c->name, name)))
        c = c->next;
    if (c == NULL) {
        c = create(name, bytes);
        c->next = all;
        all = c;
    }
    c->holds++;
    pthread_mutex_unlock(&all_lock);
    return c;
}

void
ocsp_cache_drop(struct ocsp_cache *c)
{
    pthread_mutex_lock(&all_lock);
    bool last = --c->holds == 0;
    if (last) {
        struct ocsp_cache **at = &all;
        while (*at != c)
            at = &(*at)->next;
        *at = c->next;
    }
    pthread_mutex_unlock(&all_lock);
    if (!last)
        return;
    pthread_mutex_destroy(&c->lock);
    free((void *)(uintptr_t)c->name.p);
    free(c);
}

static struct place *
set_of(struct ocsp_cache *c, const unsigned char key[OCSP_KEY])
{
    uint64_t hash;
    memcpy(&hash, key, sizeof hash);
    return &c->places[hash % c->n_sets * WAYS];
}

bool
ocsp_cache_find(struct ocsp_cache *c, const unsigned char key[OCSP_KEY], time_t now,
                enum ocsp_verdict *out)
{
    bool found = false;
    pthread_mutex_lock(&c->lock);
    const struct place *set = set_of(c, key);
    for (unsigned i = 0; !found && i < WAYS; i++)
        if (set[i].until > now && memcmp(set[i].key, key, OCSP_KEY) == 0) {
            *out = set[i].verdict;
            found = true;
        }
    pthread_mutex_unlock(&c->lock);
    return found;
}

void
ocsp_cache_put(struct ocsp_cache *c, const unsigned char key[OCSP_KEY],
               const struct ocsp_answer *answer)
{
    if (answer->until == 0) /* newer information is always there: RFC 6960 4.2.2.1 */
        return;
    pthread_mutex_lock(&c->lock);
    struct place *set = set_of(c, key), *place = set;
    for (unsigned i = 0; i < WAYS; i++) {
        if (memcmp(set[i].key, key, OCSP_KEY) == 0) {
            place = &set[i];
            break;
        }
        if (set[i].until < place->until)
            place = &set[i];
    }
    memcpy(place->key, key, OCSP_KEY);
    place->verdict = answer->verdict;
    place->until = answer->until;
    pthread_mutex_unlock(&c->lock);
}
