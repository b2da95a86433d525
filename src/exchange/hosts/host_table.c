/* Look-up of a virtual server by host: exact name, longest leading wildcard, longest trailing one,
 * first regex. */
#include "exchange/hosts/host_table.h"

struct host_table *
host_table_open(struct arena *a)
{
    struct host_table *t = arena_new(a, struct host_table);
    map_init(&t->exact, a, true);
    map_init(&t->leading, a, true);
    map_init(&t->trailing, a, true);
    t->regex_end = &t->first_regex;
    return t;
}

static bool
put(struct map *m, struct str key, struct virtual_server *server)
{
    if (map_try(m, key))
        return false;
    map_put(m, key, server);
    return true;
}

static bool
add_regex(struct host_table *t, struct regex *regex, struct virtual_server *server)
{
    struct host_regex *entry = arena_new(t->exact.arena, struct host_regex);
    *entry = (struct host_regex){ NULL, regex, server };
    *t->regex_end = entry;
    t->regex_end = &entry->next;
    return true;
}

bool
host_table_add(struct host_table *t, struct str name, struct regex *regex,
               struct virtual_server *server)
{
    if (regex)
        return add_regex(t, regex, server);
    if (str_starts(name, STR("*.")))
        return put(&t->leading, str_skip(name, 2), server);
    if (str_ends(name, STR(".*")))
        return put(&t->trailing, str_head(name, name.n - 2), server);
    if (name.n > 1 && name.p[0] == '.') {
        bool first = put(&t->exact, str_skip(name, 1), server);
        return put(&t->leading, str_skip(name, 1), server) && first;
    }
    return put(&t->exact, name, server);
}

static struct virtual_server *
find_leading(const struct host_table *t, struct str host)
{
    while (t->leading.n) {
        ptrdiff_t dot = str_find(host, '.');
        if (dot < 0)
            return NULL;
        host = str_skip(host, (size_t)dot + 1);
        struct virtual_server *server = map_try(&t->leading, host);
        if (server)
            return server;
    }
    return NULL;
}

static struct virtual_server *
find_trailing(const struct host_table *t, struct str host)
{
    for (size_t n = host.n; t->trailing.n && n > 0; n--)
        if (host.p[n - 1] == '.') {
            struct virtual_server *server = map_try(&t->trailing, str_head(host, n - 1));
            if (server)
                return server;
        }
    return NULL;
}

struct virtual_server *
host_table_find(const struct host_table *t, struct str host, struct exchange *x)
{
    struct virtual_server *server = map_try(&t->exact, host);
    if (server == NULL)
        server = find_leading(t, host);
    if (server == NULL)
        server = find_trailing(t, host);
    for (const struct host_regex *r = t->first_regex; server == NULL && r; r = r->next)
        if (regex_match(r->regex, host, x))
            server = r->server;
    return server;
}

const struct virtual_server *
listen_address_server(const struct listen_address *l, struct str host, struct exchange *x)
{
    struct virtual_server *server = host_table_find(l->hosts, host, x);
    return server ? server : l->fallback;
}
