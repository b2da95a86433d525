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

/* The location within a level, descending into nested ones; NULL when none of the level matches.
 * *final: no regex of an outer level may take over. */
static struct location *
search(const struct location_set *set, struct exchange *x, bool *final)
{
    struct location *found = map_try(&set->exact, x->uri);
    if (found) {
        *final = true;
        return found;
    }
    struct location *prefix = location_set_longest(set, x->uri);
    if (prefix) {
        found = prefix;
        struct location *inner = prefix->inner ? search(prefix->inner, x, final) : NULL;
        if (inner)
            found = inner;
        if (*final)
            return found;
    }
    if (prefix && prefix->kind == LOCATION_PREFIX_FINAL)
        return found;
    struct location *regex = first_regex(set, x);
    if (regex == NULL)
        return found;
    *final = true;
    struct location *inner = regex->inner ? search(regex->inner, x, final) : NULL;
    return inner ? inner : regex;
}

static const struct location *
slash_redirect(const struct location_set *set, const struct exchange *x)
{
    return set->slashless.n ? map_try(&set->slashless, x->uri) : NULL;
}

void
location_enter(struct exchange *x, const struct location *l)
{
    bool excepted = l->except && !(l->methods >> x->request.method & 1);
    x->location = excepted ? l->except : l;
}

enum verdict
location_find(struct exchange *x)
{
    const struct virtual_server *server = x->server;
    bool final = false;
    struct location *found = server->locations ? search(server->locations, x, &final) : NULL;
    location_enter(x, found ? found : server->root);
    if (server->locations && !final) {
        const struct location *with_slash = slash_redirect(server->locations, x);
        if (with_slash && (found == NULL || found->kind != LOCATION_REGEX)) {
            struct str to = uri_escape(with_slash->name, ESCAPE_URI, &x->arena);
            x->location = with_slash;
            if (x->args.n)
                to = arena_join(&x->arena, arena_join(&x->arena, to, STR("?")), x->args);
            return redirect(x, 301, to);
        }
    }
    if (x->location->core->internal && !x->internal)
        return status_only(x, 404);
    return PASS;
}
