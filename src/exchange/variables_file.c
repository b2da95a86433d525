/* Variables about the file that a URI stands for: root or alias, and what follows. */
#include "exchange/print.h"
#include "exchange/settings.h"
#include "exchange/snapshot.h"

#include <errno.h>
#include <stdlib.h>

static const struct core_settings *
core_of(const struct exchange *x)
{
    const struct location *l = x->location;
    if (l == NULL && x->server)
        l = x->server->root;
    return l ? l->core : NULL;
}

/* False when evaluation failed. */
static bool
root_of(struct exchange *x, struct str *out)
{
    const struct core_settings *core = core_of(x);
    if (core == NULL || core->root == NULL)
        return false;
    *out = template_eval(core->root, x);
    if (out->p && (out->n == 0 || out->p[0] != '/')) {
        struct str base = x->snapshot->compile.prefix;
        bool slash = base.n && base.p[base.n - 1] != '/';
        *out = arena_join(&x->arena, base, slash ? arena_join(&x->arena, STR("/"), *out) : *out);
    }
    return out->p != NULL;
}

static bool
get_document_root(struct exchange *x, struct str rest, struct str *out)
{
    return root_of(x, out);
}

static bool
get_realpath_root(struct exchange *x, struct str rest, struct str *out)
{
    struct str root;
    if (!root_of(x, &root))
        return false;
    char *path = realpath(arena_dup(&x->arena, root).p, NULL);
    if (path == NULL) {
        exchange_log(x, LEVEL_CRIT, errno, "realpath() \"" STR_FMT "\" failed", STR_ARG(root));
        return false;
    }
    *out = arena_dup(&x->arena, str_of(path));
    free(path);
    return true;
}

/* alias stands for the location's name; in a regex location it is the whole path. */
static bool
get_request_filename(struct exchange *x, struct str rest, struct str *out)
{
    struct str root;
    if (!root_of(x, &root))
        return false;
    const struct location *l = x->location;
    if (!core_of(x)->alias || l == NULL)
        *out = arena_join(&x->arena, root, x->uri);
    else if (l->kind == LOCATION_REGEX || x->uri.n < l->name.n)
        *out = root;
    else
        *out = arena_join(&x->arena, root, str_skip(x->uri, l->name.n));
    return true;
}

const struct variable file_variables[] = {
    { "document_root", get_document_root, NULL, VARIABLE_VOLATILE,
      "The root or alias in force, evaluated." },
    { "realpath_root", get_realpath_root, NULL, VARIABLE_VOLATILE,
      "$document_root with all symbolic links resolved." },
    { "request_filename", get_request_filename, NULL, VARIABLE_VOLATILE,
      "The file that the URI stands for by root or alias." },
    { 0 },
};
