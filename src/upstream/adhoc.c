/* A group for a host that only the request knows (variables in proxy_pass).
 *
 * It lives in the exchange's arena, so its health is the exchange's own; its idle connections are
 * the thread's, under the host's text, and time out by themselves. */
#include "base/random.h"
#include "upstream/balance/round_robin.h"
#include "upstream/view.h"

#include <errno.h>

static struct upstream *
make_group(struct str host_port, struct server *s, struct arena *a)
{
    struct upstream *u = arena_new(a, struct upstream);
    u->name = arena_dup(a, host_port);
    u->servers = s;
    u->balance = round_robin_pick;
    u->keepalive = (struct keepalive){ 32, 1000, 60 * 1000, 3600 * 1000 };
    return u;
}

static void
fill_peer(struct view *v, struct server *s, const struct address *address, struct arena *a)
{
    struct peer *p = &v->peers[v->n++];
    p->server = s;
    p->address = *address;
    if (server_is_name(s))
        address_set_port(&p->address, s->port);
    p->name = address_text(&p->address, true, a);
    p->health = arena_new(a, struct health);
    p->effective = (int)s->weight;
}

/* Starting anywhere: a group that is made anew for each exchange has no turn to remember. */
static struct view *
make_view(struct server *s, const struct answer *answer, struct arena *a)
{
    struct view *v = arena_get(a, sizeof *v + answer->n * sizeof *v->peers);
    uint64_t start = random_below(answer->n);
    v->pins = 1;
    v->fixed = true;
    v->primary = answer->n;
    for (unsigned i = 0; i < answer->n; i++)
        fill_peer(v, s, &answer->addresses[(start + i) % answer->n], a);
    for (unsigned i = 0; i < v->n; i++)
        v->peers[i].limits = view_limits(s, v->n);
    return v;
}

int
upstream_adhoc(struct str host_port, unsigned default_port,
               const struct resolver_settings *resolver, struct arena *a, struct upstream **out,
               uint64_t deadline)
{
    const char *problem;
    struct server *s = arena_new(a, struct server);
    if (!server_parse(s, arena_dup(a, host_port), default_port, &problem))
        return -ENOENT;
    struct answer answer = { .addresses = &s->address, .n = 1 };
    int e = server_is_name(s) ? resolve(s->host, resolver, a, &answer, deadline) : 0;
    if (e < 0)
        return e;
    *out = make_group(host_port, s, a);
    (*out)->own = make_view(s, &answer, a);
    return 0;
}
