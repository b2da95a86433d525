/* nginx's location rules: exact, else the longest prefix, unless a regex of that level matches and
 * the prefix is not "^~". */
#include "exchange/hosts/location_set.h"
#include "http/uri.h"

static struct location *
first_regex(const struct location_set *set, struct exchange *x)
{
    for (unsigned i = 0; i < set->n_regexes; i++)
        if (regex_match(set->regexes[i]->regex, x->uri, x))
            return set->regexes[i];
    return NULL;
}

/* How a search ended early: no regex of an outer level may take over. */
struct end {
    bool final;
    bool add_slash; /* the URI lacks the slash of the proxying location found */
};

static struct location *
lacks_slash(const struct location_set *set, const struct location *prefix, struct str uri)
{
    if (set->slashless.n == 0 || (prefix && prefix->name.n == uri.n))
        return NULL;
    return map_try(&set->slashless, uri);
}

/* The location within a level, descending into nested ones; NULL when none of the level matches. */
static struct location *
search(const struct location_set *set, struct exchange *x, struct end *end)
{
    struct location *found = map_try(&set->exact, x->uri);
    end->final = found != NULL;
    if (found)
        return found;
    struct location *prefix = found = location_set_longest(set, x->uri), *inner;
    struct location *slash = lacks_slash(set, prefix, x->uri);
    if (slash) {
        *end = (struct end){ true, true };
        return slash;
    }
    if (prefix && prefix->inner && (inner = search(prefix->inner, x, end)))
        found = inner;
    if (end->final || (prefix && prefix->kind == LOCATION_PREFIX_FINAL))
        return found;
    struct location *regex = first_regex(set, x);
    if (regex == NULL)
        return found;
    inner = regex->inner ? search(regex->inner, x, end) : NULL;
    end->final = true;
    return inner ? inner : regex;
}

void
location_enter(struct exchange *x, const struct location *l)
{
    bool excepted = l->except && !(l->methods >> x->request.method & 1);
    x->location = excepted ? l->except : l;
}

static enum verdict
redirect_to_slash(struct exchange *x)
{
    struct str to = uri_escape(x->location->name, ESCAPE_URI, &x->arena);
    if (x->args.n)
        to = arena_join(&x->arena, arena_join(&x->arena, to, STR("?")), x->args);
    return redirect(x, 301, to);
}

enum verdict
location_find(struct exchange *x)
{
    const struct virtual_server *server = x->server;
    struct end end = { false, false };
    struct location *found = server->locations ? search(server->locations, x, &end) : NULL;
    if (end.add_slash)
        x->location = found;
    else
        location_enter(x, found ? found : server->root);
    if (x->location->core->internal && !x->internal)
        return status_only(x, 404);
    return end.add_slash ? redirect_to_slash(x) : PASS;
}
