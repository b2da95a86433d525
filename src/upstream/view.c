/* Building and retiring views. */
#include "upstream/view.h"

#include "base/must.h"
#include "upstream/discover/dns.h"
#include "upstream/pool.h"

#include <stdlib.h>

static unsigned
addresses_of(const struct local_group *g, const struct server *s, const struct address **out)
{
    if (server_is_name(s))
        return discovery_addresses(g, s, out);
    *out = &s->address;
    return 1;
}

struct health_limits
view_limits(const struct server *s, unsigned n)
{
    return (struct health_limits){ .max_fails = n > 1 ? s->max_fails : 0,
                                   .fail_timeout_ms = s->fail_timeout_ms,
                                   .max_conns = s->max_conns };
}

static void
open_peer(struct view *v, struct str group, const struct server *s, const struct address *a)
{
    struct peer *p = &v->peers[v->n++];
    p->server = s;
    p->address = *a;
    if (server_is_name(s))
        address_set_port(&p->address, s->port);
    p->name = address_text(&p->address, true, &v->arena);
    p->health = health_hold(group, &p->address);
    p->lane = lane_hold(group, &p->address, false);
    p->effective = (int)s->weight;
}

static void
add_peers(struct view *v, const struct local_group *g, bool backup)
{
    const struct address *a;
    for (const struct server *s = g->upstream->servers; s; s = s->next) {
        unsigned n = s->backup == backup ? addresses_of(g, s, &a) : 0;
        for (unsigned i = 0; i < n; i++)
            open_peer(v, g->upstream->name, s, &a[i]);
    }
}

static void
inherit(struct view *v, const struct view *old)
{
    for (unsigned i = 0; i < v->n; i++)
        for (unsigned j = 0; old && j < old->n; j++)
            if (old->peers[j].health == v->peers[i].health &&
                old->peers[j].server == v->peers[i].server) {
                v->peers[i].current = old->peers[j].current;
                v->peers[i].effective = old->peers[j].effective;
            }
}

struct view *
view_build(struct local_group *g)
{
    const struct address *a;
    unsigned n = 0;
    bool fixed = true;
    for (const struct server *s = g->upstream->servers; s; s = s->next) {
        n += addresses_of(g, s, &a);
        fixed = fixed && !server_is_name(s);
    }
    struct view *v = calloc(1, sizeof *v + n * sizeof *v->peers);
    must(v != NULL);
    arena_init(&v->arena, 0);
    v->pins = 1;
    v->fixed = fixed;
    add_peers(v, g, false);
    v->primary = v->n;
    add_peers(v, g, true);
    for (unsigned i = 0; i < v->n; i++)
        v->peers[i].limits = view_limits(v->peers[i].server, v->n);
    inherit(v, g->view);
    return v;
}

void
view_retire(struct view *v)
{
    must(v->pins > 0);
    if (--v->pins > 0)
        return;
    for (unsigned i = 0; i < v->n; i++) {
        health_drop(v->peers[i].health);
        lane_drop(v->peers[i].lane);
    }
    arena_fini(&v->arena);
    free(v);
}
