/* Passive health: max_fails failures within fail_timeout put a peer out for fail_timeout; then one
 * request is let in to probe it, and its outcome decides. */
#include "upstream/health.h"

#include "base/must.h"

#include <pthread.h>
#include <stdlib.h>

enum { STRIPES = 64 };

static struct {
    pthread_mutex_t lock;
    struct health *first;
} stripes[STRIPES] = { [0 ... STRIPES - 1] = { PTHREAD_MUTEX_INITIALIZER, NULL } };

static _Atomic size_t count;

static struct health *
find(struct health *h, struct str group, const struct address *a, uint64_t hash)
{
    for (; h; h = h->next)
        if (h->hash == hash && str_eq((struct str){ h->group, h->group_n }, group) &&
            address_equal(&h->address, a))
            return h;
    return NULL;
}

static struct health *
make(struct str group, const struct address *a, uint64_t hash)
{
    struct health *h = calloc(1, sizeof *h + group.n);
    must(h != NULL);
    h->hash = hash;
    h->address = *a;
    h->group_n = group.n;
    memcpy(h->group, group.p, group.n);
    count++;
    return h;
}

struct health *
health_hold(struct str group, const struct address *a)
{
    uint64_t hash = str_hash(group) ^ address_hash(a);
    unsigned i = hash % STRIPES;
    pthread_mutex_lock(&stripes[i].lock);
    struct health *h = find(stripes[i].first, group, a, hash);
    if (h == NULL) {
        h = make(group, a, hash);
        h->next = stripes[i].first;
        stripes[i].first = h;
    }
    h->holds++;
    pthread_mutex_unlock(&stripes[i].lock);
    return h;
}

void
health_drop(struct health *h)
{
    unsigned i = h->hash % STRIPES;
    pthread_mutex_lock(&stripes[i].lock);
    must(h->holds > 0);
    bool last = --h->holds == 0;
    if (last) {
        struct health **at = &stripes[i].first;
        while (*at != h)
            at = &(*at)->next;
        *at = h->next;
    }
    pthread_mutex_unlock(&stripes[i].lock);
    if (last) {
        free(h);
        count--;
    }
}

size_t
health_count(void)
{
    return count;
}

static uint64_t
read_u64(const _Atomic uint64_t *p)
{
    return atomic_load_explicit(p, memory_order_relaxed);
}

bool
health_admits(const struct health *h, const struct health_limits *l, uint64_t now)
{
    if (l->max_conns && atomic_load_explicit(&h->active, memory_order_relaxed) >= l->max_conns)
        return false;
    return l->max_fails == 0 || read_u64(&h->down_until) <= now;
}

/* The probe's ticket: whoever moves down_until on has it, the others see a peer that is out. */
static bool
take_probe(struct health *h, const struct health_limits *l, uint64_t now)
{
    uint64_t down = read_u64(&h->down_until);
    if (l->max_fails == 0 || down == 0)
        return true;
    return down <= now &&
           atomic_compare_exchange_strong(&h->down_until, &down, now + l->fail_timeout_ms);
}

bool
health_enter(struct health *h, const struct health_limits *l, uint64_t now)
{
    if (l->max_conns && atomic_fetch_add(&h->active, 1) >= l->max_conns) {
        atomic_fetch_sub(&h->active, 1);
        return false;
    }
    if (take_probe(h, l, now))
        return true;
    health_leave(h, l);
    return false;
}

void
health_leave(struct health *h, const struct health_limits *l)
{
    if (l->max_conns)
        atomic_fetch_sub(&h->active, 1);
}

void
health_good(struct health *h)
{
    if (read_u64(&h->down_until) == 0)
        return;
    h->down_until = 0;
    h->fails = 0;
}

bool
health_failed(struct health *h, const struct health_limits *l, uint64_t now)
{
    if (l->max_fails == 0)
        return false;
    if (now > read_u64(&h->window) + l->fail_timeout_ms) {
        h->window = now;
        h->fails = 0;
    }
    bool probe = read_u64(&h->down_until) != 0;
    bool out = atomic_fetch_add(&h->fails, 1) + 1 >= l->max_fails;
    if (!out && !probe)
        return false;
    uint64_t before = atomic_exchange(&h->down_until, now + l->fail_timeout_ms);
    return before == 0 && l->fail_timeout_ms > 0;
}
