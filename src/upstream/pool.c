/* Pools and lanes of idle upstream connections. */
#include "upstream/pool.h"

#include "base/must.h"
#include "h2/h2.h"
#include "upstream/connect.h"

#include <stdlib.h>

enum { BUCKETS = 512 };

/* A group's idle connections. */
struct pool {
    struct pool *next;  /* in the bucket */
    struct list lanes;  /* struct lane.link; gone with the last */
    struct list newest; /* struct upstream_conn.age */
    unsigned idle;
    size_t name_n;
    char name[];
};

/* A peer's. */
struct lane {
    struct list link;
    struct pool *pool;
    struct address address;
    struct list idle; /* struct upstream_conn.link, latest first */
    struct multiplex shared;
    unsigned holds;
    bool linger;
};

static __thread struct pool *buckets[BUCKETS];
static __thread size_t idle_count, lane_count;

static struct pool **
place_of(struct str name)
{
    struct pool **at = &buckets[str_hash(name) % BUCKETS];
    while (*at && !str_eq((struct str){ (*at)->name, (*at)->name_n }, name))
        at = &(*at)->next;
    return at;
}

static struct pool *
find_pool(struct str name)
{
    struct pool **at = place_of(name);
    if (*at)
        return *at;
    struct pool *p = calloc(1, sizeof *p + name.n);
    must(p != NULL);
    list_init(&p->lanes);
    list_init(&p->newest);
    p->name_n = name.n;
    memcpy(p->name, name.p, name.n);
    return *at = p;
}

static struct lane *
find_lane(struct pool *p, const struct address *a)
{
    for (struct list *i = p->lanes.next; i != &p->lanes; i = i->next)
        if (address_equal(&container_of(i, struct lane, link)->address, a))
            return container_of(i, struct lane, link);
    struct lane *l = calloc(1, sizeof *l);
    must(l != NULL);
    l->pool = p;
    l->address = *a;
    list_init(&l->idle);
    multiplex_init(&l->shared);
    list_push_back(&p->lanes, &l->link);
    lane_count++;
    return l;
}

struct lane *
lane_hold(struct str group, const struct address *a, bool linger)
{
    struct lane *l = find_lane(find_pool(group), a);
    l->holds++;
    l->linger |= linger;
    return l;
}

static void
free_if_unused(struct lane *l)
{
    if (l->holds > 0 || !list_empty(&l->idle))
        return;
    struct pool *p = l->pool;
    list_remove(&l->link);
    free(l);
    lane_count--;
    if (!list_empty(&p->lanes))
        return;
    struct pool **at = place_of((struct str){ p->name, p->name_n });
    *at = p->next;
    free(p);
}

void
lane_drop(struct lane *l)
{
    must(l->holds > 0);
    if (l->holds == 1 && !l->linger)
        while (!list_empty(&l->idle))
            upstream_conn_close(container_of(l->idle.next, struct upstream_conn, link));
    l->holds--;
    free_if_unused(l);
}

/* --- Connections --- */

static void
leave_idle(struct upstream_conn *c)
{
    list_remove(&c->link);
    list_remove(&c->age);
    timer_set(&c->timer, NEVER);
    if (c->h2 == NULL)
        c->conn.watch.on_event = NULL;
    c->lane->pool->idle--;
    idle_count--;
}

void
upstream_conn_close(struct upstream_conn *c)
{
    struct lane *l = c->lane;
    bool idle = list_linked(&c->age);
    if (idle)
        leave_idle(c);
    connect_close(c);
    if (idle)
        free_if_unused(l);
}

static void
expire(struct timer *t)
{
    upstream_conn_close(container_of(t, struct upstream_conn, timer));
}

/* Bytes that nobody asked for, or the end: either way it serves no more. TLS has tickets and the
 * like to say, which are none. */
static void
on_event(struct watch *w, unsigned bits)
{
    struct upstream_conn *c = (struct upstream_conn *)w;
    if (bits & ~(unsigned)WATCH_WRITE && conn_is_stale(&c->conn))
        upstream_conn_close(c);
}

struct multiplex *
lane_multiplex(struct lane *l)
{
    return &l->shared;
}

bool
upstream_conn_fits(const struct upstream_conn *c, const struct connect_options *o)
{
    return c->local == (o->bind ? address_hash(o->bind) : 0) && str_eq(c->identity, o->identity);
}

static bool
is_stale(struct upstream_conn *c)
{
    return c->h2 ? h2_link_room(c->h2) == 0 : conn_is_stale(&c->conn);
}

struct upstream_conn *
lane_take(struct lane *l, const struct connect_options *o)
{
    struct list *next;
    must(l->holds > 0);
    for (struct list *i = l->idle.next; i != &l->idle; i = next) {
        struct upstream_conn *c = container_of(i, struct upstream_conn, link);
        next = i->next;
        if (!upstream_conn_fits(c, o))
            continue;
        if (is_stale(c)) {
            upstream_conn_close(c);
            continue;
        }
        leave_idle(c);
        c->reused = true;
        return c;
    }
    return NULL;
}

bool
upstream_conn_is_worn_out(const struct upstream_conn *c, const struct keepalive *k)
{
    return c->requests >= k->requests || clock_ms() - c->opened_ms >= k->time_ms;
}

void
lane_put(struct lane *l, struct upstream_conn *c, const struct keepalive *k)
{
    struct pool *p = l->pool;
    if (k->max == 0 || upstream_conn_is_worn_out(c, k) || is_stale(c)) {
        upstream_conn_close(c);
        return;
    }
    while (p->idle >= k->max)
        upstream_conn_close(container_of(p->newest.prev, struct upstream_conn, age));
    list_push_front(&l->idle, &c->link);
    list_push_front(&p->newest, &c->age);
    p->idle++;
    idle_count++;
    if (c->h2 == NULL)
        c->conn.watch.on_event = on_event;
    c->timer.fire = expire;
    timer_set(&c->timer, clock_in(k->timeout_ms));
}

/* One connection of the bucket's pools, or NULL. */
static struct upstream_conn *
any_idle(const struct pool *p)
{
    for (; p; p = p->next)
        if (!list_empty(&p->newest))
            return container_of(p->newest.next, struct upstream_conn, age);
    return NULL;
}

bool
pool_evict(void)
{
    struct upstream_conn *c = NULL;
    for (unsigned i = 0; i < BUCKETS && c == NULL; i++)
        c = any_idle(buckets[i]);
    if (c)
        upstream_conn_close(c);
    return c != NULL;
}

void
upstream_thread_fini(void)
{
    while (pool_evict())
        continue;
}

size_t
pool_idle_count(void)
{
    return idle_count;
}

size_t
pool_lane_count(void)
{
    return lane_count;
}
