/* The table of groups: filled by the compile, started and stopped by each thread. */
#include "upstream/table.h"

#include "base/must.h"
#include "upstream/balance/round_robin.h"
#include "upstream/discover/dns.h"
#include "upstream/view.h"

#include <stdlib.h>

struct upstream_table *
upstream_table_of(struct compile *c)
{
    if (c->upstreams)
        return c->upstreams;
    struct upstream_table *t = arena_new(c->arena, struct upstream_table);
    t->arena = c->arena;
    map_init(&t->declared, c->arena, true);
    map_init(&t->implied, c->arena, true);
    return c->upstreams = t;
}

struct upstream *
upstream_table_add(struct upstream_table *t, struct map *map, struct str name)
{
    if (map_try(map, name))
        return NULL;
    struct upstream *u = arena_new(t->arena, struct upstream);
    u->name = name;
    u->servers_end = &u->servers;
    u->balance = round_robin_pick;
    u->table = t;
    u->index = t->n;
    if (t->n == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 16;
        struct upstream **more = arena_array(t->arena, struct upstream *, t->cap);
        if (t->n)
            memcpy(more, t->groups, t->n * sizeof *more);
        t->groups = more;
    }
    t->groups[t->n++] = u;
    map_put(map, name, u);
    return u;
}

bool
server_parse(struct server *s, struct str text, unsigned default_port, const char **problem)
{
    int port;
    *s = (struct server){ .text = text, .weight = 1, .max_fails = 1, .fail_timeout_ms = 10000 };
    if (address_parse(text, default_port, &s->address))
        return true;
    *problem = "invalid host";
    if (str_starts_nocase(text, STR("unix:")))
        *problem = text.n == 5 ? "no path in the unix domain socket"
                               : "too long path in the unix "
                                 "domain socket";
    else if (text.n == 0 || text.p[0] == ':')
        *problem = "no host";
    else if (!address_split(text, &s->host, &port))
        *problem = str_find(text, '/') < 0 ? "invalid port" : "invalid host";
    else if (text.p[0] != '[' && str_find(s->host, '/') < 0 && str_find(s->host, ' ') < 0)
        *problem = NULL;
    if (*problem)
        return false;
    s->port = port < 0 ? default_port : (unsigned)port;
    return true;
}

void
upstream_add_server(struct upstream *u, struct server *s)
{
    s->next = NULL;
    *u->servers_end = s;
    u->servers_end = &s->next;
}

struct upstream *
upstream_find(struct compile *c, struct scope *s, struct str name)
{
    return map_try(&upstream_table_of(c)->declared, name);
}

struct str
upstream_suggest(struct compile *c, struct str name)
{
    return map_nearest(&upstream_table_of(c)->declared, name, 1);
}

struct upstream *
upstream_lookup(const struct upstream_table *t, struct str name)
{
    return map_try(&t->declared, name);
}

struct str
upstream_name(const struct upstream *u)
{
    return u->name;
}

/* --- A thread's part --- */

static void
open_group(struct local_group *g, struct upstream *u)
{
    g->upstream = u;
    fiber_condition_init(&g->changed);
    for (struct server *s = u->servers; s; s = s->next)
        if (server_is_name(s))
            discovery_open(g, s);
    g->view = view_build(g);
}

static void
close_group(struct local_group *g)
{
    while (g->discoveries)
        discovery_close(g->discoveries);
    view_retire(g->view);
}

void
upstream_table_start(struct upstream_table *t)
{
    must(t->threads[thread_index] == NULL);
    struct table_thread *mine = calloc(1, sizeof *mine + t->n * sizeof *mine->groups);
    must(mine != NULL);
    mine->n = t->n;
    t->threads[thread_index] = mine;
    for (unsigned i = 0; i < t->n; i++)
        open_group(&mine->groups[i], t->groups[i]);
}

void
upstream_table_stop(struct upstream_table *t)
{
    struct table_thread *mine = t->threads[thread_index];
    must(mine != NULL);
    for (unsigned i = 0; i < mine->n; i++)
        close_group(&mine->groups[i]);
    free(mine);
    t->threads[thread_index] = NULL;
}

void
upstream_table_fini(struct upstream_table *t)
{
    for (unsigned i = 0; i < THREADS_MAX; i++)
        must(t->threads[i] == NULL);
}
