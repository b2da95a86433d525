/* One exchange's walk over the peers of a group. */
#include "upstream/attempt.h"

#include "base/must.h"
#include "upstream/connect.h"
#include "upstream/pool.h"
#include "upstream/view.h"

#include <errno.h>

void
attempt_init(struct attempt *a, struct upstream *u, struct arena *arena)
{
    *a = (struct attempt){ .upstream = u, .arena = arena };
}

bool
attempt_may(const struct attempt *a, const struct peer *p)
{
    if (p->server->down || !health_admits(p->health, &p->limits, clock_ms()))
        return false;
    for (unsigned i = 0; i < a->picks; i++)
        if (a->tried[i] == p->health)
            return false;
    return true;
}

/* --- Picking --- */

static void
remember(struct attempt *a, const struct health *h)
{
    unsigned n = a->picks++;
    if ((n & (n - 1)) == 0) { /* full at each power of two */
        const struct health **more = arena_array(a->arena, const struct health *, n ? n * 2 : 1);
        if (n)
            memcpy(more, a->tried, n * sizeof *more);
        a->tried = more;
    }
    a->tried[n] = h;
}

/* A peer of a view that may be replaced before the exchange ends is copied, for its name. */
static struct peer *
face(struct attempt *a, struct peer *p)
{
    if (a->view->fixed)
        return p;
    struct peer *copy = arena_new(a->arena, struct peer);
    *copy = *p;
    copy->name = arena_dup(a->arena, p->name);
    return copy;
}

static bool
choose(struct attempt *a, struct view *v, unsigned from, unsigned to)
{
    struct peer *p;
    while ((p = a->upstream->balance(v, from, to, a)) != NULL) {
        remember(a, p->health);
        if (!health_enter(p->health, &p->limits, clock_ms())) {
            a->picks--; /* another thread was quicker, and admits says so from now on */
            continue;
        }
        v->pins++;
        a->view = v;
        a->slot = p;
        a->peer = face(a, p);
        a->reported = false;
        return true;
    }
    return false;
}

static int
await_view(const struct attempt *a, struct view **out, uint64_t deadline)
{
    if (a->upstream->table == NULL) {
        *out = a->upstream->own;
        return 0;
    }
    struct local_group *g = upstream_local(a->upstream);
    int e = 0;
    while (e == 0 && g->view->n == 0 && g->unanswered > 0)
        e = fiber_condition_wait(&g->changed, deadline);
    *out = g->view;
    return e;
}

int
attempt_pick(struct attempt *a, uint64_t deadline)
{
    struct view *v;
    must(a->peer == NULL && a->conn == NULL);
    int e = await_view(a, &v, deadline);
    if (e == -ECANCELED)
        return e;
    if (v->n == 0)
        return -ENOENT;
    if (choose(a, v, 0, v->primary) || choose(a, v, v->primary, v->n))
        return 0;
    return -EHOSTUNREACH;
}

/* --- Connecting --- */

int
attempt_connect(struct attempt *a, const struct connect_options *o)
{
    must(a->peer != NULL && a->conn == NULL);
    struct peer *p = a->slot;
    int error = 0;
    if (p->lane == NULL) /* of an adhoc group: held from here to the end of the pick */
        p->lane = lane_hold(a->upstream->name, &p->address, true);
    if (o->http2)
        error = multiplex_join(p->lane, &p->address, o, &a->upstream->keepalive,
                               o->fresh ? a->last_serial : 0, &a->conn);
    else if (!o->fresh)
        a->conn = lane_take(p->lane, o);
    if (a->conn == NULL && !o->http2)
        a->conn = connect_open(p->lane, &p->address, o, &error);
    if (a->conn) {
        a->conn->requests++;
        a->last_serial = a->conn->serial;
    }
    return error;
}

/* --- Ending --- */

static void
end_pick(struct attempt *a)
{
    if (a->conn || !a->reported)
        return;
    struct peer *p = a->slot;
    health_leave(p->health, &p->limits);
    if (a->upstream->table == NULL && p->lane) {
        lane_drop(p->lane);
        p->lane = NULL;
    }
    a->peer = a->slot = NULL;
    view_retire(a->view);
    a->view = NULL;
}

static bool
judge(struct peer *p, enum attempt_result result)
{
    switch (result) {
    case ATTEMPT_GOOD:
        health_good(p->health);
        return false;
    case ATTEMPT_FAILED:
        if (p->limits.max_fails) {
            p->effective -= (int)(p->server->weight / p->limits.max_fails);
            p->effective = p->effective > 0 ? p->effective : 0;
        }
        return health_failed(p->health, &p->limits, clock_ms());
    case ATTEMPT_NEUTRAL:
        return false;
    }
    return false;
}

bool
attempt_report(struct attempt *a, enum attempt_result result)
{
    if (a->peer == NULL || a->reported)
        return false;
    a->reported = true;
    bool out = judge(a->slot, result);
    end_pick(a);
    return out;
}

void
attempt_release(struct attempt *a, bool keep)
{
    struct upstream_conn *c = a->conn;
    if (c == NULL)
        return;
    a->conn = NULL;
    if (c->h2)
        multiplex_leave(c, &a->upstream->keepalive);
    else if (keep)
        lane_put(a->slot->lane, c, &a->upstream->keepalive);
    else
        upstream_conn_close(c);
    end_pick(a);
}

struct str
peer_name(const struct peer *p)
{
    return p->name;
}

struct str
peer_host(const struct peer *p)
{
    return p->server->text;
}

size_t
upstream_peer_count(const struct upstream *u)
{
    const struct view *v = u->table ? upstream_local(u)->view : u->own;
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++)
        n += !v->peers[i].server->down;
    return n;
}
