/* Paths of files: the root and the whole URI, or the alias in place of the location's name. */
#include "exchange/files/path.h"

#include "exchange/hosts/location.h"
#include "exchange/snapshot.h"

static const struct core_settings *
core_of(const struct exchange *x)
{
    return (x->location ? x->location : x->server->root)->core;
}

struct str
document_root(struct exchange *x)
{
    struct str root = template_eval(core_of(x)->root, x), base = x->snapshot->compile.prefix;
    if (root.p == NULL || (root.n && root.p[0] == '/'))
        return root;
    struct str slash = base.n && base.p[base.n - 1] != '/' ? STR("/") : STR("");
    return arena_join(&x->arena, arena_join(&x->arena, base, slash), root);
}

/* What follows the root: all of the URI, or what the alias leaves of it. */
static struct str
below_root(const struct core_settings *core, struct str uri)
{
    size_t cut = core->alias ? core->alias_cut : 0;
    return cut < uri.n ? str_skip(uri, cut) : STR("");
}

struct str
request_filename(struct exchange *x, struct str uri)
{
    struct str root = document_root(x), rest = below_root(core_of(x), uri);
    if (root.p == NULL)
        return STR_NONE;
    char *p = arena_text(&x->arena, root.n + rest.n + 1);
    memcpy(p, root.p, root.n);
    memcpy(p + root.n, rest.p, rest.n);
    p[root.n + rest.n] = '\0';
    return (struct str){ p, root.n + rest.n };
}

bool
path_climbs(struct str rest)
{
    if (str_find_str(rest, STR("..")) < 0)
        return false;
    while (rest.p)
        if (str_eq(str_cut(&rest, '/'), STR("..")))
            return true;
    return false;
}

struct str
request_path(struct exchange *x, struct str uri)
{
    struct str path = request_filename(x, uri);
    if (path.p == NULL || !path_climbs(below_root(core_of(x), uri)))
        return path;
    fail(x, FAULT_FORBIDDEN, "\"" STR_FMT "\" leaves its root", STR_ARG(path));
    return STR_NONE;
}
