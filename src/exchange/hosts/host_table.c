/* Look-up by host: exact name, longest leading wildcard, longest trailing one,
 * first regex. */
#include "exchange/hosts/host_table.h"

#include "exchange/hosts/location.h"

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
put(struct map *m, struct str key, void *value)
{
    if (map_try(m, key))
        return false;
    map_put(m, key, value);
    return true;
}

static bool
add_regex(struct host_table *t, struct regex *regex, void *value)
{
    struct host_regex *entry = arena_new(t->exact.arena, struct host_regex);
    *entry = (struct host_regex){ NULL, regex, value };
    *t->regex_end = entry;
    t->regex_end = &entry->next;
    return true;
}

bool
host_table_add(struct host_table *t, struct str name, struct regex *regex, void *value)
{
    if (regex)
        return add_regex(t, regex, value);
    if (str_starts(name, STR("*.")))
        return put(&t->leading, str_skip(name, 2), value);
    if (str_ends(name, STR(".*")))
        return put(&t->trailing, str_head(name, name.n - 2), value);
    if (name.n > 1 && name.p[0] == '.') {
        bool first = put(&t->exact, str_skip(name, 1), value);
        return put(&t->leading, str_skip(name, 1), value) && first;
    }
    return put(&t->exact, name, value);
}

static void *
find_leading(const struct host_table *t, struct str host)
{
    while (t->leading.n) {
        ptrdiff_t dot = str_find(host, '.');
        if (dot < 0)
            return NULL;
        host = str_skip(host, (size_t)dot + 1);
        void *value = map_try(&t->leading, host);
        if (value)
            return value;
    }
    return NULL;
}

static void *
find_trailing(const struct host_table *t, struct str host)
{
    for (size_t n = host.n; t->trailing.n && n > 0; n--)
        if (host.p[n - 1] == '.') {
            void *value = map_try(&t->trailing, str_head(host, n - 1));
            if (value)
                return value;
        }
    return NULL;
}

void *
host_table_find(const struct host_table *t, struct str host, struct exchange *x)
{
    void *value = map_try(&t->exact, host);
    if (value == NULL)
        value = find_leading(t, host);
    if (value == NULL)
        value = find_trailing(t, host);
    for (const struct host_regex *r = t->first_regex; value == NULL && r; r = r->next)
        if (regex_match(r->regex, host, x))
            value = r->value;
    return value;
}

const struct virtual_server *
listen_address_server(const struct listen_address *l, struct str host, struct exchange *x)
{
    const struct virtual_server *server = host_table_find(l->hosts, host, x);
    return server ? server : l->fallback;
}
